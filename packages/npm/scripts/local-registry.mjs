// A registry for the packages of the scope @voucherify-emulator, which the check installs before they are published.
//
// Usage: node scripts/local-registry.mjs ARCHIVE... > URL
//
// It serves the archives of platform packages, and packages without a program for the other platforms. It prints its URL,
// and ends with its standard input.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'

const archives = new Map()
const packages = new Map()

for (const archive of process.argv.slice(2)) {
  const manifest = JSON.parse(execFileSync('tar', ['-xzOf', archive, 'package/package.json'], { encoding: 'utf8' }))
  add(manifest, path.basename(archive), readFileSync(archive))
}
const { optionalDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const work = mkdtempSync(path.join(tmpdir(), 'local-registry-'))
mkdirSync(path.join(work, 'package'))
for (const [name, version] of Object.entries(optionalDependencies)) {
  if (!name.startsWith('@voucherify-emulator/') || packages.has(name)) continue
  const platform = name.split('/')[1]
  const [os, cpu] = platform.split('-')
  const manifest = { name, version, os: [os], cpu: [cpu] }
  writeFileSync(path.join(work, 'package', 'package.json'), JSON.stringify(manifest))
  add(manifest, `${platform}.tgz`, execFileSync('tar', ['-czC', work, 'package']))
}
rmSync(work, { recursive: true })

const server = createServer((request, response) => {
  const url = decodeURIComponent(request.url)
  const found = packages.get(url.slice(1))
  if (archives.has(url)) {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(archives.get(url))
  } else if (found) {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(describe(found)))
  } else {
    response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"error":"not found"}')
  }
})
server.listen(0, '127.0.0.1', () => console.log(origin()))
process.stdin.resume().on('end', () => process.exit())

function origin() {
  return `http://127.0.0.1:${server.address().port}`
}

function add(manifest, file, content) {
  archives.set(`/${file}`, content)
  packages.set(manifest.name, { manifest, file, content })
}

function describe({ manifest, file, content }) {
  const digest = (algorithm, encoding) => createHash(algorithm).update(content).digest(encoding)
  const dist = {
    tarball: `${origin()}/${file}`,
    shasum: digest('sha1', 'hex'),
    integrity: `sha512-${digest('sha512', 'base64')}`,
  }
  const { name, version } = manifest
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    // Yarn and pnpm can refuse versions that are new.
    time: { [version]: '2020-01-01T00:00:00.000Z' },
  }
}
