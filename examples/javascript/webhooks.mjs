// Receives and verifies the webhook messages that calls of @voucherify/sdk cause; see ../README.md.
import assert from 'node:assert/strict'
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
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

const { id: projectId, webhook_token: webhookToken } = await call('GET', '/_emulator/project')
const messages = []
const receiver = createServer((request, response) => {
  const pieces = []
  request.on('data', piece => pieces.push(piece)).on('end', () => {
    const body = Buffer.concat(pieces)
    // Verify the exact bytes, as the vendor's guide advises, and also the body after parsing and serialising it again.
    const signature = Buffer.from(request.headers['x-voucherify-signature'], 'hex')
    for (const signed of [body, JSON.stringify(JSON.parse(body))]) {
      assert.ok(timingSafeEqual(createHmac('sha256', webhookToken).update(signed).digest(), signature))
    }
    messages.push(JSON.parse(body))
    // Fail the first attempt: the retry has the same id.
    response.writeHead(messages.length === 1 ? 500 : 200).end()
  })
})
await new Promise(resolve => receiver.listen(0, '127.0.0.1', resolve))
const targetUrl = `http://127.0.0.1:${receiver.address().port}/hook`

await call('POST', '/_emulator/webhooks', {
  target_url: targetUrl, events: ['customer.created', 'customer.updated', 'customer.deleted'],
})
await call('POST', '/_emulator/webhooks', {
  object: 'distribution', name: 'Order paid', target_url: targetUrl, events: ['customer.order.paid'],
})

async function received(count) {
  while (messages.length < count) await new Promise(resolve => setTimeout(resolve, 5))
  return messages[count - 1]
}

const alice = await client.customers.create({ source_id: 'alice', name: 'Alice “Ä” Morgan', metadata: { n: 1.5, list: ['a', null] } })
const failed = await received(1)
assert.deepEqual(Object.keys(failed), ['id', 'project_id', 'created_at', 'type', 'data', 'source', 'event'])
assert.equal(failed.project_id, projectId)
assert.equal(failed.data.customer.id, alice.id)

// The vendor retries after a minute; here a replay can be requested.
await call('GET', '/_emulator/idle')
const waiting = await call('GET', '/_emulator/webhooks/deliveries?status=PENDING')
assert.deepEqual(waiting.data.map(delivery => [delivery.id, delivery.attempts[0].status]), [[failed.id, 500]])
await call('POST', `/_emulator/webhooks/deliveries/${failed.id}/replay`)
assert.deepEqual(await received(2), failed)

await client.customers.update({ source_id: 'alice', phone: '+1 933 222 3333' })
assert.equal((await received(3)).type, 'customer.updated')
const order = await client.orders.create({ source_id: 'order', amount: 1000, customer: { source_id: 'alice' } })
await client.orders.update({ id: order.id, status: 'PAID' })
const paid = await received(4)
assert.deepEqual([paid.type, paid.event.type, paid.source.object], ['Order paid', 'customer.order.paid', 'distribution'])
assert.equal(paid.data.order.id, order.id)
await client.customers.delete('alice')
const deleted = await received(5)
assert.equal(deleted.type, 'customer.deleted')
assert.match(deleted.data.customer.source_id, /^alice_deleted\d{4}-/)

await call('GET', '/_emulator/idle')
assert.equal(messages.length, 5)
receiver.close()
console.log('done')
