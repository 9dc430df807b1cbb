// What the page does, in the browser; walk.mjs serves it and prints what it tells.
const { apiUrl, clientApplicationId, clientSecretKey } = await (await fetch('/settings')).json()
const source_id = 'alice@morgan.com'

const tell = message => fetch('/told', { method: 'POST', body: JSON.stringify(message) })
function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`${left} is not ${right}`)
}
async function error(promise) {
  return promise.then(() => { throw new Error('not refused') }, error => error)
}
const client = keys => VoucherifySDK.VoucherifyClientSide({ apiUrl, clientApplicationId, clientSecretKey, trackingId: source_id, ...keys })
const page = client({})

const steps = {
  async 'the emulator is of another origin'() {
    if (new URL(apiUrl).origin === location.origin) throw new Error(location.origin)
  },
  async 'createCustomer'() {
    const created = await page.createCustomer({ source_id, name: 'Alice', metadata: { lang: 'en' } })
    if (!/^cust_[0-9A-Za-z]{24}$/.test(created.id)) throw new Error(created.id)
    equal((await page.createCustomer({ source_id, phone: '+1 933 222 3333' })).id, created.id)
  },
  async 'track'() {
    const event = await page.track('visit', { source_id }, { path: '/' })
    equal([event.type, event.customer.source_id, event.metadata], ['visit', source_id, { path: '/' }])
    // Of whoever the tracking id names.
    equal((await page.track('visit', {})).customer.source_id, source_id)
  },
  async 'updateConsents'() {
    await page.updateConsents(source_id, { cnst_news: true })
  },
  async 'listConsents'() {
    equal((await page.listConsents()).consents.data.map(consent => consent.id), ['cnst_news'])
  },
  async 'errors can be read'() {
    const invalid = await error(page.createCustomer({ name: 1 }))
    equal([invalid.code, invalid.key, invalid.details], [400, 'invalid_payload', 'Property .name must be string'])
    const refused = await error(client({ clientSecretKey: 'wrong' }).listConsents())
    equal([refused.code, refused.key], [401, 'unauthorized'])
    equal((await error(page.updateConsents('nobody', { cnst_news: true }))).code, 404)
    // Not emulated: 404, and never a success that was made up.
    equal((await error(page.listVouchers())).code, 404)
    equal((await error(page.createCustomer({ source_id: 'bob' }, true))).key, 'not_emulated')
  },
  async 'rate-limit headers can be read'() {
    await page.listConsents()
    equal(page.client.getLastResponseHeaders()['x-rate-limit-type'], 'api_calls')
  },
  async 'the server side is closed to pages'() {
    const headers = { 'X-App-Id': clientApplicationId, 'X-App-Token': clientSecretKey }
    const refused = await error(fetch(`${apiUrl}/v1/customers`, { headers }))
    equal(refused.name, 'TypeError')
  },
}

try {
  for (const [name, step] of Object.entries(steps)) {
    await step()
    await tell({ step: name })
  }
  await tell({ done: true })
} catch (error) {
  await tell({ failed: String(error.stack ?? error) })
}
