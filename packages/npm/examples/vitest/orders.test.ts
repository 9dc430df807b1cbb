import sdk from '@voucherify/sdk'
import { expect, inject, test } from 'vitest'
import { connect } from 'voucherify-emulator'

test('a paid order is counted in the summary of its customer', async () => {
  const project = await connect(inject('emulatorUrl')).project()
  const client = sdk.VoucherifyServerSide(project.sdkOptions)
  await client.orders.create({ amount: 20000, status: 'PAID', customer: { source_id: 'alice@morgan.com' } })
  const customer = await client.customers.get('alice@morgan.com')
  expect(customer).toMatchObject({ summary: { orders: { total_amount: 20000, total_count: 1 } } })
})
