// The official SDK with the options of a project.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import sdk from '@voucherify/sdk'
import { start } from 'voucherify-emulator'

let emulator, project
before(async () => {
  emulator = await start()
  project = await emulator.project()
})
after(() => emulator.stop())

test('the server side and the client side of @voucherify/sdk', async () => {
  const server = sdk.VoucherifyServerSide(project.sdkOptions)
  const page = sdk.VoucherifyClientSide({ ...project.clientSdkOptions, trackingId: 'alice' })
  const created = await page.createCustomer({ source_id: 'alice', name: 'Alice' })
  assert.equal((await server.customers.get('alice')).id, created.id)
  await page.track('visit', {}, { path: '/' })
  const order = await server.orders.create({ amount: 1200, status: 'PAID', customer: { source_id: 'alice' } })
  assert.equal(order.customer.id, created.id)
  await project.faults.add({ operation: 'get-customer', status: 503, times: 1 })
  await assert.rejects(server.customers.get('alice'), { code: 503 })
  assert.equal((await server.customers.get('alice')).summary.orders.total_amount, 1200)
  assert.equal(await project.requestCount({ operation: 'get-customer' }), 3)
})

test('the default project', async () => {
  const server = sdk.VoucherifyServerSide(emulator.defaultProject.sdkOptions)
  await server.customers.create({ source_id: 'bob' })
  const page = sdk.VoucherifyClientSide({ ...emulator.defaultProject.clientSdkOptions, trackingId: 'bob' })
  await page.track('visit', {}, { source_id: 'bob' })
  assert.equal((await server.customers.list()).total, 1)
})
