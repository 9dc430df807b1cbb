// The controls of a project. The function returns the pages to be checked.
import assert from 'node:assert/strict'
import { call, until } from './api.mjs'
import { check, press, shows, step } from './browser.mjs'
import { download } from './traffic.mjs'

const NAMES = ['clock', 'ids', 'faults', 'snapshots', 'state', 'reset', 'strict', 'erasure']

/** Whether the project has a customer. */
async function exists(source_id) {
  const { customers } = await call('GET', '/v1/customers?limit=100')
  return customers.some(customer => customer.source_id === source_id)
}

async function clock(page, url) {
  await page.goto(url)
  await press(page, 'Freeze now', 'It stands still.')
  const { now, mode } = await call('GET', '/_emulator/clock')
  assert.equal(mode, 'frozen')
  await shows(page, now)
  assert.equal((await call('POST', '/v1/customers', { source_id: 'frozen' })).created_at, now)
  await press(page, '1 hour', 'The clock was changed.')
  const later = (await call('POST', '/v1/customers', { source_id: 'later' })).created_at
  assert.equal(Date.parse(later) - Date.parse(now), 3_600_000)
  await shows(page, later)
  await press(page, 'Back to real time', 'It shows real time.')
  step('the clock is frozen, advanced and set back')
}

async function ids(page, url) {
  await page.goto(url)
  await page.fill('[name=seed]', 'a <seed>')
  await press(page, 'Make them from this seed', 'a <seed>')
  assert.equal((await call('GET', '/_emulator/ids')).seed, 'a <seed>')
  await check(page)
  await press(page, 'Back to random identifiers', 'The source of identifiers was changed.')
  step('identifiers are made from a seed')
}

async function faults(page, project, url, { url: target, messages }) {
  const create = async fields => {
    await page.goto(`${url}/new`)
    for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value)
    await press(page, 'Create the fault', 'The fault was created.')
  }
  // The last column but one of a row is the number of hits.
  const hits = text => page.textContent(`tbody tr:has-text("${text}") td:nth-last-child(2)`)
  await create({ operation: 'create-customer', status: '503', times: '1' })
  assert.equal(await hits('create-customer'), '0')
  await call('POST', '/v1/customers', { source_id: 'second attempt' }, { status: 503 })
  await call('POST', '/v1/customers', { source_id: 'second attempt' })
  await page.goto(url)
  assert.equal(await hits('create-customer'), '1')
  await shows(page, 'used up')
  await page.goto(`${project}/requests?status=503`)
  await page.click('tbody tr td:nth-child(3) a')
  await shows(page, 'fault_')
  const hit = page.url()
  step('a fault hits one call')

  const { id: webhook } = (await call('GET', '/_emulator/webhooks')).data.find(one => one.target_url === target)
  await create({ webhook, event: 'customer.created', times: '1', duplicate: '1' })
  const before = messages.length
  await call('POST', '/v1/customers', { source_id: 'twice' })
  const twice = () => messages.slice(before).filter(message => message.data.customer.source_id === 'twice')
  await until('the message and its duplicate', () => twice().length === 2)
  await page.goto(url)
  assert.equal(await hits('customer.created'), '1')
  step('a fault duplicates a message of a webhook')
  return hit
}

async function snapshots(page, url, change) {
  await page.goto(url)
  await page.fill('[name=name]', 'before')
  await press(page, 'Create the snapshot', 'The snapshot was created.')
  await change()
  assert.ok(await exists('later'))
  await page.goto(url)
  await page.click('tbody >> text=Restore')
  await press(page, 'Restore the snapshot', 'The project is as it was when the snapshot was created.')
  assert.ok(!await exists('later'))
  step('a snapshot is created and restored')
}

/** Deletes the snapshot, which would still hold a customer that is erased. */
export async function deleteSnapshot(page, project) {
  await page.goto(`${project}/controls/snapshots`)
  await page.click('tbody >> text=Delete')
  await press(page, 'Delete the snapshot', 'The snapshot was deleted.')
  step('a snapshot is deleted')
}

async function state(page, url) {
  await page.goto(url)
  const text = await download(page, 'text=Download the document')
  assert.ok(JSON.parse(text).customers.some(customer => customer.source_id === 'shopper 1'))
  await call('POST', '/v1/customers', { source_id: 'not in the document' })
  await page.setInputFiles('[name=document]', { name: 'state.json', mimeType: 'application/json', buffer: Buffer.from(text) })
  await press(page, 'Load the document', 'The document was loaded.')
  assert.ok(!await exists('not in the document') && await exists('shopper 1'))
  step('the state is downloaded and loaded')
}

async function strict(page, url) {
  const surplus = { source_id: 'shopper 1', unknown_member: 1 }
  await page.goto(url)
  await press(page, 'Turn it on', 'Strict mode was turned on.')
  await call('POST', '/v1/customers', surplus, { status: 400 })
  await check(page)
  await press(page, 'Turn it off', 'Strict mode was turned off.')
  await call('POST', '/v1/customers', surplus)
  step('strict mode is turned on and off')
}

/** Makes an erasure check, and returns the page of its result. */
export async function erasureCheck(page, project, value, result) {
  await page.goto(`${project}/controls/erasure`)
  await page.fill('[name=values]', value)
  await press(page, 'Search', result)
  assert.ok(!page.url().includes(value), 'the value is not in the URL')
  return page.url()
}

export async function reset(page, project) {
  await page.goto(`${project}/controls/reset`)
  await page.check('[name=keep-segments]')
  await page.click('text=Show what will be removed')
  await page.waitForSelector('dialog[open]')
  await check(page)
  await page.click('dialog form[method=post] button')
  await page.waitForLoadState()
  await shows(page, 'The project was reset.')
  assert.deepEqual((await call('GET', '/v1/customers')).customers, [])
  assert.equal((await call('GET', '/v1/segments')).data.length, 1)
  step('the project is reset, and keeps its segments')
}

export async function controls(page, project, received) {
  const url = `${project}/controls`
  await page.goto(url)
  const links = await page.locator('.cards a').evaluateAll(found => found.map(link => link.href))
  assert.deepEqual(links, NAMES.map(name => `${url}/${name}`))
  const hit = await faults(page, project, `${url}/faults`, received)
  await snapshots(page, `${url}/snapshots`, async () => {
    await clock(page, `${url}/clock`)
    await ids(page, `${url}/ids`)
    await state(page, `${url}/state`)
  })
  await strict(page, `${url}/strict`)
  const results = [
    await erasureCheck(page, project, 'shopper 1', 'customers'),
    await erasureCheck(page, project, 'never seen', 'Nothing was found'),
  ]
  step('the erasure check finds a value, and none that is not there')
  return [
    hit, url, ...links, `${url}/faults/new`, `${url}/snapshots/before/restore`, `${url}/snapshots/before/delete`,
    `${url}/reset/confirm`, ...results,
  ]
}
