// A customer's life through @voucherify/sdk; see ../README.md.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import sdk from '@voucherify/sdk'

const client = sdk.VoucherifyServerSide({
  apiUrl: process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682',
  applicationId: randomUUID(),
  secretKey: randomUUID(),
})
const source_id = 'alice@morgan.com'

const created = await client.customers.create({ source_id, name: 'Alice', metadata: { lang: 'en' } })
assert.match(created.id, /^cust_[0-9A-Za-z]{24}$/)
assert.equal(created.address, null)
const read = await client.customers.get(source_id)
for (const [member, value] of Object.entries(created)) assert.deepEqual(read[member], value)

const updated = await client.customers.update({ source_id, phone: '+1 933 222 3333' })
assert.ok(updated.updated_at)
assert.equal((await client.customers.list({ limit: 2, order: '-created_at' })).total, 1)
const scrolled = []
for await (const customer of client.customers.scroll({ limit: 5 })) scrolled.push(customer.id)
assert.deepEqual(scrolled, [created.id])

const order = await client.orders.create({ amount: 20000, customer: { source_id }, items: [{ product_id: 'p', quantity: 1 }] })
assert.equal((await client.orders.update({ id: order.id, status: 'PAID' })).status, 'PAID')
assert.equal((await client.orders.get(order.id)).amount, 20000)
assert.equal((await client.orders.list({ limit: 10 })).total, 1)
assert.equal((await client.customers.get(source_id)).summary.orders.total_amount, 20000)

assert.equal((await client.events.create('visit', { customer: { source_id }, metadata: {} })).type, 'visit')
const segment = await client.segments.create({ name: 'VIP', type: 'static', customers: [created.id] })
assert.equal((await client.segments.get(segment.id)).name, 'VIP')

const deletion = await client.customers.deletePermanently(source_id)
assert.equal(deletion.object, 'pernament_deletion')
assert.deepEqual(deletion.data_json, {
  events: 1, customer_events: 3, daily_events: 0, segments: 1, orders: 1, order_events: 3, customer: 1,
})
await assert.rejects(client.customers.get(source_id), { message: 'Resource not found' })

const other = await client.customers.create({ name: 'Bob' })
await client.customers.delete(other.id)
await assert.rejects(client.customers.get(other.id), { message: 'Resource not found' })
console.log('done')
