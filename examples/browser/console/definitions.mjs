// Keys, consents and schemas, which forms create, change and delete. Each function returns the pages to be checked.
import assert from 'node:assert/strict'
import { baseUrl, call } from './api.mjs'
import { check, press, shows, step } from './browser.mjs'

const names = async path => (await call('GET', path)).data

export async function keys(page, project) {
  const url = `${project}/keys`
  await page.goto(url)
  await press(page, 'Create a server pair', 'This page shows their token once')
  await check(page)
  const text = await page.textContent('#headers')
  const headers = Object.fromEntries(text.split('\n').map(line => line.split(': ')))
  const answer = await fetch(`${baseUrl}/v1/customers`, { headers })
  assert.equal(answer.status, 200)
  await page.reload()
  assert.equal(page.url(), url)
  assert.ok(!(await page.content()).includes(headers['X-App-Token']), 'the token is shown once')
  const confirmation = await page.getAttribute(`tr:has-text("${headers['X-App-Id']}") a`, 'href')
  await page.click(`tr:has-text("${headers['X-App-Id']}") a`)
  await press(page, 'Revoke the key', 'The key was revoked.')
  assert.equal((await fetch(`${baseUrl}/v1/customers`, { headers })).status, 401)
  assert.equal((await names('/_emulator/keys')).some(key => key.app_id === headers['X-App-Id']), false)
  assert.match(confirmation, /\/revoke\?family=server$/)
  step('a pair of keys is created, its token is shown once, and it is revoked')
  const { app_id: id } = await call('POST', '/_emulator/keys', { family: 'client' })
  return [url, `${url}/${id}/revoke?family=client`]
}

export async function consents(page, project, customer) {
  await page.goto(`${project}/consents`)
  await page.click('text=Create a consent')
  await page.fill('[name=id]', 'sms')
  await page.fill('[name=name]', 'Offers by SMS')
  await press(page, 'Create the consent', 'The consent was created.')
  const consent = page.url().split('?')[0]
  await page.click('main >> text=Edit')
  await page.fill('[name=category]', 'MARKETING')
  await press(page, 'Save', 'The consent was saved.')
  await page.goto(`${project}/new-consent-group`)
  await page.fill('[name=id]', 'marketing')
  await page.fill('[name=name]', 'Marketing')
  await page.fill('[name=consents]', 'newsletter\nsms')
  await press(page, 'Create the group', 'The group was saved.')
  step('consents and a group are defined')

  const url = `${customer}/consents`
  await page.goto(url)
  const row = name => page.locator(`tbody tr:has-text("${name}")`)
  await row('Offers by SMS').locator('button').click()
  await page.waitForSelector('tr:has-text("Offers by SMS") >> text=given')
  await row('Newsletter').locator('button').click()
  await page.waitForSelector('tr:has-text("Newsletter") >> text=given')
  await row('Offers by SMS').locator('button').click()
  await page.waitForSelector('tr:has-text("Offers by SMS") >> text=revoked')
  await press(page, 'Revoke all consents', 'The consents of the customer were changed.')
  const { data } = await call('GET', `/v1/customers/${customer.split('/').pop()}/activity?limit=4`)
  assert.deepEqual(data.map(entry => entry.type.split('.').pop()), ['revoked', 'revoked', 'given', 'given'])
  await row('Newsletter').locator('button').click()
  await page.waitForSelector('text=Revoke all consents')
  step('consents of a customer are given and revoked')

  await page.goto(`${project}/new-consent`)
  await page.fill('[name=id]', 'short-lived')
  await page.fill('[name=name]', 'Short-lived')
  await press(page, 'Create the consent', 'The consent was created.')
  await page.click('text=Delete the consent')
  await press(page, 'Delete the consent', 'The consent was deleted.')
  step('a consent is deleted')
  const group = `${project}/consent-groups/marketing`
  return [
    url, consent, `${consent}/edit`, `${consent}/delete`, `${project}/new-consent`, `${project}/new-consent-group`,
    `${group}/edit`, `${group}/delete`,
  ]
}

export async function schemas(page, project) {
  const url = `${project}/metadata-schemas`
  const addKey = async fields => {
    await page.click('text=Add a key')
    for (const [name, value] of Object.entries(fields)) {
      if (name === 'type') await page.selectOption('[name=type]', value)
      else await page.fill(`[name=${name}]`, value)
    }
    await check(page)
    await press(page, 'Add the key', 'The schema was saved.')
  }
  await page.goto(url)
  await page.click('text=Create a schema')
  await page.fill('[name=name]', 'order')
  await press(page, 'Create the schema', 'The schema was created.')
  const schema = page.url().split('?')[0]
  await addKey({ key: 'gift', type: 'number', gte: '1', lte: '3' })
  await press(page, 'Allow defined keys only', 'Keys that are not defined here are refused.')
  const order = gift => ({ amount: 100, customer: { source_id: 'shopper 1' }, metadata: { gift } })
  await call('POST', '/v1/orders', order(4), { status: 400 })
  await call('POST', '/v1/orders', order(3))
  await page.click('tbody a')
  await page.fill('[name=lte]', '2')
  await press(page, 'Save', 'The schema was saved.')
  await call('POST', '/v1/orders', order(3), { status: 400 })
  step('a metadata schema is created and changed, and is applied')

  const key = `${schema}/key?key=gift`
  await page.goto(key)
  await press(page, 'Remove the key', 'deleted')
  await page.goto(key)
  await press(page, 'Purge the values', 'ORDERS')
  await page.goto(schema)
  await page.click('text=Delete the schema')
  await check(page)
  await press(page, 'Delete the schema', 'The schema was deleted.')
  assert.deepEqual((await call('GET', '/v1/metadata-schemas')).schemas.map(one => one.related_object), ['customer'])
  step('a key is removed and purged, and the schema is deleted')

  await page.goto(url)
  await page.click('text=Create an event schema')
  await page.fill('[name=name]', 'review')
  await press(page, 'Create the schema', 'The schema was created.')
  const events = page.url().split('?')[0]
  await addKey({ key: 'stars', type: 'number' })
  await call('POST', '/v1/events', { event: 'review', customer: { source_id: 'shopper 1' }, metadata: { stars: 'five' } }, { status: 400 })
  step('a custom event schema is created, and is applied')

  await page.goto(url)
  await page.click('tbody >> text=customer')
  await shows(page, 'lang')
  const customers = page.url()
  return [
    url, `${url}/new`, `${project}/event-schemas/new`, customers, `${customers}/key`, `${customers}/key?key=lang`,
    `${customers}/delete`, events, `${events}/key`, `${events}/key?key=stars`, `${events}/delete`,
  ]
}
