/** The emulator did not start. The message has what the program wrote, and `log` all of it. */
export class StartError extends Error {
  override readonly name = 'StartError'

  constructor(
    message: string,
    /** The last 64 KiB that the program wrote to standard error. */
    readonly log: string,
  ) {
    super(message)
  }
}

/** A call of the emulator was answered with an error status. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The key of the error, such as `invalid_payload`. */
  readonly key: string | undefined

  constructor(
    call: string,
    readonly status: number,
    /** The body of the answer: parsed if it is JSON, else the text. */
    readonly body: unknown,
  ) {
    const { key, message, details } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
    const texts = [message, details].filter(text => typeof text === 'string' && text !== '')
    super(`${call} was answered with ${status}: ${texts.length > 0 ? texts.join(': ') : String(body)}`)
    this.key = typeof key === 'string' ? key : undefined
  }
}
