const { VoucherifyServerSide } = require('@voucherify/sdk')
const { connect } = require('voucherify-emulator')

const emulator = connect(process.env.VOUCHERIFY_URL)
let project
let client

beforeEach(async () => {
  project = await emulator.project()
  client = VoucherifyServerSide(project.sdkOptions)
})

test('a customer is created at the time of the clock', async () => {
  await project.clock.freeze('2030-01-01T00:00:00Z')
  const customer = await client.customers.create({ source_id: 'alice@morgan.com' })
  expect(customer.created_at).toBe('2030-01-01T00:00:00.000Z')
})

test('a creation that fails is in the request log', async () => {
  await project.faults.add({ operation: 'create-customer', status: 503, times: 1 })
  await expect(client.customers.create({ source_id: 'alice@morgan.com' })).rejects.toMatchObject({ code: 503 })
  await client.customers.create({ source_id: 'alice@morgan.com' })
  expect(await project.requestCount({ operation: 'create-customer' })).toBe(2)
})

test('no test sees the customers of another', async () => {
  expect((await client.customers.list()).total).toBe(0)
})
