import http from 'node:http'
import https from 'node:https'
import { ApiError } from './errors.js'

/** Where an emulator is, and what is known of it when it cannot be reached. */
export interface Target {
  readonly url: string
  /** Returns why the emulator cannot be reached, if that is known. */
  readonly explain?: () => string | undefined
}

export interface Call {
  method: string
  path: string
  headers: Record<string, string>
  body?: unknown
}

/**
 * Sends a request and returns the parsed body of its answer; `undefined` for an empty one. It uses `node:http`, which
 * works where `fetch` is missing (as in Jest's environment `jsdom`) or was replaced by a test.
 *
 * @throws {ApiError} when the answer has an error status.
 */
export async function send(target: Target, { method, path, headers, body }: Call): Promise<unknown> {
  const call = `${method} ${path}`
  const content = body === undefined ? undefined : JSON.stringify(body)
  let answer: { status: number; text: string }
  try {
    answer = await exchange(new URL(path, target.url), method, headers, content)
  } catch (cause) {
    const reason = target.explain?.() ?? (cause instanceof Error ? cause.message || String(cause) : String(cause))
    throw new Error(`${call}: the emulator at ${target.url} did not answer: ${reason}`, { cause })
  }
  const parsed = parse(answer.text)
  if (answer.status >= 400) throw new ApiError(call, answer.status, parsed)
  return parsed
}

function exchange(url: URL, method: string, headers: Record<string, string>, content: string | undefined) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const length =
      content === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }
    const client = url.protocol === 'https:' ? https : http
    // A connection for each call, so that no idle connection is closed by the server at the moment of the next call.
    const request = client.request(url, { method, agent: false, headers: { ...headers, ...length } }, response => {
      const chunks: Buffer[] = []
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
        .on('error', reject)
    })
    request.on('error', reject).end(content)
  })
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
