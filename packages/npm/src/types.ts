/** The objects of the emulator's own calls, as its contract (`openapi/voucherify-emulator.json`) describes them. */
import type { OperationId } from './operations.js'

/** The keys of a project: a server pair (`/v1`) and a client pair (`/client/v1`). */
export interface Keys {
  /** The header `X-App-Id`. */
  appId: string
  /** The header `X-App-Token`. */
  appToken: string
  /** The header `X-Client-Application-Id`. */
  clientAppId: string
  /** The header `X-Client-Token`. */
  clientToken: string
}

/** A `Date`, or a date or a time in the format of ISO 8601. */
export type Time = Date | string

/** Whether the emulator can answer requests. */
export interface Health {
  status: string
  version: string
  /** What is wrong, with a `status` other than `ok`. */
  reason?: string
}

/** The clock of a project. */
export interface ClockReading {
  object: 'clock'
  /** The time that the clock shows, such as `2030-01-01T00:00:00.000Z`. */
  now: string
  /** `offset` means that the clock runs but does not show real time. */
  mode: 'real' | 'offset' | 'frozen'
}

/** How identifiers are made. */
export interface IdsReading {
  object: 'ids'
  mode: 'random' | 'seeded'
  /** Absent while identifiers are random. */
  seed?: string
}

/** Which requests of the request log are meant. Without any member, all of them. */
export interface RequestFilter {
  method?: string
  /** A path. `*` stands for one segment, and a last `**` for the rest. */
  path?: string
  operation?: OperationId
  /** A status such as `404`, or a class such as `4xx`. */
  status?: number | `${number}` | `${1 | 2 | 3 | 4 | 5}${'xx' | 'XX'}`
  /** The id of a request: only those that ended after it match. */
  after?: string
}

/** A request that the emulator has answered, or that ended without an answer. */
export interface LoggedRequest {
  /** Begins with `req_`. */
  id: string
  /** The id that the error bodies and the activity of the request show. */
  request_id: string
  /** When the request arrived, by the clock of the project. */
  at: string
  duration_ms: number
  method: string
  path: string
  /** Empty without a query. Tokens and passwords are replaced by `***`. */
  query: string
  /** `null` for a request without a route. */
  operation: OperationId | null
  /** 0 for a request that was not answered. */
  status: number
  /** At most 16 KiB. */
  request_body: string
  /** At most 16 KiB. */
  response_body: string
  /** JSON pointers of members, and names of query parameters (`?name`), that the operation does not know. */
  unread: string[]
  /** For a 404 or 405 without a route: up to three operations that are nearest, as `METHOD /path/{placeholder}`. */
  near: string[]
  /** The id of the fault that hit the request. */
  fault: string | null
}

/** A number of milliseconds, or a range from which one is chosen. */
export type Delay = number | { min: number; max: number }

interface HitSchedule {
  /** How many matches pass first; 0 by default. */
  skip?: number
  /** How many matches are then hit; all by default. */
  times?: number
  /** The share of the matches that are hit, 0 to 1. */
  probability?: number
  /** An integer that decides which matches are hit, and how long they are delayed in a range. */
  seed?: number
  /** How long the request or the attempt is delayed. */
  delay_ms?: Delay
}

/** A fault of requests. Without `operation`, `method` and `path`, every call under the vendors' paths matches. */
export interface RequestFaultRule extends HitSchedule {
  operation?: OperationId
  method?: string
  /** A path. `*` stands for one segment, and a last `**` for the rest. */
  path?: string
  /** The status that is answered instead, 400 to 599, with the vendor's body for it. */
  status?: number
  /** With the status 429: the seconds in `Retry-After`. */
  retry_after_s?: number
  /** With `status`: the body that is answered instead of the vendor's. */
  body?: unknown
  /**
   * `reset` closes the connection without an answer, `truncate` closes it after half of the answer, `hang` sends nothing.
   */
  connection?: 'reset' | 'truncate' | 'hang'
  /** Whether the call is carried out first, so that its effect stays. */
  after?: boolean
  webhook?: never
  event?: never
  duplicate?: never
  fail?: never
}

/** A fault of webhook deliveries: it has `webhook` or `event`, or both. */
export type DeliveryFaultRule = HitSchedule & {
  operation?: never
  method?: never
  path?: never
  status?: never
  retry_after_s?: never
  body?: never
  connection?: never
  after?: never
} & (
    | { /** The id of a webhook, or `*` for all of the project. */ webhook: string; event?: string }
    | { webhook?: string; /** An event that webhooks can subscribe to, such as `customer.created`. */ event: string }
  ) &
  (
    | { /** How often the same message is sent in addition, 1 to 10. */ duplicate?: number; fail?: false }
    | { duplicate?: never; /** Whether the attempt fails without being sent. */ fail?: boolean }
  )

interface FaultCounters {
  /** Begins with `fault_`. */
  id: string
  object: 'fault'
  skip: number
  times?: number
  probability?: number
  seed?: number
  delay_ms?: Delay
  /** How many requests or attempts matched until the fault was used up. */
  matches: number
  /** How many of them were hit. */
  hits: number
}

/** A fault of requests that exists. */
export interface RequestFault extends FaultCounters {
  operation?: OperationId
  method?: string
  path?: string
  status?: number
  retry_after_s?: number
  body?: unknown
  connection?: 'reset' | 'truncate' | 'hang'
  after: boolean
  webhook?: never
}

/** A fault of webhook deliveries that exists. */
export interface DeliveryFault extends FaultCounters {
  webhook: string
  event?: string
  duplicate?: number
  fail: boolean
}

export type Fault = RequestFault | DeliveryFault

/** What a reset leaves in the project. */
export type Kept = 'schemas' | 'segments' | 'consents' | 'webhooks'

/** How many objects a state document has of each kind. */
export interface StateCounts {
  customers: number
  orders: number
  events: number
  segments: number
  consents: number
  consent_groups: number
  metadata_schemas: number
  event_schemas: number
  webhooks: number
}

/** How many objects a project has of each kind. */
export interface ProjectCounts extends StateCounts {
  jobs: number
  exports: number
  deliveries: number
  activity: number
  unconfirmed_customers: number
  permanent_deletions: number
}

/** A stored state of a project. */
export interface Snapshot {
  object: 'snapshot'
  name: string
  /** By the clock of the project. */
  created_at: string
  counts: ProjectCounts
}

/** A state document that is loaded. Every member may be absent, and so may ids and times. */
export interface StateInput {
  format?: 'voucherify-emulator'
  version?: 1
  customers?: object[] | null
  orders?: object[] | null
  events?: object[] | null
  segments?: object[] | null
  consents?: object[] | null
  consent_groups?: object[] | null
  metadata_schemas?: object[] | null
  event_schemas?: object[] | null
  webhooks?: object[] | null
}

type StateObject = Record<string, unknown>

/** The state of a project as one document. */
export interface StateDocument {
  format: 'voucherify-emulator'
  version: 1
  customers: StateObject[]
  orders: StateObject[]
  events: StateObject[]
  segments: StateObject[]
  consents: StateObject[]
  consent_groups: StateObject[]
  metadata_schemas: StateObject[]
  event_schemas: StateObject[]
  webhooks: StateObject[]
}

/** What a search for values found. */
export interface ErasureCheck {
  object: 'erasure_check'
  /** How many tables were searched. */
  tables: number
  /** How many rows were searched. */
  rows: number
  /** Whether none of the values was found. */
  clean: boolean
  /** `table` is a table, `request_log`, or `snapshot:` and the name of a snapshot. */
  found: { table: string; column: string; rows: number }[]
}

/** The record of a permanent deletion. */
export interface PermanentDeletion {
  id: string
  created_at: string
  related_object_id: string
  related_object: 'customer'
  status: 'DONE'
  data_json: {
    events: number
    customer_events: number
    daily_events: number
    segments: number
    orders: number
    order_events: number
    customer: 1
  }
  /** The vendor's spelling. */
  object: 'pernament_deletion'
  /** How many rows were removed, by table. */
  removed: Record<string, number>
}

/** The settings of a project that tests need most often; all others have the names of the management API. */
export interface ProjectSettings {
  id: string
  name: string
  /** The key that signs the webhook messages. */
  webhook_token: string
  /** The origins whose pages may use the client side; `*` trusts every page. */
  client_trusted_domains: string[]
  client_create_customer_enabled: boolean
  client_loyalty_events_enabled: boolean
  /** Whether what the vendor ignores or the emulator forgives is refused. */
  strict: boolean
  [name: string]: unknown
}
