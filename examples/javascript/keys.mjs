// Keys and tokens: the client-side class of @voucherify/sdk, OAuth, and creating and revoking keys; see ../README.md.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import sdk from '@voucherify/sdk'

const apiUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
const origin = 'https://shop.example'
const [id, token] = [randomUUID(), randomUUID()]
const server = (applicationId, secretKey) => sdk.VoucherifyServerSide({ apiUrl, applicationId, secretKey })
const page = (clientApplicationId, clientSecretKey) =>
  sdk.VoucherifyClientSide({ apiUrl, clientApplicationId, clientSecretKey, origin, trackingId: 'alice' })
const keys = { 'X-App-Id': id, 'X-App-Token': token }

// A new pair of keys gets one project, for the server side and the client side.
const created = await page(id, token).createCustomer({ source_id: 'alice', name: 'Alice' })
assert.equal((await server(id, token).customers.get('alice')).id, created.id)
assert.equal((await page(id, token).track('visit', {}, { path: '/' })).type, 'visit')
await page(id, token).updateConsents('alice', { cnst_news: true })
assert.equal((await page(id, token).listConsents()).consents.total, 1)
const { data } = await server(id, token).customers.listActivity('alice')
assert.deepEqual(data.map(entry => entry.data.event_source.channel), Array(3).fill('CLIENT_API'))

// Double opt-in: the server side finds the customer only after the confirmation, which the vendor sends by e-mail.
const unconfirmed = await page(id, token).createCustomer({ source_id: 'bob', email: 'bob@smith.com' }, true)
assert.match(unconfirmed.id, /^ucust_/)
await assert.rejects(server(id, token).customers.get('bob'), { code: 404 })
const confirm = `${apiUrl}/_emulator/unconfirmed-customers/${unconfirmed.id}/confirm`
assert.equal((await fetch(confirm, { method: 'POST', headers: keys })).status, 200)
assert.equal((await server(id, token).customers.get('bob')).email, 'bob@smith.com')

// Keys of one family work only for their own paths, and not after they are revoked.
async function pair(family) {
  const headers = { ...keys, 'Content-Type': 'application/json' }
  const made = await fetch(`${apiUrl}/_emulator/keys`, { method: 'POST', headers, body: JSON.stringify({ family }) })
  const { app_id, app_token } = await made.json()
  return [app_id, app_token]
}
const revoke = (family, app_id) => fetch(`${apiUrl}/_emulator/keys/${family}/${app_id}`, { method: 'DELETE', headers: keys })
const [servers, pages] = [await pair('server'), await pair('client')]
assert.equal((await server(...servers).customers.get('alice')).id, created.id)
assert.equal((await page(...pages).listConsents()).consents.total, 1)
await assert.rejects(server(...pages).customers.get('alice'), { code: 401 })
await assert.rejects(page(...servers).listConsents(), { code: 401 })
assert.equal((await revoke('client', pages[0])).status, 204)
await assert.rejects(page(...pages).listConsents(), { code: 401, key: 'unauthorized' })

// OAuth, for which the SDK has no method.
const form = (path, fields) =>
  fetch(apiUrl + path, { method: 'POST', headers: keys, body: new URLSearchParams(fields) })
const issued = await (await form('/v1/oauth/token', { grant_type: 'client_credentials', scope: 'customers' })).json()
assert.equal(issued.expires_in, 900)
const withToken = path => fetch(apiUrl + path, { headers: { Authorization: `Bearer ${issued.access_token}` } })
assert.equal((await withToken('/v1/customers/alice')).status, 200)
assert.equal((await (await withToken('/v1/orders')).json()).key, 'missing_required_permission')
const { access_token } = issued
assert.equal((await (await form('/v1/oauth/introspect', { access_token })).json()).active, true)
assert.equal((await form('/v1/oauth/token/revoke', { access_token })).status, 204)
assert.equal((await withToken('/v1/customers/alice')).status, 401)
assert.deepEqual(await (await form('/v1/oauth/introspect', { access_token })).json(), { active: false })
console.log('done')
