// A test that controls its project: template, clock, faults, request log, reset and seed; see ../README.md.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import sdk from '@voucherify/sdk'

const apiUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
const [applicationId, secretKey] = [randomUUID(), randomUUID()]
const client = sdk.VoucherifyServerSide({ apiUrl, applicationId, secretKey })

// Calls an operation for which the SDK has no method.
async function call(method, path, body) {
  const headers = { 'X-App-Id': applicationId, 'X-App-Token': secretKey, 'Content-Type': 'application/json' }
  const answer = await fetch(apiUrl + path, { method, headers, body: body && JSON.stringify(body) })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer.status === 204 ? undefined : answer.json()
}
const sourceIds = async query => (await client.customers.list(query)).customers.map(customer => customer.source_id).sort()
const requests = async query => (await call('GET', `/_emulator/requests/count?${query}`)).count

// The keys are new, so the project starts with the template.
assert.deepEqual(await sourceIds(), ['alice@morgan.com', 'bob@smith.com'], 'start the emulator with --template world.json')
assert.equal((await client.customers.get('alice@morgan.com')).name, 'Alice Morgan')
const segments = (await call('GET', '/v1/segments')).data
const segment = name => segments.find(segment => segment.name === name).id
const membersOf = name => sourceIds({ segment_id: segment(name) })
assert.deepEqual(await membersOf('Regulars'), ['alice@morgan.com', 'bob@smith.com'])

// Freeze the clock, so that every time is known in advance. When it is advanced, the customer leaves one segment and enters another.
await call('PUT', '/_emulator/clock', { now: '2030-01-01T00:00:00Z', frozen: true })
const carol = await client.customers.create({ source_id: 'carol@jones.com' })
assert.equal(carol.created_at, '2030-01-01T00:00:00.000Z')
assert.deepEqual(await membersOf('Newcomers'), ['carol@jones.com'])
await call('POST', '/_emulator/clock/advance', { by: 'P31D' })
assert.deepEqual(await membersOf('Newcomers'), [])
assert.deepEqual(await membersOf('Regulars'), ['alice@morgan.com', 'bob@smith.com', 'carol@jones.com'])
const { data: activities } = await client.customers.listActivities('carol@jones.com', { limit: 2 })
const moves = activities.map(entry => [entry.type, entry.created_at])
assert.deepEqual(moves.sort(), [
  ['customer.segment.entered', '2030-01-31T00:00:00.001Z'],
  ['customer.segment.left', '2030-01-31T00:00:00.000Z'],
])

// The first creation succeeds, but its answer is lost. The retry with the same source_id finds the customer.
await call('DELETE', '/_emulator/requests')
await call('POST', '/_emulator/faults', { operation: 'create-customer', status: 503, after: true, times: 1 })
const dave = { source_id: 'dave@lee.com', name: 'Dave' }
await assert.rejects(client.customers.create(dave), { code: 503 })
const found = await client.customers.get(dave.source_id)
assert.equal((await client.customers.create(dave)).id, found.id)
assert.equal((await client.customers.list()).total, 4)

// The next read meets the rate limit, and the one after it is answered. The SDK does not repeat a call by itself.
await call('POST', '/_emulator/faults', { operation: 'get-customer', status: 429, retry_after_s: 2, times: 1 })
await assert.rejects(client.customers.get(dave.source_id), { code: 429 })
assert.equal((await client.customers.get(dave.source_id)).name, 'Dave')
assert.deepEqual((await call('GET', '/_emulator/faults')).data.map(fault => fault.hits), [1, 1])

// The request log has what was sent.
assert.equal(await requests('operation=create-customer'), 2)
assert.equal(await requests('operation=create-customer&status=503'), 1)
assert.equal(await requests('operation=get-customer&status=429'), 1)
assert.equal(await requests('method=GET&path=/v1/customers/*'), 3)
const [last] = (await call('GET', '/_emulator/requests?operation=create-customer&limit=1')).data
assert.deepEqual(JSON.parse(last.request_body), dave)

// A reset empties the project and leaves the segments.
const { removed } = await call('POST', '/_emulator/reset', { keep: ['segments'] })
assert.equal(removed.customers, 4)
assert.deepEqual(await sourceIds(), [])
assert.equal((await call('GET', '/v1/segments')).total, 2)
assert.equal((await call('GET', '/_emulator/clock')).mode, 'real')

// With the same seed and the same time, the same calls get the same answers, with their ids.
async function run() {
  await call('POST', '/_emulator/reset')
  await call('PUT', '/_emulator/clock', { now: '2030-01-01T00:00:00Z', frozen: true })
  await call('PUT', '/_emulator/ids', { seed: 'a test' })
  const customer = await client.customers.create({ source_id: 'erin@diaz.com' })
  const order = await client.orders.create({ amount: 1200, status: 'PAID', customer: { source_id: 'erin@diaz.com' } })
  return { customer, order, list: await client.customers.list() }
}
const first = await run()
assert.deepEqual(await run(), first)
assert.equal(first.list.customers[0].id, first.customer.id)

console.log('done')
