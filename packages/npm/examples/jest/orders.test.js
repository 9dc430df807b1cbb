const { VoucherifyServerSide } = require('@voucherify/sdk')
const { connect } = require('voucherify-emulator')

test('a paid order is counted in the summary of its customer', async () => {
  const project = await connect(process.env.VOUCHERIFY_URL).project()
  const client = VoucherifyServerSide(project.sdkOptions)
  await client.orders.create({ amount: 20000, status: 'PAID', customer: { source_id: 'alice@morgan.com' } })
  const customer = await client.customers.get('alice@morgan.com')
  expect(customer.summary.orders).toMatchObject({ total_amount: 20000, total_count: 1 })
})
