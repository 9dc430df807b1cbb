/// <reference lib="esnext.disposable" preserve="true" />
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type Command, prepareCommand } from './command.js'
import { Emulator, type ManagementKeys } from './emulator.js'
import { StartError } from './errors.js'
import type { Keys, StateInput } from './types.js'

const DEFAULT_TIMEOUT_MS = 30_000
/** How long a stop may take before the program is killed. */
const STOP_TIMEOUT_MS = 10_000
/** How many characters of the log are kept. */
const LOG_CHARS = 65_536

export interface StartOptions {
  /** Start empty, and remove the data at the end. The default, unless `dataDir` or `databaseUrl` is given. */
  ephemeral?: boolean
  /** Keep the data in this directory. */
  dataDir?: string
  /** Keep the data in a PostgreSQL server of yours. */
  databaseUrl?: string
  /** The port of 127.0.0.1 to listen on; by default 0, which selects a free port. */
  port?: number
  /** The address to listen on, in place of `port`. */
  listen?: string
  /** A state document, or the path of a file with one, that is loaded into the default project. */
  state?: StateInput | string
  /** A state document, or the path of a file with one, with which every new project starts. */
  template?: StateInput | string
  /** Refuse what the vendor ignores and the emulator forgives. */
  strict?: boolean
  /** Accept only configured and created keys. */
  strictAuth?: boolean
  /** How many requests the request log keeps for each project; 200 by default, 0 turns it off. */
  requestLog?: number
  /** The keys of the default project. */
  keys?: Partial<Keys>
  /** Which log entries are written: the option `--log`. */
  log?: string
  /** Gets every line of the log. */
  onLog?: (line: string) => void
  /** Environment variables in addition to those of this process. */
  env?: Record<string, string | undefined>
  /** More arguments of the program, such as `['--webhook-retry-speed', '1000']`. */
  args?: readonly string[]
  /** The path of the program, in place of that of the package for this platform. */
  binary?: string
  /** A directory with PostgreSQL's programs, in place of those of the package for this platform. */
  postgresBin?: string
  /** How long the start may take, in milliseconds; 30,000 by default. */
  timeout?: number
}

/** An emulator that this process has started. It ends with this process, however this process ends. */
export class StartedEmulator extends Emulator {
  readonly #child: ChildProcess
  readonly #log: RecentText
  #stopped: Promise<void> | undefined

  /** @internal Use `start()`. */
  constructor(url: string, keys: Partial<Keys & ManagementKeys>, child: ChildProcess, log: RecentText) {
    super({ url, explain: () => explainExit(child, log) }, keys)
    this.#child = child
    this.#log = log
  }

  /** The process id of the program. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The last 64 KiB of the log. */
  get log(): string {
    return this.#log.text
  }

  /** Stops the emulator gracefully, and returns when it has ended. */
  stop(): Promise<void> {
    this.#stopped ??= stopProcess(this.#child)
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/**
 * Starts an emulator, and returns when it can answer requests.
 *
 * @throws {StartError} when it does not start. The message has what the program wrote.
 */
export async function start(options: StartOptions = {}): Promise<StartedEmulator> {
  const files = new DocumentFiles()
  try {
    const args = commandArguments(options, files)
    const environment = commandEnvironment(options)
    const command = prepare(args, environment)
    const log = new RecentText()
    const child = spawn(command.program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: command.environment })
    // The pipe breaks when the program ends.
    child.stdin.on('error', () => {})
    readLines(child.stderr, line => {
      log.append(line)
      options.onLog?.(line)
    })
    const url = await untilReady(child, command, log, options.timeout ?? DEFAULT_TIMEOUT_MS)
    // Neither the program nor its pipes keep this process alive.
    child.unref()
    for (const stream of child.stdio) (stream as Socket | null)?.unref()
    return new StartedEmulator(url, configuredKeys(environment), child, log)
  } finally {
    files.remove()
  }
}

function commandArguments(options: StartOptions, files: DocumentFiles): string[] {
  const { dataDir, databaseUrl, state, template, port = 0, listen = `127.0.0.1:${port}` } = options
  const { ephemeral = dataDir === undefined && databaseUrl === undefined } = options
  if ([ephemeral, dataDir !== undefined, databaseUrl !== undefined].filter(Boolean).length > 1) {
    throw new TypeError('only one of ephemeral, dataDir and databaseUrl can be used')
  }
  const args = ['--stop-with-stdin', '--listen', listen]
  if (ephemeral) args.push('--ephemeral')
  if (dataDir !== undefined) args.push('--data-dir', dataDir)
  if (state !== undefined) args.push('--state', files.path('state', state))
  if (template !== undefined) args.push('--template', files.path('template', template))
  if (options.strict) args.push('--strict')
  if (options.strictAuth) args.push('--strict-auth')
  if (options.requestLog !== undefined) args.push('--request-log', String(options.requestLog))
  if (options.log !== undefined) args.push('--log', options.log)
  return [...args, ...(options.args ?? [])]
}

/** Returns the environment of the program. It has what is secret, because other users can see arguments. */
function commandEnvironment(options: StartOptions): NodeJS.ProcessEnv {
  const environment = { ...process.env, ...options.env }
  const { ephemeral, dataDir, databaseUrl, keys = {} } = options
  if (ephemeral !== false || dataDir !== undefined || databaseUrl !== undefined) {
    // The options decide where the data is, and not the environment of this process.
    delete environment.VOUCHERIFY_EMULATOR_EPHEMERAL
    delete environment.VOUCHERIFY_EMULATOR_DATA_DIR
    delete environment.DATABASE_URL
  }
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) environment[name] = value
  }
  set('DATABASE_URL', databaseUrl)
  set('VOUCHERIFY_EMULATOR_APP_ID', keys.appId)
  set('VOUCHERIFY_EMULATOR_APP_TOKEN', keys.appToken)
  set('VOUCHERIFY_EMULATOR_CLIENT_APP_ID', keys.clientAppId)
  set('VOUCHERIFY_EMULATOR_CLIENT_TOKEN', keys.clientToken)
  set('VOUCHERIFY_EMULATOR_BINARY', options.binary)
  set('VOUCHERIFY_EMULATOR_POSTGRES_BIN', options.postgresBin)
  return environment
}

/** Returns the keys that the environment configures in the emulator. */
function configuredKeys(environment: NodeJS.ProcessEnv): Partial<Keys & ManagementKeys> {
  const names = {
    appId: 'APP_ID',
    appToken: 'APP_TOKEN',
    clientAppId: 'CLIENT_APP_ID',
    clientToken: 'CLIENT_TOKEN',
    managementId: 'MANAGEMENT_ID',
    managementToken: 'MANAGEMENT_TOKEN',
  }
  const values = Object.entries(names).map(([key, name]) => [key, environment[`VOUCHERIFY_EMULATOR_${name}`]])
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

function prepare(args: string[], environment: NodeJS.ProcessEnv): Command {
  try {
    return prepareCommand(args, environment)
  } catch (error) {
    throw new StartError(`the emulator did not start: ${error instanceof Error ? error.message : String(error)}`, '')
  }
}

/** Returns the URL of the ready line, the only line on standard output. */
function untilReady(child: ChildProcess, command: Command, log: RecentText, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer)
      const hint = command.problem === undefined ? '' : ` (${command.problem})`
      reject(new StartError(`the emulator did not start: ${reason}${hint}`, log.text))
    }
    const timer = setTimeout(() => {
      void stopProcess(child)
      fail(`it was not ready after ${timeout} ms${log.text === '' ? '' : `: ${log.text.trimEnd()}`}`)
    }, timeout)
    child.on('error', error => fail(`cannot run ${command.program}: ${error.message}`))
    // `close` comes after everything that the program wrote was read.
    child.on('close', () => fail(explainExit(child, log) ?? 'it has ended'))
    readLines(child.stdout as Readable, line => {
      const url = /^voucherify-emulator ready on (\S+)$/.exec(line)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
  })
}

/** Returns how the program ended and its own message; `undefined` while it runs. */
function explainExit(child: ChildProcess, log: RecentText): string | undefined {
  if (child.exitCode === null && child.signalCode === null) return undefined
  const status = child.signalCode === null ? `exit status ${child.exitCode}` : child.signalCode
  const message = /^voucherify-emulator: ([^]*)/m.exec(log.text)?.[1] ?? log.text
  return `the program ended with ${status}${message === '' ? '' : `: ${message.trimEnd()}`}`
}

/** Stops the program with SIGTERM, and with SIGKILL if it does not end. */
async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  // Keep this process alive until the program has ended.
  child.ref()
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine)
}

/** The end of a text that grows. */
class RecentText {
  text = ''

  append(line: string): void {
    this.text = `${this.text}${line}\n`.slice(-LOG_CHARS)
  }
}

/** Temporary files with state documents, which the program reads at its start. */
class DocumentFiles {
  #directory: string | undefined

  /** Returns the path of a file with the document. */
  path(name: string, document: StateInput | string): string {
    if (typeof document === 'string') return document
    this.#directory ??= mkdtempSync(path.join(os.tmpdir(), 'voucherify-emulator-'))
    const file = path.join(this.#directory, `${name}.json`)
    writeFileSync(file, JSON.stringify(document))
    return file
  }

  remove(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }
}
