// Walks over the pages of the console in a real headless browser; see ../README.md. It fails on an error in the browser's console, on
// a request to another host, on a page that is too wide for a telephone, and on a violation that axe-core finds.
import assert from 'node:assert/strict'
import { appId, baseUrl, call } from './console/api.mjs'
import { browser, check, first, open, problems, step } from './console/browser.mjs'
import { controls, deleteSnapshot, erasureCheck, reset } from './console/controls.mjs'
import { consents, keys, schemas } from './console/definitions.mjs'
import { reference } from './console/reference.mjs'
import { colours, dialogs, sorting } from './console/script.mjs'
import { jobs, overview, receiver, requests, webhooks } from './console/traffic.mjs'

const consent = await call('PUT', '/_emulator/consents/newsletter', { name: 'Newsletter', category: 'MARKETING' })
assert.equal(consent.object, 'consent')
await call('POST', '/v1/metadata-schemas', {
  related_object: 'customer', properties: { lang: { type: 'string', array: false, optional: true } },
})
await call('POST', '/_emulator/webhooks', { target_url: `${baseUrl}/_emulator/health`, events: ['customer.created'] })
for (let number = 0; number < 30; number++) {
  await call('POST', '/v1/orders', {
    amount: 100 * number, status: 'PAID', customer: { source_id: `shopper ${number}`, name: `Shopper ${number}` },
  })
}
await call('POST', '/v1/events', { event: 'visit', customer: { source_id: 'shopper 1' }, metadata: { path: '/' } })

const received = await receiver()
try {
  const page = await open({ colorScheme: 'light', permissions: ['clipboard-read', 'clipboard-write'] })
  await page.goto(baseUrl)
  assert.equal(new URL(page.url()).pathname, '/_emulator/console')
  await check(page)
  await page.fill('#q', appId)
  await page.press('#q', 'Enter')
  await page.click(`main >> text=${appId}`)
  await check(page)
  const project = page.url()
  step('the project is found by its key')

  await page.click('.side-list >> text=Customers')
  await page.click('text=Create a customer')
  await page.fill('[name=source_id]', 'alice@morgan.com')
  await page.fill('[name=name]', 'Alice <script>alert(1)</script>')
  await page.fill('[name=email]', 'alice@morgan.com')
  await page.fill('[name=birthdate]', 'never')
  await page.click('text=Create the customer')
  assert.match(await page.textContent('[role=alert]'), /birthdate cannot be recognized/)
  // The browser reports the status of a form that was refused.
  assert.match(problems.pop(), /status of 400/)
  await check(page)
  await page.fill('[name=birthdate]', '1990-01-02')
  await page.click('text=Create the customer')
  assert.equal(await page.textContent('h1'), 'Alice <script>alert(1)</script>')
  const customer = page.url().split('?')[0]
  step('a customer is created, and an error is shown beside the form')

  await page.click('text=Edit')
  await page.fill('[name=name]', 'Alice Morgan')
  await page.fill('[name=city]', 'Berlin')
  await page.click('text=Save')
  assert.equal(await page.textContent('h1'), 'Alice Morgan')
  step('a customer is changed')

  await page.goto(`${project}/customers`)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  await page.keyboard.press('Enter')
  await page.waitForURL(customer)
  await page.goto(`${project}/customers`)
  await page.keyboard.press('/')
  await page.keyboard.type('Alice')
  await page.keyboard.press('Enter')
  await page.click('main >> text=Alice Morgan')
  assert.equal(page.url(), customer)
  step('keys select, open and search')

  await page.goto(`${project}/customers`)
  await page.click('text=Next page')
  assert.equal(await page.locator('tbody tr').count(), 6)
  await page.goto(`${project}/segments/new`)
  await page.fill('[name=name]', 'Berlin')
  await page.fill('[name=field-1]', 'address.city')
  await page.fill('[name=values-1]', 'Berlin')
  await page.click('text=Create the segment')
  assert.match(await page.textContent('main'), /address.city is “Berlin”/)
  const segment = page.url().split('?')[0]
  step('a segment is built from a form')

  const pages = [
    ...await keys(page, project), ...await consents(page, project, customer), ...await schemas(page, project),
    ...await overview(page, project), ...await requests(page, project), ...await webhooks(page, project, received),
    ...await jobs(page, project), ...await controls(page, project, received),
    `${project}/customers`, `${project}/customers?city=Berlin`, `${project}/customers/search?q=A`,
    `${project}/customers/new`, customer, `${customer}/timeline`, `${customer}/edit`, `${customer}/delete`, `${customer}/erase`,
    `${project}/segments`, segment, `${segment}/delete`, `${project}/segments/new`,
  ]
  for (const section of ['orders', 'events', 'consents', 'metadata-schemas']) {
    pages.push(`${project}/${section}`, await first(page, `${project}/${section}`))
  }
  for (const url of pages) {
    await page.goto(url)
    await page.evaluate(() => document.querySelectorAll('main details').forEach(details => { details.open = true }))
    await check(page)
  }
  step(`${pages.length} pages have no violation in light colours`)
  const dark = await open({ colorScheme: 'dark' })
  for (const url of pages) {
    await dark.goto(url)
    await check(dark)
  }
  step('nor in dark colours')
  await reference(page, 'light')
  await reference(dark, 'dark')
  await sorting(page, project)
  await dialogs(page, project, customer)
  await colours(page, project)
  const plain = await open({ javaScriptEnabled: false })
  await plain.goto(`${project}/customers`)
  await plain.fill('#q', 'Alice')
  await plain.click('main >> text=Search')
  await plain.click('main >> text=Alice Morgan')
  assert.equal(await plain.textContent('h1'), 'Alice Morgan')
  step('the pages work without scripts')

  await deleteSnapshot(page, project)
  await page.goto(`${customer}/erase`)
  await page.click('button:has-text("Delete permanently")')
  assert.match(await page.textContent('main'), /Nothing was found/)
  await check(page)
  step('a customer is erased, and the check finds nothing')
  await erasureCheck(page, project, 'alice@morgan.com', 'Nothing was found')
  await first(page, `${project}/controls/erasure`)
  await check(page)
  step('the permanent deletion is listed')
  await reset(page, project)
  await page.goto(project)
  await check(page)
  step('the overview of an empty project has no violation')
} finally {
  await browser.close()
  received.close()
}
console.log('done')
