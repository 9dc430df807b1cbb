import type {
  ClockReading,
  DeliveryFault,
  DeliveryFaultRule,
  Fault,
  IdsReading,
  RequestFault,
  RequestFaultRule,
  Time,
} from './types.js'

/** Calls an operation with the keys of a project. */
export type Caller = (method: string, path: string, body?: unknown) => Promise<unknown>

/** The clock of a project, which drives everything that the project shows. */
export class Clock {
  readonly #call: Caller

  /** @internal */
  constructor(call: Caller) {
    this.#call = call
  }

  /** Returns the time that the clock shows. */
  async now(): Promise<Date> {
    return new Date((await this.read()).now)
  }

  /** Returns the time and the mode of the clock. */
  async read(): Promise<ClockReading> {
    return (await this.#call('GET', '/_emulator/clock')) as ClockReading
  }

  /** Sets the time, from 2016-05-05 to 2099. A frozen clock stays frozen, and another one runs on from there. */
  async set(time: Time): Promise<ClockReading> {
    return (await this.#call('PUT', '/_emulator/clock', { now: iso(time) })) as ClockReading
  }

  /** Freezes the clock at a time; without one, at the time that it shows. */
  async freeze(time?: Time): Promise<ClockReading> {
    const now = time === undefined ? {} : { now: iso(time) }
    return (await this.#call('PUT', '/_emulator/clock', { ...now, frozen: true })) as ClockReading
  }

  /** Lets a frozen clock run on from the time that it shows. */
  async unfreeze(): Promise<ClockReading> {
    return (await this.#call('PUT', '/_emulator/clock', { frozen: false })) as ClockReading
  }

  /**
   * Moves the clock forward: by a duration in the format of ISO 8601, such as `P1DT2H`, or to a time. What falls due on
   * the way happens at its own time.
   */
  async advance(step: string | { by: string } | { to: Time }): Promise<ClockReading> {
    const body = typeof step === 'string' ? { by: step } : 'to' in step ? { to: iso(step.to) } : step
    return (await this.#call('POST', '/_emulator/clock/advance', body)) as ClockReading
  }

  /** Returns to real time. */
  async reset(): Promise<void> {
    await this.#call('DELETE', '/_emulator/clock')
  }
}

/** How the identifiers of a project are made. */
export class Ids {
  readonly #call: Caller

  /** @internal */
  constructor(call: Caller) {
    this.#call = call
  }

  /** Makes identifiers from a text of 1 to 100 characters, so that the same calls get the same identifiers. */
  async seed(text: string): Promise<IdsReading> {
    return (await this.#call('PUT', '/_emulator/ids', { seed: text })) as IdsReading
  }

  /** Returns how identifiers are made. */
  async read(): Promise<IdsReading> {
    return (await this.#call('GET', '/_emulator/ids')) as IdsReading
  }

  /** Makes identifiers random again. */
  async reset(): Promise<void> {
    await this.#call('DELETE', '/_emulator/ids')
  }
}

/** The faults of a project, which make requests or webhook deliveries fail on purpose. */
export class Faults {
  readonly #call: Caller

  /** @internal */
  constructor(call: Caller) {
    this.#call = call
  }

  /** Adds a fault of requests, or of webhook deliveries. */
  async add(rule: RequestFaultRule): Promise<RequestFault>
  async add(rule: DeliveryFaultRule): Promise<DeliveryFault>
  async add(rule: RequestFaultRule | DeliveryFaultRule): Promise<Fault> {
    return (await this.#call('POST', '/_emulator/faults', rule)) as Fault
  }

  /** Returns all faults, in the order of creation, with their `hits`. */
  async list(): Promise<Fault[]> {
    return ((await this.#call('GET', '/_emulator/faults')) as { data: Fault[] }).data
  }

  /** Returns a fault. */
  async get(id: string): Promise<Fault> {
    return (await this.#call('GET', `/_emulator/faults/${encodeURIComponent(id)}`)) as Fault
  }

  /** Removes a fault. */
  async remove(id: string): Promise<void> {
    await this.#call('DELETE', `/_emulator/faults/${encodeURIComponent(id)}`)
  }

  /** Removes all faults. */
  async clear(): Promise<void> {
    await this.#call('DELETE', '/_emulator/faults')
  }
}

/** Returns a time as text. A `Date` of another realm, as in Jest, is no instance of this one's `Date`. */
function iso(time: Time): string {
  return typeof time === 'string' ? time : time.toISOString()
}
