// The script of the page. It runs in the browser; walk.mjs serves it and prints the steps that it reports.
const { apiUrl, clientApplicationId, clientSecretKey } = await (await fetch('/settings')).json()
const source_id = 'alice@morgan.com'

const report = message => fetch('/report', { method: 'POST', body: JSON.stringify(message) })
function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`${left} is not ${right}`)
}
async function error(promise) {
  return promise.then(() => { throw new Error('no error') }, error => error)
}
const client = keys => VoucherifySDK.VoucherifyClientSide({ apiUrl, clientApplicationId, clientSecretKey, trackingId: source_id, ...keys })
const page = client({})

const steps = {
  async 'the emulator has another origin'() {
    if (new URL(apiUrl).origin === location.origin) throw new Error(location.origin)
  },
  async 'createCustomer'() {
    const created = await page.createCustomer({ source_id, name: 'Alice', metadata: { lang: 'en' } })
    if (!/^cust_[0-9A-Za-z]{24}$/.test(created.id)) throw new Error(created.id)
    equal((await page.createCustomer({ source_id, phone: '+1 933 222 3333' })).id, created.id)
    const unconfirmed = await page.createCustomer({ source_id: 'bob', email: 'bob@smith.com' }, true)
    equal(unconfirmed.object, 'unconfirmed_customer')
  },
  async 'track'() {
    const event = await page.track('visit', { source_id }, { path: '/' })
    equal([event.type, event.customer.source_id, event.metadata], ['visit', source_id, { path: '/' }])
    // Without a customer, the event belongs to the customer of the tracking id.
    equal((await page.track('visit', {})).customer.source_id, source_id)
  },
  async 'updateConsents'() {
    await page.updateConsents(source_id, { cnst_news: true })
  },
  async 'listConsents'() {
    equal((await page.listConsents()).consents.data.map(consent => consent.id), ['cnst_news'])
  },
  async 'the page can read errors'() {
    const invalid = await error(page.createCustomer({ name: 1 }))
    equal([invalid.code, invalid.key, invalid.details], [400, 'invalid_payload', 'Property .name must be string'])
    const refused = await error(client({ clientSecretKey: 'wrong' }).listConsents())
    equal([refused.code, refused.key], [401, 'unauthorized'])
    equal((await error(page.updateConsents('unknown', { cnst_news: true }))).code, 404)
    // What is not emulated is answered with 404 or 501, and never with an invented success.
    equal((await error(page.listVouchers())).code, 404)
  },
  async 'the page can read rate-limit headers'() {
    await page.listConsents()
    equal(page.client.getLastResponseHeaders()['x-rate-limit-type'], 'api_calls')
  },
  async 'the page cannot use the server side'() {
    const headers = { 'X-App-Id': clientApplicationId, 'X-App-Token': clientSecretKey }
    const refused = await error(fetch(`${apiUrl}/v1/customers`, { headers }))
    equal(refused.name, 'TypeError')
  },
}

try {
  for (const [name, step] of Object.entries(steps)) {
    await step()
    await report({ step: name })
  }
  await report({ done: true })
} catch (error) {
  await report({ failed: String(error.stack ?? error) })
}
