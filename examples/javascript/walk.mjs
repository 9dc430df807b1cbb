// The life of a customer with @voucherify/sdk; see ../README.md.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import sdk from '@voucherify/sdk'

const apiUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
const [applicationId, secretKey] = [randomUUID(), randomUUID()]
const client = sdk.VoucherifyServerSide({ apiUrl, applicationId, secretKey })
const source_id = 'alice@morgan.com'

// Calls an operation for which the SDK has no method.
async function call(method, path, body) {
  const headers = { 'X-App-Id': applicationId, 'X-App-Token': secretKey, 'Content-Type': 'application/json' }
  const answer = await fetch(apiUrl + path, { method, headers, body: body && JSON.stringify(body) })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer.status === 204 ? undefined : answer.json()
}
const ids = objects => objects.map(object => object.id)

// The customer.
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
const filters = lang => ({ filters: { 'metadata.lang': { conditions: { $is: [lang] } } } })
assert.deepEqual(ids((await client.customers.list(filters('en'))).customers), [created.id])
assert.equal((await client.customers.list(filters('de'))).total, 0)

// Segments: one with a list, one with a filter. The SDK lists the segments of a customer, and has no method to list all segments.
const listed = await client.segments.create({ name: 'Listed', type: 'static', customers: [created.id] })
assert.equal((await client.segments.get(listed.id)).name, 'Listed')
const spent = { junction: 'and', 'summary.orders.total_amount': { conditions: { $more_than: [10000] } } }
const spenders = await client.segments.create({ name: 'Spenders', type: 'auto-update', filter: spent })
assert.deepEqual(spenders.filter, spent)
assert.deepEqual(ids((await client.segments.list(source_id)).data), [listed.id])
assert.deepEqual(ids((await call('GET', '/v1/segments')).data), [spenders.id, listed.id])
await assert.rejects(client.segments.create({ name: 'None', type: 'auto-update' }), {
  details: 'Property .filter has wrong `junction` property. It must be one of: and, or',
})

// Orders. When the order is paid, the customer enters the segment; when it is canceled, the customer leaves.
const order = await client.orders.create({ amount: 20000, customer: { source_id }, items: [{ product_id: 'p', quantity: 1 }] })
assert.equal(order.status, 'CREATED')
assert.equal((await client.customers.list({ segment_id: spenders.id })).total, 0)
assert.equal((await client.orders.update({ id: order.id, status: 'PAID' })).status, 'PAID')
assert.equal((await client.orders.get(order.id)).amount, 20000)
assert.equal((await client.orders.list({ limit: 10 })).total, 1)
assert.equal((await client.customers.get(source_id)).summary.orders.total_amount, 20000)
assert.deepEqual(ids((await client.customers.list({ segment_id: spenders.id })).customers), [created.id])
assert.deepEqual(ids((await client.segments.list(source_id)).data), [listed.id, spenders.id])
assert.equal((await client.orders.update({ id: order.id, status: 'FULFILLED' })).status, 'FULFILLED')
assert.equal((await client.customers.list({ segment_id: spenders.id })).total, 1)
assert.equal((await client.orders.update({ id: order.id, status: 'CANCELED' })).status, 'CANCELED')
assert.equal((await client.customers.get(source_id)).summary.orders.total_amount, 0)
assert.equal((await client.customers.list({ segment_id: spenders.id })).total, 0)

// Custom events. The vendor creates their schemas in its dashboard, the emulator under /_emulator.
assert.equal((await client.events.create('visit', { customer: { source_id }, metadata: {} })).type, 'visit')
const schema = await call('POST', '/_emulator/custom-event-schemas', {
  name: 'review', schema: { properties: { stars: { type: 'number', optional: false } } },
})
const review = metadata => client.events.create('review', { customer: { source_id }, metadata })
await assert.rejects(review({ stars: 'five' }), {
  key: 'metadata_validation_failed',
  details: "stars: must be a number, property is required (actual value is 'five')",
})
assert.deepEqual((await review({ stars: 5 })).metadata, { stars: 5 })

// A metadata schema of customers. The SDK can read schemas; it has no methods for the newer calls that change them.
const of = type => ({ type, optional: true, array: false })
const metadataSchema = await call('POST', '/v1/metadata-schemas', {
  related_object: 'customer', properties: { lang: { ...of('string'), eq: ['en', 'de'] }, age: of('number') },
})
assert.deepEqual(ids((await client.metadataSchemas.list()).schemas), [metadataSchema.id])
await assert.rejects(client.customers.update({ source_id, metadata: { lang: 'fr' } }), {
  key: 'metadata_validation_failed',
  details: "lang: must be a string, must be equal to one of en,de (actual value is 'fr')",
})
await call('PUT', '/v1/metadata-schemas/customer', { properties: {}, allow_defined_only: true })
assert.equal((await client.metadataSchemas.get('customer')).allow_defined_only, true)
await assert.rejects(client.customers.update({ source_id, metadata: { shoe: 44 } }), {
  details: "shoe: property is not defined in the schema (actual value is '44')",
})
assert.deepEqual((await client.customers.update({ source_id, metadata: { age: 9 } })).metadata, { lang: 'en', age: 9 })
// A key that is defined as a number is compared as a number.
const younger = { filters: { 'metadata.age': { conditions: { $less_than: [10] } } } }
assert.equal((await client.customers.list(younger)).total, 1)
await call('DELETE', '/v1/metadata-schemas/customer')
assert.equal((await client.metadataSchemas.list()).total, 0)
assert.equal((await client.customers.list(younger)).total, 0)

// Consents, which the vendor defines in its dashboard.
await call('PUT', '/_emulator/consents/cnst_news', { name: 'Newsletter', category: 'Marketing' })
await call('PUT', '/_emulator/consent-groups/cnstgr_mail', { name: 'Mail', consents: ['cnst_news'] })
const consents = await client.consents.list()
assert.deepEqual(consents.consents.data.map(consent => consent.name), ['Newsletter'])
assert.deepEqual(consents.groups.data.map(group => group.consents), [['cnst_news']])
await client.customers.updateConsents(source_id, { cnst_news: true })
await client.customers.updateConsents(source_id, { unsubscribed: true })

// The whole activity, newest first, in pages of four entries.
const entries = []
for (let page, cursor; page?.has_more !== false; cursor = page.more_starting_after) {
  page = await client.customers.listActivity(source_id, { limit: 4, starting_after_id: cursor })
  assert.equal('more_starting_after' in page, page.has_more)
  entries.push(...page.data)
}
assert.deepEqual(entries.map(entry => entry.type).reverse(), [
  'customer.created', 'customer.updated',
  'customer.order.created',
  'customer.order.updated', 'customer.order.paid', 'customer.segment.entered',
  'customer.order.updated', 'customer.order.fulfilled',
  'customer.order.updated', 'customer.order.canceled', 'customer.segment.left',
  'customer.custom_event', 'customer.custom_event',
  'customer.updated',
  'customer.consents.given', 'customer.consents.revoked',
])
const [left, entered] = (await client.customers.listActivity(source_id, { category: 'EFFECT' })).data
assert.deepEqual([left.type, entered.type], ['customer.segment.left', 'customer.segment.entered'])
assert.deepEqual(entered.data.data.segment, { id: spenders.id, name: 'Spenders', object: 'segment' })
const paid = entries.find(entry => entry.type === 'customer.order.paid')
assert.equal(entered.group_id, paid.group_id)
const events = (await client.customers.listActivities(source_id, { type: 'customer.custom_event' }))
assert.equal(events.total, 2)
assert.deepEqual(events.data[0].data.data.event_schema, { id: schema.id, name: 'review' })

// There are no vouchers and campaigns, so there is nothing to redeem.
assert.deepEqual((await client.customers.listRedeemables(source_id, { limit: 5 })).data, [])

// Permanent deletion.
const deletion = await client.customers.deletePermanently(source_id)
assert.equal(deletion.object, 'pernament_deletion')
assert.deepEqual(deletion.data_json, {
  events: 2, customer_events: 9, daily_events: 0, segments: 1, orders: 1, order_events: 7, customer: 1,
})
await assert.rejects(client.customers.get(source_id), { message: 'Resource not found' })
await client.segments.delete(listed.id)
await assert.rejects(client.segments.get(listed.id), { message: 'Resource not found' })

const other = await client.customers.create({ name: 'Bob' })
await client.customers.delete(other.id)
await assert.rejects(client.customers.get(other.id), { message: 'Resource not found' })
console.log('done')
