// Makes pictures of the pages of the console in a real headless browser; see ../README.md. The first argument is the folder for the
// pictures. The project of the pictures is emptied and filled on each run, with a frozen clock and a seed, so that they repeat.
import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { executable } from './chromium.mjs'

// The name of a page in the names of its files, its path below the project, the link that opens a dialog on it, and the page that takes
// its place where the navigation does not have it.
const PAGES = [
  { name: 'overview', path: '' },
  { name: 'customers', path: '/customers' },
  { name: 'customer', path: '/customers/{customer}' },
  { name: 'dialog', path: '/customers/{customer}', opens: 'text=Delete permanently' },
  { name: 'consents', path: '/customers/{customer}/consents' },
  { name: 'timeline', path: '/customers/{customer}/timeline' },
  { name: 'segment', path: '/segments/{segment}' },
  { name: 'requests', path: '/requests', otherwise: { name: 'orders', path: '/orders' } },
]
const SIZE = { width: 1280, height: 800 }
const MAX_BYTES = 150_000

const baseUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
const repository = join(dirname(fileURLToPath(import.meta.url)), '../..')
const folder = process.argv[2] ?? join(repository, 'docs/images')
// Fixed keys, because the name of the project follows from them.
const [appId, appToken] = ['harbour-books', 'token-of-the-screenshots']

async function call(method, path, body, { status } = {}) {
  const headers = { 'X-App-Id': appId, 'X-App-Token': appToken, 'Content-Type': 'application/json' }
  const answer = await fetch(`${baseUrl}${path}`, { method, headers, body: JSON.stringify(body) })
  const text = await answer.text()
  assert.ok(status ? answer.status === status : answer.ok, `${method} ${path}: ${answer.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

const at = now => call('PUT', '/_emulator/clock', { now, frozen: true })

// Name, e-mail, address and metadata.
const CUSTOMERS = [
  ['Alice Morgan', 'alice@morgan.com', ['Torstraße 12', '10119', 'Berlin', 'DE'], { lang: 'de', genre: 'crime' }],
  ['Bob Smith', 'bob@smith.com', ['4 Lamb Street', 'E1 6EA', 'London', 'GB'], { lang: 'en' }],
  ['Carla Rossi', 'carla@rossi.it', ['Via Solferino 9', '20121', 'Milan', 'IT'], { lang: 'it', genre: 'poetry' }],
  ['David Nowak', 'david@nowak.pl', ['ul. Floriańska 3', '31-019', 'Kraków', 'PL'], { lang: 'pl' }],
  ['Elena Petrova', 'elena@petrova.bg', ['ul. Shishman 21', '1000', 'Sofia', 'BG'], { lang: 'bg', genre: 'travel' }],
  ['Farid Haddad', 'farid@haddad.fr', ['8 rue Mercière', '69002', 'Lyon', 'FR'], { lang: 'fr', genre: 'crime' }],
  ['Greta Lindqvist', 'greta@lindqvist.se', ['Vasagatan 15', '411 24', 'Gothenburg', 'SE'], { lang: 'sv' }],
  ['Hugo Martins', 'hugo@martins.pt', ['Rua das Flores 40', '4050-262', 'Porto', 'PT'], { lang: 'pt' }],
  ['Ines Weber', 'ines@weber.de', ['Kantstraße 77', '10627', 'Berlin', 'DE'], { lang: 'de', genre: 'travel' }],
  ['Jonas Keller', 'jonas@keller.ch', ['Spalenberg 6', '4051', 'Basel', 'CH'], { lang: 'de' }],
]
// The time, the number of the buyer in the list above, the status and the amount in cents.
const ORDERS = [
  ['2026-02-03T10:12:00Z', 0, 'FULFILLED', 4590],
  ['2026-02-05T16:40:00Z', 2, 'FULFILLED', 12900],
  ['2026-02-09T08:05:00Z', 1, 'CANCELED', 2250],
  ['2026-02-12T19:31:00Z', 5, 'PAID', 8740],
  ['2026-02-17T12:02:00Z', 8, 'PAID', 6100],
  ['2026-02-21T14:48:00Z', 0, 'PAID', 11980],
  ['2026-02-24T09:20:00Z', 9, 'PAID', 3300],
  ['2026-02-27T21:15:00Z', 6, 'CREATED', 1890],
]
const sourceId = number => `reader-${1001 + number}`

/** Receives the deliveries of the webhooks. */
async function receiver() {
  const server = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()))
  await new Promise(listening => server.listen(0, '127.0.0.1', listening))
  return server
}

/** Fills the project, and returns the ids that the paths of the pages name. */
async function fill(target_url) {
  await call('POST', '/_emulator/reset')
  await call('DELETE', '/_emulator/requests')
  await call('PUT', '/_emulator/ids', { seed: 'the pictures of the console' })
  await at('2026-02-02T09:00:00Z')
  await call('PUT', '/_emulator/consents/cnst_newsletter', { name: 'Newsletter', description: 'Once a month', category: 'Marketing' })
  await call('PUT', '/_emulator/consents/cnst_sms', { name: 'Text messages', category: 'Marketing' })
  await call('POST', '/v1/metadata-schemas', {
    related_object: 'customer',
    properties: {
      lang: { type: 'string', array: false, optional: false, exactLength: 2 },
      genre: { type: 'string', array: false, optional: true, eq: ['crime', 'poetry', 'travel'] },
    },
  })
  await call('POST', '/_emulator/webhooks', { target_url, events: ['customer.created', 'customer.updated'] })
  const events = ['customer.order.paid', 'customer.segment.entered']
  await call('POST', '/_emulator/webhooks', { object: 'distribution', name: 'Loyalty', target_url, events })
  const segments = [
    { name: 'Berlin', filter: { junction: 'and', 'address.city': { conditions: { $is: ['Berlin'] } } } },
    {
      name: 'Good customers',
      filter: {
        junction: 'and',
        'summary.orders.total_amount': { conditions: { $more_than: [4000] } },
        'metadata.lang': { conditions: { $is: ['de', 'fr', 'it'] } },
      },
    },
  ]
  const created = []
  for (const segment of segments) created.push(await call('POST', '/v1/segments', { type: 'auto-update', ...segment }))

  const customers = []
  for (const [number, [name, email, [line_1, postal_code, city, country], metadata]] of CUSTOMERS.entries()) {
    await at(`2026-02-02T${10 + number}:17:00Z`)
    const address = { line_1, postal_code, city, country }
    customers.push(await call('POST', '/v1/customers', { source_id: sourceId(number), name, email, address, metadata }))
  }
  const customer = customers[0].id
  await call('POST', '/v1/segments', { name: 'Book club', customers: [customer, customers[4].id] })
  for (const [number, [now, buyer, status, amount]] of ORDERS.entries()) {
    await at(now)
    const source_id = `order-${2001 + number}`
    await call('POST', '/v1/orders', { source_id, amount, status, customer: { source_id: sourceId(buyer) } })
  }
  await at('2026-02-28T18:30:00Z')
  await call('PUT', `/v1/customers/${customer}/consents`, { cnst_newsletter: true, cnst_sms: false })
  await at('2026-03-01T11:05:00Z')
  await call('POST', '/v1/events', { event: 'review', customer: { id: customer }, metadata: { stars: 5, title: 'The Harbour' } })
  await call('POST', '/v1/events', { event: 'visit', customer: { source_id: sourceId(6) }, metadata: { path: '/sea' } })
  await at('2026-03-02T09:00:00Z')
  await call('PUT', `/v1/customers/${customer}`, { phone: '+49 30 1234567', birthdate: '1990-04-21' })
  // A few requests as an application makes them, with two mistakes.
  await call('GET', '/v1/customers?limit=10&order=-created_at')
  await call('GET', `/v1/customers/${customer}/activity?limit=5`)
  await call('GET', '/v1/customers/reader-9999', undefined, { status: 404 })
  // The schema requires a language.
  await call('POST', '/v1/customers', { source_id: 'reader-1011', name: 'Mia Olsen' }, { status: 400 })
  return { customer, segment: created[1].id }
}

/** Waits until no delivery is pending, so that the pages show their results. */
async function delivered() {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await call('GET', '/_emulator/webhooks/deliveries?status=PENDING')).data.length === 0) return
    await sleep(100)
  }
  assert.fail('deliveries are still pending after 10 seconds')
}

const server = await receiver()
const browser = await chromium.launch({ executablePath: executable(), chromiumSandbox: process.getuid?.() !== 0 })
try {
  const ids = await fill(`http://127.0.0.1:${server.address().port}/hook`)
  await delivered()
  mkdirSync(folder, { recursive: true })
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: SIZE, deviceScaleFactor: 1, colorScheme, reducedMotion: 'reduce' })
    const page = await context.newPage()
    await page.goto(`${baseUrl}/_emulator/console?q=${appId}`)
    await page.click('main tbody a')
    const project = page.url()
    const known = await page.locator('.side-list a').evaluateAll(links => links.map(link => link.href))
    for (const { otherwise, ...entry } of PAGES) {
      const { name, path, opens } = otherwise && !known.includes(`${project}${entry.path}`) ? otherwise : entry
      await page.goto(project + path.replace(/\{(\w+)\}/, (_, kind) => ids[kind]))
      if (opens) {
        await page.click(opens)
        await page.waitForSelector('dialog[open]')
      }
      const file = join(folder, `console-${name}-${colorScheme}.png`)
      await page.screenshot({ path: file })
      const { size } = statSync(file)
      assert.ok(size < MAX_BYTES, `${file} has ${size} bytes`)
      console.log(file)
    }
    await context.close()
  }
} finally {
  await browser.close()
  server.close()
  server.closeAllConnections()
}
console.log('done')
