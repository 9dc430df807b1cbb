import assert from 'node:assert/strict'
import sdk from '@voucherify/sdk'
import { connect } from 'voucherify-emulator'

describe('customers', () => {
  let project, client

  beforeEach(async () => {
    project = await connect(process.env.VOUCHERIFY_URL).project()
    client = sdk.VoucherifyServerSide(project.sdkOptions)
  })

  it('are created at the time of the clock', async () => {
    await project.clock.freeze('2030-01-01T00:00:00Z')
    const customer = await client.customers.create({ source_id: 'alice@morgan.com' })
    assert.equal(customer.created_at, '2030-01-01T00:00:00.000Z')
  })

  it('are in the request log, also when their creation fails', async () => {
    await project.faults.add({ operation: 'create-customer', status: 503, times: 1 })
    await assert.rejects(client.customers.create({ source_id: 'alice@morgan.com' }), { code: 503 })
    await client.customers.create({ source_id: 'alice@morgan.com' })
    assert.equal(await project.requestCount({ operation: 'create-customer' }), 2)
  })

  it('are not seen by another test', async () => {
    assert.equal((await client.customers.list()).total, 0)
  })
})
