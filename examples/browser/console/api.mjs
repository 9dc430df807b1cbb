// Calls the API, for the walk over the pages of the console.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

export const baseUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
// A new pair of keys gets a project of its own.
export const [appId, appToken] = [randomUUID(), randomUUID()]

/** Returns the JSON of the answer, which must have the status, or any that means success. */
export async function call(method, path, body, { status } = {}) {
  const headers = { 'X-App-Id': appId, 'X-App-Token': appToken, 'Content-Type': 'application/json' }
  const answer = await fetch(`${baseUrl}${path}`, { method, headers, body: JSON.stringify(body) })
  const text = await answer.text()
  assert.ok(status ? answer.status === status : answer.ok, `${method} ${path}: ${answer.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

/** Calls `read` until its result is true, and returns the result. */
export async function until(what, read) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const result = await read()
    if (result) return result
    await new Promise(elapsed => setTimeout(elapsed, 100))
  }
  assert.fail(`not seen within 10 seconds: ${what}`)
}
