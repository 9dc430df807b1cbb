// What several tests share.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The directory of the package that is tested. */
export const packageDirectory = path.dirname(createRequire(import.meta.url).resolve('voucherify-emulator/package.json'))
export const { version } = JSON.parse(readFileSync(path.join(packageDirectory, 'package.json'), 'utf8'))
/** The command of the package. */
export const cli = path.join(packageDirectory, 'dist', 'cli.js')
/** How long something may take on a slow machine. */
const LIMIT_MS = 30_000
export const isRoot = process.getuid() === 0

/** Returns a temporary directory that every user can read, and that is removed after the test. */
export function temporaryDirectory(context) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'emulator-test-'))
  chmodSync(directory, 0o755)
  context.after(() => {
    execFileSync('chmod', ['-R', 'u+w', directory])
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/**
 * Returns the environment of an emulator whose ephemeral data is in a directory. It has no cache directory, in which it
 * would make a template in the background: the data of an unfinished template stays until a later start.
 */
export function environmentWithData(directory) {
  return { ...process.env, TMPDIR: directory, XDG_CACHE_HOME: '/dev/null/none' }
}

/** Waits until a condition holds, for half a minute at most. */
export async function until(what, condition) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await sleep(50)) {
    if (await condition()) return
  }
  throw new Error(`still not: ${what}`)
}

/** Returns whether a process is running. */
export function isRunning(pid) {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A process that has ended, and whose status nothing has read yet, does not run.
  const status = `/proc/${pid}/stat`
  return !existsSync(status) || !/\) [ZX] /.test(readFileSync(status, 'utf8'))
}

/** Returns the value of a promise, and fails if it takes more than half a minute. */
export function within(promise, what) {
  const limit = sleep(LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`${what} took more than half a minute`)
  })
  return Promise.race([promise, limit])
}
