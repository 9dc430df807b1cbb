#!/usr/bin/env node
/** The command `voucherify-emulator`: starts the program with the same arguments, and ends with it. */
import { spawn } from 'node:child_process'
import { prepareCommand } from './command.js'

/** How often the parent process is checked, in milliseconds. */
const PARENT_CHECK_INTERVAL_MS = 500
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function fail(message: string): never {
  process.stderr.write(`voucherify-emulator: ${message}\n`)
  process.exit(1)
}

/** Returns whether a variable switches an option on. The program reads it in the same way. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(|0|n|no|f|false|off)$/i.test(value)
}

function main(): void {
  const args = process.argv.slice(2)
  let command
  try {
    command = prepareCommand(args, process.env)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
  const { program, environment, problem } = command
  if (problem !== undefined) {
    process.stderr.write(`voucherify-emulator: ${problem}; the emulator searches for another PostgreSQL\n`)
  }
  const stopsWithStdin = args.includes('--stop-with-stdin') || isOn(environment.VOUCHERIFY_EMULATOR_STOP_WITH_STDIN)
  // The program does not read its standard input. It is a pipe that ends with this process, also after SIGKILL, so that
  // the program never runs on alone.
  const child = spawn(program, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...environment, VOUCHERIFY_EMULATOR_STOP_WITH_STDIN: 'true' },
  })
  child.stdin.on('error', () => {})
  if (stopsWithStdin) process.stdin.pipe(child.stdin)
  child.on('error', error => fail(`cannot start ${program}: ${error.message}`))
  const forward = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward)
  if (environment.npm_command === 'exec') {
    // npx does not pass SIGTERM on: it ends, and so does the shell that it has started this process with.
    const parent = process.ppid
    const stopWithParent = () => void (process.ppid === parent || child.kill('SIGTERM'))
    setInterval(stopWithParent, PARENT_CHECK_INTERVAL_MS).unref()
  }
  child.on('exit', (code, signal) => {
    for (const forwarded of FORWARDED_SIGNALS) process.off(forwarded, forward)
    // End by the same signal, so that the caller sees the same status.
    if (signal !== null) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}

main()
