// The command `voucherify-emulator`.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { cli, environmentWithData, isRunning, temporaryDirectory, until, version, within } from './support.mjs'

/** Runs the command. `stdin` is what it is for `spawn`. */
function run(args, { env = process.env, stdin = 'ignore' } = {}) {
  const launcher = spawn(process.execPath, [cli, ...args], {
    stdio: [stdin, 'pipe', 'pipe'],
    env,
  })
  const output = { stdout: '', stderr: '' }
  launcher.stdout.on('data', chunk => (output.stdout += chunk))
  launcher.stderr.on('data', chunk => (output.stderr += chunk))
  const ended = new Promise(resolve =>
    launcher.once('close', (code, signal) => resolve({ status: signal ?? code, ...output })),
  )
  return { launcher, output, ended: within(ended, args.join(' ')) }
}

/** Runs the command with an ephemeral emulator, and returns when that is ready. */
async function runEmulator(args = [], options = {}) {
  const running = run(['--ephemeral', '--listen', '127.0.0.1:0', ...args], options)
  const { launcher, output } = running
  await until('it is ready', () => {
    assert.equal(launcher.exitCode, null, output.stderr)
    return output.stdout.endsWith('\n')
  })
  return running
}

const isLinux = process.platform === 'linux'

/** Returns the process id of the program that a launcher has started. */
function programOf(launcher) {
  const children = readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, 'utf8')
  return Number(children.trim().split(' ')[0])
}

describe('the command', () => {
  test('passes arguments, output and the exit status through', async () => {
    const { status, stdout } = await run(['--version']).ended
    assert.deepEqual([status, stdout], [0, `voucherify-emulator ${version}\n`])
    const failed = await run(['--no-such-option']).ended
    assert.deepEqual([failed.status, failed.stdout], [2, ''])
    assert.match(failed.stderr, /--no-such-option/)
  })

  test('passes the message of a failed start through', async () => {
    const { status, stdout, stderr } = await run(['--ephemeral', '--template', '/nowhere.json']).ended
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /voucherify-emulator: .*\/nowhere\.json/)
  })

  test('uses the PostgreSQL that the user names', async () => {
    const byArgument = await run(['--ephemeral', '--postgres-bin', '/nowhere']).ended
    assert.equal(byArgument.status, 1)
    assert.match(byArgument.stderr, /\/nowhere/)
    const byEnvironment = await run(['--ephemeral'], {
      env: { ...process.env, VOUCHERIFY_EMULATOR_POSTGRES_BIN: '/nowhere' },
    }).ended
    assert.equal(byEnvironment.status, 1)
    assert.match(byEnvironment.stderr, /\/nowhere/)
  })

  test('names a program that does not exist', async () => {
    const { status, stderr } = await run(['--version'], {
      env: { ...process.env, VOUCHERIFY_EMULATOR_BINARY: '/nowhere' },
    }).ended
    assert.equal(status, 1)
    assert.match(stderr, /^voucherify-emulator: cannot start \/nowhere: /)
  })

  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} stops the program gracefully`, async context => {
      const directory = temporaryDirectory(context)
      const { launcher, output, ended } = await runEmulator([], { env: environmentWithData(directory) })
      const [, url] = /^voucherify-emulator ready on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(output.stdout)
      assert.equal((await fetch(`${url}/_emulator/health`)).status, 200)
      launcher.kill(signal)
      assert.equal((await ended).status, 0)
      assert.deepEqual(readdirSync(directory), [])
      await assert.rejects(fetch(`${url}/_emulator/health`))
    })
  }

  test('SIGKILL stops the program too', { skip: !isLinux }, async context => {
    const directory = temporaryDirectory(context)
    const { launcher, ended } = await runEmulator([], { env: environmentWithData(directory) })
    const program = programOf(launcher)
    assert.ok(isRunning(program))
    launcher.kill('SIGKILL')
    assert.equal((await ended).status, 'SIGKILL')
    await until('the program has ended', () => !isRunning(program))
    await until('its data is removed', () => readdirSync(directory).length === 0)
  })

  test('an end of npx stops the program too', { skip: !isLinux }, async context => {
    const directory = temporaryDirectory(context)
    // npx starts a shell, which starts the command. The shell ends with npx, and its processes get no signal.
    const script = '"$@" & echo $!; wait'
    const args = [process.execPath, cli, '--ephemeral', '--listen', '127.0.0.1:0']
    const shell = spawn('sh', ['-c', script, 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...environmentWithData(directory), npm_command: 'exec', RUST_LOG: 'error' },
    })
    let output = ''
    shell.stdout.on('data', chunk => (output += chunk))
    await until('it is ready', () => output.includes(' ready on '))
    const launcher = Number(/^\d+/.exec(output)[0])
    shell.kill('SIGTERM')
    await until('the command has ended', () => !isRunning(launcher))
    await until('its data is removed', () => readdirSync(directory).length === 0)
  })

  test('ends by the signal that killed the program', { skip: !isLinux }, async () => {
    const { launcher, ended } = await runEmulator()
    process.kill(programOf(launcher), 'SIGKILL')
    assert.equal((await ended).status, 'SIGKILL')
  })

  test('an input that has ended stops it only when that is asked for', async () => {
    const { launcher, ended } = await runEmulator()
    launcher.kill('SIGTERM')
    assert.equal((await ended).status, 0)
    const stopped = await runEmulator(['--stop-with-stdin'], { stdin: 'pipe' })
    stopped.launcher.stdin.end()
    assert.equal((await stopped.ended).status, 0)
  })
})
