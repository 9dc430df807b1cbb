// Makes the package of one platform: the program of the emulator and its licences. Prints the path of the package.
//
// Usage: node scripts/platform-package.mjs --platform linux-x64 --binary FILE --out DIR [--notices FILE]
//
// FILE of --notices is THIRD-PARTY-NOTICES.md, which must accompany a program that is published.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const SCOPE = '@voucherify-emulator/'
const main = fileURLToPath(new URL('..', import.meta.url))
const { name, version, license, optionalDependencies } = JSON.parse(
  readFileSync(path.join(main, 'package.json'), 'utf8'),
)
const platforms = Object.keys(optionalDependencies)
  .filter(dependency => dependency.startsWith(SCOPE))
  .map(dependency => dependency.slice(SCOPE.length))

const { platform, binary, out, notices } = parseArgs({
  options: {
    platform: { type: 'string' },
    binary: { type: 'string' },
    out: { type: 'string' },
    notices: { type: 'string' },
  },
}).values
if (!platform || !binary || !out || !platforms.includes(platform)) {
  fail(`usage: platform-package.mjs --platform ${platforms.join('|')} --binary FILE --out DIR [--notices FILE]`)
}
const format = programPlatform(binary)
if (format !== platform) fail(`${binary} is a program for ${format}, not for ${platform}`)

const target = path.join(out, platform)
rmSync(target, { recursive: true, force: true })
mkdirSync(path.join(target, 'bin'), { recursive: true })
copyFileSync(binary, path.join(target, 'bin', 'voucherify-emulator'))
chmodSync(path.join(target, 'bin', 'voucherify-emulator'), 0o755)
copyFileSync(path.join(main, 'LICENSE'), path.join(target, 'LICENSE'))
if (notices) copyFileSync(notices, path.join(target, 'THIRD-PARTY-NOTICES.md'))
const [os, cpu] = platform.split('-')
// There is no `libc`: the program for Linux that is released is static, so that it runs with every C library.
const manifest = {
  name: SCOPE + platform,
  version,
  description: `The program of ${name} for ${platform}`,
  license,
  os: [os],
  cpu: [cpu],
  files: ['bin', ...(notices ? ['THIRD-PARTY-NOTICES.md'] : [])],
  // Yarn keeps other packages in archives, from which no program can be started.
  preferUnplugged: true,
  publishConfig: { access: 'public' },
}
writeFileSync(path.join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
writeFileSync(
  path.join(target, 'README.md'),
  `# ${manifest.name}\n\n${manifest.description}. Install \`${name}\`, which depends on it.\n`,
)
console.log(target)

function fail(message) {
  console.error(message)
  process.exit(1)
}

/** Returns the platform that a program is for, which its first bytes name: ELF or Mach-O, and the processor. */
function programPlatform(file) {
  const head = Buffer.alloc(20)
  const descriptor = openSync(file, 'r')
  readSync(descriptor, head, 0, head.length, 0)
  closeSync(descriptor)
  if (head.readUInt32BE(0) === 0x7f454c46) {
    return { 0x3e: 'linux-x64', 0xb7: 'linux-arm64' }[head.readUInt16LE(18)] ?? 'another processor'
  }
  if (head.readUInt32LE(0) === 0xfeedfacf) {
    return { 0x01000007: 'darwin-x64', 0x0100000c: 'darwin-arm64' }[head.readUInt32LE(4)] ?? 'another processor'
  }
  return 'another system'
}
