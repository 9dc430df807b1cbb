// The overview with its plots, the request log, webhooks, jobs and exports. Each function returns the pages to be checked.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { call, until } from './api.mjs'
import { check, first, press, problems, shows, step } from './browser.mjs'

/** Receives the deliveries of webhooks, and keeps their messages. */
export async function receiver() {
  const messages = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', part => { text += part }).on('end', () => {
      messages.push(JSON.parse(text))
      response.writeHead(204).end()
    })
  })
  await new Promise(listening => server.listen(0, '127.0.0.1', listening))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${server.address().port}/hook`, messages, close }
}

export async function overview(page, project) {
  await page.goto(project)
  const titles = await page.locator('figure.chart h3').allTextContents()
  assert.deepEqual(titles, ['Requests by status', 'Latency', 'Customers created'])
  for (const chart of await page.locator('figure.chart').all()) {
    assert.ok(await chart.locator('svg[role=img] rect').count() > 0)
    assert.equal(await chart.locator('details tbody tr').count(), 15)
  }
  step('the overview has three plots, each also as numbers')
  return [project]
}

export async function requests(page, project) {
  const url = `${project}/requests`
  await page.goto(url)
  const row = text => page.locator(`[data-live-table] tbody tr.new:has-text("${text}")`)
  const state = text => page.waitForSelector(`[data-live-state]:has-text("${text}")`)
  await state('Live')
  await page.evaluate(() => { window.isSamePage = true })
  await call('GET', '/v1/customers/nobody-1', undefined, { status: 404 })
  await row('/v1/customers/nobody-1').waitFor()
  await page.click('text=Pause')
  await call('GET', '/v1/customers/nobody-2', undefined, { status: 404 })
  await state('Paused. 1 new request')
  assert.equal(await row('/v1/customers/nobody-2').count(), 0)
  await page.click('text=Continue')
  await row('/v1/customers/nobody-2').waitFor()
  assert.equal(await page.evaluate(() => window.isSamePage), true)
  step('requests arrive in the open list as they end, unless it is paused')

  await call('POST', '/v1/customer', {}, { status: 404 })
  await call('POST', '/v1/customers?surplus=1', { source_id: 'shopper 1', unknown_member: 1 })
  const detail = async (query, text) => {
    const found = await first(page, `${url}?${query}`)
    await shows(page, text)
    return found
  }
  const pages = [
    url, `${url}?status=4xx`, `${url}?path=/v1/none`,
    await detail('path=/v1/customer', 'Nearest operations'),
    await detail('operation=create-customer', '/unknown_member'),
    await detail('path=/v1/customers/nobody-1', 'Cannot find customer'),
  ]
  await page.click('text=Copy as curl')
  await page.waitForSelector('[data-copied]:has-text("Copied")')
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl .*nobody-1/)
  await page.goto(`${url}?status=never`)
  // The browser reports the status of a query that was refused.
  assert.match(problems.pop(), /status of 400/)
  await check(page)
  step('a request shows its bodies, what was unread and the nearest operations')
  return pages
}

export async function webhooks(page, project, { url: target, messages }) {
  const url = `${project}/webhooks`
  await page.goto(url)
  await page.click('text=Create a webhook')
  await page.fill('[name=target]', target)
  await page.fill('[name=events]', 'customer.created')
  await press(page, 'Create the webhook', 'The webhook was created.')
  const webhook = page.url().split('?')[0]
  await call('POST', '/v1/customers', { source_id: 'delivered', name: 'Dora' })
  const [message] = await until('the message of the webhook', () => messages.length === 1 && messages)
  assert.equal(message.data.customer.source_id, 'delivered')
  await until('the delivery', async () => (await page.goto(webhook), /delivered/.test(await page.textContent('tbody'))))
  const delivery = await first(page, webhook)
  await shows(page, '204')
  await press(page, 'Send it again', 'The message is in the queue again.')
  await until('the second message', () => messages.length === 2)
  assert.deepEqual(messages[1], message)
  await until('the second attempt', async () => (await page.goto(delivery), await page.locator('tbody tr').count() === 2))
  step('a webhook is created, and the replay of its delivery arrives')

  await page.goto(webhook)
  await press(page, 'Deactivate', 'The webhook was deactivated.')
  await press(page, 'Activate', 'The webhook was activated.')
  step('a webhook is deactivated and activated')
  return [url, `${url}?status=FAILED`, `${url}/new`, webhook, `${webhook}/delete`, delivery]
}

/** Clicks a link to a file, and returns the text of the file. */
export async function download(page, selector) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
  return readFileSync(await file.path(), 'utf8')
}

export async function jobs(page, project) {
  await call('POST', '/v1/customers/bulk/async', [{ source_id: 'shopper 1', name: 'Sam' }, { source_id: 'shopper 2', email: 5 }])
  await call('POST', '/v1/exports', { exported_object: 'customer', parameters: { fields: ['source_id'], order: 'source_id' } })
  const done = url => until(`DONE at ${url}`, async () => (await page.goto(url), /DONE/.test(await page.textContent('tbody'))))
  const lists = [`${project}/jobs`, `${project}/exports`]
  await done(lists[0])
  const job = await first(page, lists[0])
  await shows(page, 'CUSTOMERS.BULK_UPDATE')
  await done(lists[1])
  const file = await first(page, lists[1])
  assert.match(await download(page, 'text=Download the file'), /shopper 1\n/)
  step('a job and an export are shown, and its file is downloaded')
  return [...lists, job, file]
}
