import assert from 'node:assert/strict'
import sdk from '@voucherify/sdk'
import { connect } from 'voucherify-emulator'

describe('orders', () => {
  it('are counted in the summary of their customer', async () => {
    const project = await connect(process.env.VOUCHERIFY_URL).project()
    const client = sdk.VoucherifyServerSide(project.sdkOptions)
    await client.orders.create({ amount: 20000, status: 'PAID', customer: { source_id: 'alice@morgan.com' } })
    const customer = await client.customers.get('alice@morgan.com')
    assert.equal(customer.summary.orders.total_amount, 20000)
  })
})
