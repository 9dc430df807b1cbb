// Background jobs with @voucherify/sdk; see ../README.md.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sdk from '@voucherify/sdk'

const apiUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
// A new pair of keys gets an empty project of its own.
const newClient = () => sdk.VoucherifyServerSide({ apiUrl, applicationId: randomUUID(), secretKey: randomUUID() })
let client = newClient()
const pause = () => new Promise(resolve => setTimeout(resolve, 20))

// Poll until the job is finished, as a user would.
async function done({ async_action_id }) {
  assert.match(async_action_id, /^aa_/)
  for (;;) {
    const action = await client.asyncActions.get(async_action_id)
    if (action.status === 'DONE') return action
    assert.ok(['ENQUEUED', 'IN_PROGRESS'].includes(action.status))
    assert.equal(action.result, null)
    await pause()
  }
}

async function text(url) {
  const answer = await fetch(url)
  assert.equal(answer.status, 200)
  return answer.text()
}

// A bulk update that updates one customer and creates another.
await client.customers.create({ source_id: 'alice', name: 'Alice' })
const bulk = await done(await client.customers.updateInBulk([
  { source_id: 'alice', phone: '+1 933 222 3333' }, { source_id: 'bob', address: { city: 'New York', country: 'US' } },
]))
assert.deepEqual([bulk.type, bulk.operation_status, bulk.progress], ['CUSTOMERS.BULK_UPDATE', 'SUCCESS', 100])
assert.deepEqual([bulk.result.done_count, bulk.result.failed_count, bulk.result.errors], [2, 0, []])
assert.equal(await text(bulk.result.reports[0]), 'source_id,found,updated\nalice,true,true\nbob,false,true\n')
const alice = await client.customers.get('alice')
assert.deepEqual([alice.name, alice.phone, alice.address], ['Alice', '+1 933 222 3333', null])
assert.deepEqual((await client.customers.get('bob')).address, { city: 'New York', country: 'US' })
await done(await client.customers.updateInBulk([{ source_id: 'bob', address: { city: null, country: null } }]))
assert.deepEqual((await client.customers.get('bob')).address, { city: null, country: null })

// Update the metadata of several customers. A null keeps its key.
const source_ids = ['alice', 'bob']
await done(await client.customers.updateMetadataInBulk({ source_ids, metadata: { test: 123 } }))
assert.deepEqual((await client.customers.get('alice')).metadata, { test: 123 })
await done(await client.customers.updateMetadataInBulk({ source_ids, metadata: { test: null } }))
assert.deepEqual((await client.customers.get('bob')).metadata, { test: null })

// Import a CSV file with one invalid row.
const file = join(mkdtempSync(join(tmpdir(), 'csv-')), 'customers.csv')
writeFileSync(file, 'Name,Source_id,Email,City,Birthdate,favorite_brands\nCarol,carol,c@x.y,"Paris, TX",1990-01-31,Nike\nDan,dan,d@x.y,Oslo,31-01-1990,\n')
const imported = await done(await client.customers.importCSV(file))
assert.equal(imported.result.message, '1 customer(s) imported successfully, 1 failed.')
assert.deepEqual(imported.result.failed, [
  { source_id: 'dan', row: 2, reason: 'Property .birthdate cannot be recognized as a ISO-8601 compliant date' },
])
const carol = await client.customers.get('carol')
assert.deepEqual([carol.address, carol.metadata], [{ city: 'Paris, TX' }, { favorite_brands: 'Nike' }])

// Import orders.
const orders = await done(await client.orders.import([
  { source_id: 'o1', status: 'PAID', amount: 7000, customer: { source_id: 'alice' } },
  { source_id: 'o2', status: 'CREATED', amount: 100, customer: { id: 'cust_LMY4ZylSdUYB1J4tzqNcl5VV' } },
]))
assert.equal(orders.result.message, '1 order(s) imported successfully, 1 failed.')
assert.deepEqual(orders.result.failed, [
  { source_id: 'o2', reason: 'Cannot find customer with id cust_LMY4ZylSdUYB1J4tzqNcl5VV' },
])
assert.equal((await client.customers.get('alice')).summary.orders.total_amount, 7000)

const listed = await client.asyncActions.list({ limit: 2 })
assert.deepEqual(listed.async_actions.map(action => action.type), ['ORDERS.IMPORT', 'CUSTOMERS.IMPORT_CSV'])

// Exports, which the SDK has under distributions.
const { exports } = client.distributions
const created = await exports.create({
  exported_object: 'customer',
  parameters: { order: 'source_id', fields: ['source_id', 'email', 'address_city'], filters: { junction: 'and', email: { conditions: { $has_value: [true] } } } },
})
assert.deepEqual([created.status, created.result], ['SCHEDULED', null])
let finished = created
while (finished.status !== 'DONE') {
  await pause()
  finished = await exports.get(created.id)
}
const lines = (await text(finished.result.url)).trim().split('\n')
assert.deepEqual(lines.slice(1), ['carol,c@x.y,"Paris, TX"'])
assert.equal((await exports.list({ limit: 5 })).total, 1)
await exports.delete(created.id)
await assert.rejects(exports.get(created.id), { message: 'Resource not found' })

// A scroll returns each customer exactly once, also those that one job created.
client = newClient()
const expected = []
const customersNamed = prefix => Array.from({ length: 250 }, (_, index) => ({ source_id: `${prefix}${1000 + index}` }))
async function checkScroll(...created) {
  expected.push(...created.map(customer => customer.source_id))
  const found = []
  for await (const customer of client.customers.scroll({ limit: 100 })) found.push(customer.source_id)
  assert.deepEqual([found.length, new Set(found).size], [expected.length, expected.length])
  assert.deepEqual(found.sort(), expected)
}
const [bulkCustomers, csvCustomers, orderCustomers] = ['bulk', 'csv', 'order'].map(customersNamed)
await done(await client.customers.updateInBulk(bulkCustomers))
await checkScroll(...bulkCustomers)
writeFileSync(file, ['Source_id', ...csvCustomers.map(customer => customer.source_id), ''].join('\n'))
await done(await client.customers.importCSV(file))
await checkScroll(...csvCustomers)
await done(await client.orders.import(orderCustomers.map(customer => ({ status: 'PAID', amount: 100, customer }))))
await checkScroll(...orderCustomers)
console.log('done')
