import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import sdk from '@voucherify/sdk'
import { connect } from 'voucherify-emulator'

const emulator = connect(process.env.VOUCHERIFY_URL)
let project, client

beforeEach(async () => {
  project = await emulator.project()
  client = sdk.VoucherifyServerSide(project.sdkOptions)
})

test('a customer is created at the time of the clock', async () => {
  await project.clock.freeze('2030-01-01T00:00:00Z')
  const customer = await client.customers.create({ source_id: 'alice@morgan.com' })
  assert.equal(customer.created_at, '2030-01-01T00:00:00.000Z')
})

test('a creation that fails is in the request log', async () => {
  await project.faults.add({ operation: 'create-customer', status: 503, times: 1 })
  await assert.rejects(client.customers.create({ source_id: 'alice@morgan.com' }), { code: 503 })
  await client.customers.create({ source_id: 'alice@morgan.com' })
  assert.equal(await project.requestCount({ operation: 'create-customer' }), 2)
})

test('no test sees the customers of another', async () => {
  assert.equal((await client.customers.list()).total, 0)
})
