import { type Caller, Clock, Faults, Ids } from './controls.js'
import { send, type Target } from './http.js'
import type {
  ErasureCheck,
  Keys,
  Kept,
  LoggedRequest,
  PermanentDeletion,
  ProjectCounts,
  ProjectSettings,
  RequestFilter,
  Snapshot,
  StateCounts,
  StateDocument,
  StateInput,
} from './types.js'

/** The greatest number of requests that one call lists. */
const MAX_LISTED_REQUESTS = 1000

/** A project of an emulator: its keys, and what a test controls in it. No call affects another project. */
export class Project implements Keys {
  readonly #target: Target
  readonly appId: string
  readonly appToken: string
  readonly clientAppId: string
  readonly clientToken: string
  readonly clock: Clock
  readonly ids: Ids
  readonly faults: Faults

  /** @internal Use `emulator.project()` or `emulator.defaultProject`. */
  constructor(target: Target, keys: Keys) {
    this.#target = target
    this.appId = keys.appId
    this.appToken = keys.appToken
    this.clientAppId = keys.clientAppId
    this.clientToken = keys.clientToken
    const call: Caller = (method, path, body) => this.call(method, path, body)
    this.clock = new Clock(call)
    this.ids = new Ids(call)
    this.faults = new Faults(call)
  }

  /** The base URL of the emulator. */
  get url(): string {
    return this.#target.url
  }

  /** The headers of a call of the server side. */
  get headers(): { 'X-App-Id': string; 'X-App-Token': string } {
    return { 'X-App-Id': this.appId, 'X-App-Token': this.appToken }
  }

  /** The headers of a call of the client side. */
  get clientHeaders(): { 'X-Client-Application-Id': string; 'X-Client-Token': string } {
    return { 'X-Client-Application-Id': this.clientAppId, 'X-Client-Token': this.clientToken }
  }

  /** The options of `VoucherifyServerSide` of `@voucherify/sdk`. */
  get sdkOptions(): { apiUrl: string; applicationId: string; secretKey: string } {
    return { apiUrl: this.url, applicationId: this.appId, secretKey: this.appToken }
  }

  /** The options of `VoucherifyClientSide` of `@voucherify/sdk`. A browser sends its own origin. */
  get clientSdkOptions(): { apiUrl: string; clientApplicationId: string; clientSecretKey: string; origin: string } {
    return {
      apiUrl: this.url,
      clientApplicationId: this.clientAppId,
      clientSecretKey: this.clientToken,
      origin: 'http://localhost',
    }
  }

  /** Empties the project, but for its keys, its settings, its snapshots and what is kept. Returns what was removed. */
  async reset(options: { keep?: Kept[] } = {}): Promise<ProjectCounts> {
    return ((await this.call('POST', '/_emulator/reset', options)) as { removed: ProjectCounts }).removed
  }

  /** Keeps the state of the project under a name of 1 to 64 of the characters `A-Z a-z 0-9 . _ -`. */
  async snapshot(name: string): Promise<Snapshot> {
    return (await this.call('PUT', snapshotPath(name))) as Snapshot
  }

  /** Makes the project exactly what it was when the snapshot was made. */
  async restore(name: string): Promise<Snapshot> {
    return (await this.call('POST', `${snapshotPath(name)}/restore`)) as Snapshot
  }

  /** Returns all snapshots of the project, newest first. */
  async snapshots(): Promise<Snapshot[]> {
    return ((await this.call('GET', '/_emulator/snapshots')) as { data: Snapshot[] }).data
  }

  /** Deletes a snapshot. */
  async deleteSnapshot(name: string): Promise<void> {
    await this.call('DELETE', snapshotPath(name))
  }

  /** Replaces the state of the project by a document, or adds the document to it. Returns how many objects it had. */
  async load(state: StateInput, options: { add?: boolean } = {}): Promise<StateCounts> {
    const answer = await this.call(options.add ? 'POST' : 'PUT', '/_emulator/state', state)
    return (answer as { counts: StateCounts }).counts
  }

  /** Returns the state of the project as a document. */
  async state(): Promise<StateDocument> {
    return (await this.call('GET', '/_emulator/state')) as StateDocument
  }

  /** Returns the requests in the request log that match, newest first, at most 1,000. */
  async requests(filter: RequestFilter & { limit?: number } = {}): Promise<LoggedRequest[]> {
    const path = `/_emulator/requests${query({ limit: MAX_LISTED_REQUESTS, ...filter })}`
    return ((await this.call('GET', path)) as { data: LoggedRequest[] }).data
  }

  /** Returns how many requests in the request log match. */
  async requestCount(filter: RequestFilter = {}): Promise<number> {
    return ((await this.call('GET', `/_emulator/requests/count${query({ ...filter })}`)) as { count: number }).count
  }

  /** Empties the request log. */
  async clearRequests(): Promise<void> {
    await this.call('DELETE', '/_emulator/requests')
  }

  /**
   * Waits until the project has no unfinished background job and no webhook delivery that is due.
   *
   * @throws {ApiError} with the status 503 when it still has some after the request timeout of the emulator, 30 seconds
   * by default.
   */
  async idle(): Promise<void> {
    await this.call('GET', '/_emulator/idle')
  }

  /** Searches everything that the emulator has stored in the project for 1 to 100 values of 4 to 500 characters. */
  async erasureCheck(values: string[]): Promise<ErasureCheck> {
    return (await this.call('POST', '/_emulator/erasure-check', { values })) as ErasureCheck
  }

  /** Returns the records of permanent deletions, newest first, at most 100. */
  async permanentDeletions(): Promise<PermanentDeletion[]> {
    const answer = await this.call('GET', '/_emulator/permanent-deletions?limit=100')
    return (answer as { data: PermanentDeletion[] }).data
  }

  /** Returns the settings of the project. */
  async settings(): Promise<ProjectSettings> {
    return (await this.call('GET', '/_emulator/project')) as ProjectSettings
  }

  /** Changes settings of the project, for instance `{ strict: true }`. Returns all of them. */
  async configure(settings: Partial<ProjectSettings>): Promise<ProjectSettings> {
    return (await this.call('PUT', '/_emulator/project', settings)) as ProjectSettings
  }

  /**
   * Calls an operation with the server keys of the project, and returns the parsed body of the answer; `undefined` for an
   * empty one.
   *
   * @throws {ApiError} when the answer has an error status.
   */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    return send(this.#target, { method, path, headers: this.headers, body })
  }

  /** Calls `fetch` with the server keys of the project. A text as the body is sent as JSON, unless `init` names a type. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(this.headers)) headers.set(name, value)
    if (typeof init.body === 'string' && !headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
    return fetch(new URL(path, this.url), { ...init, headers })
  }
}

function snapshotPath(name: string): string {
  return `/_emulator/snapshots/${encodeURIComponent(name)}`
}

function query(members: Record<string, unknown>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  return parameters.size > 0 ? `?${parameters}` : ''
}
