// Walks over the pages of the console in a real headless browser; see ../README.md. It fails on an error in the browser's console, on
// a request to another host, and on a violation that axe-core finds.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'

const baseUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')
// A new pair of keys gets a project of its own.
const [appId, appToken] = [randomUUID(), randomUUID()]

function executable() {
  if (process.env.CHROME) return process.env.CHROME
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const places = process.env.PATH.split(delimiter).flatMap(folder => names.map(name => join(folder, name)))
  places.push('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome')
  const found = places.find(place => {
    try { accessSync(place, constants.X_OK); return true } catch { return false }
  })
  assert.ok(found, 'no Chromium or Chrome found; install one, or set CHROME to its path')
  return found
}

async function call(method, path, body) {
  const headers = { 'X-App-Id': appId, 'X-App-Token': appToken, 'Content-Type': 'application/json' }
  const answer = await fetch(`${baseUrl}${path}`, { method, headers, body: JSON.stringify(body) })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`)
  return answer.status === 204 ? undefined : answer.json()
}

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

const browser = await chromium.launch({ executablePath: executable(), chromiumSandbox: process.getuid?.() !== 0 })
const problems = []
const step = name => console.log(name)
// The widths between which every page must be readable.
const NARROW = { width: 360, height: 740 }
const WIDE = { width: 1280, height: 900 }

async function open(options) {
  const context = await browser.newContext({ viewport: WIDE, ...options })
  const page = await context.newPage()
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) problems.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', error => problems.push(`${page.url()}: ${error}`))
  page.on('request', request => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.origin !== baseUrl) problems.push(`a request to ${url}`)
  })
  return page
}

/** Checks the open page: accessibility, and that it is not wider than a narrow window. */
async function check(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  for (const { id, help, nodes } of violations) {
    problems.push(`${page.url()}: ${id}: ${help}: ${nodes.map(node => node.html).slice(0, 3).join(' | ')}`)
  }
  await page.setViewportSize(NARROW)
  const surplus = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (surplus > 0) problems.push(`${page.url()}: ${surplus} pixels wider than ${NARROW.width}`)
  await page.setViewportSize(WIDE)
}

try {
  const page = await open({ colorScheme: 'light' })
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

  const first = async path => {
    await page.goto(`${project}${path}`)
    await page.click('tbody a')
    return page.url()
  }
  const pages = [
    project, `${project}/keys`, `${project}/customers`, `${project}/customers?city=Berlin`, `${project}/customers/search?q=A`,
    `${project}/customers/new`, customer, `${customer}/timeline`, `${customer}/edit`, `${customer}/delete`, `${customer}/erase`,
    `${project}/orders`, await first('/orders'), `${project}/events`, await first('/events'), `${project}/segments`, segment,
    `${segment}/delete`, `${project}/segments/new`, `${project}/consents`, await first('/consents'),
    `${project}/metadata-schemas`, await first('/metadata-schemas'),
  ]
  for (const url of pages) {
    await page.goto(url)
    await page.evaluate(() => document.querySelectorAll('main details').forEach(details => { details.open = true }))
    await check(page)
  }
  assert.deepEqual(problems, [])
  step(`${pages.length} pages have no violation in light colours`)
  const dark = await open({ colorScheme: 'dark' })
  for (const url of pages) {
    await dark.goto(url)
    await check(dark)
  }
  assert.deepEqual(problems, [])
  step('nor in dark colours')
  await page.click('text=Dark')
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark')
  const plain = await open({ javaScriptEnabled: false })
  await plain.goto(`${project}/customers`)
  await plain.fill('#q', 'Alice')
  await plain.click('main >> text=Search')
  await plain.click('main >> text=Alice Morgan')
  assert.equal(await plain.textContent('h1'), 'Alice Morgan')
  step('the pages work without scripts')

  await page.goto(`${customer}/erase`)
  await page.click('button:has-text("Delete permanently")')
  assert.match(await page.textContent('main'), /Nothing was found/)
  await check(page)
  step('a customer is erased, and the check finds nothing')
  assert.deepEqual(problems, [])
} finally {
  await browser.close()
}
console.log('done')
