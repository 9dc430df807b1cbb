// Tests the client-side class of @voucherify/sdk in a real headless browser, on a page of another origin; see ../README.md.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { executable } from './chromium.mjs'

const apiUrl = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682'
const TIMEOUT_MS = 60_000
// A new pair of keys gets a project of its own, for the client side and the server side.
const [clientApplicationId, clientSecretKey] = [randomUUID(), randomUUID()]

// The unmodified SDK and its dependencies, each as a separate script.
const require = createRequire(import.meta.url)
const within = (name, path) => join(dirname(require.resolve(`${name}/package.json`)), path)
const scripts = {
  '/axios.js': within('axios', 'dist/axios.min.js'),
  '/qs.js': within('qs', 'dist/qs.js'),
  '/voucherify.js': require.resolve('@voucherify/sdk'),
  '/page.mjs': new URL('page.mjs', import.meta.url),
}
const html = `<!doctype html><meta charset="utf-8"><title>shop</title>
<script src="/axios.js"></script><script src="/qs.js"></script><script src="/voucherify.js"></script>
<script type="module" src="/page.mjs"></script>`

let handleReport
const finished = new Promise((resolve, reject) => {
  handleReport = message => {
    if (message.step) console.log(message.step)
    if (message.failed) reject(new Error(message.failed))
    if (message.done) resolve()
  }
  setTimeout(() => reject(new Error(`the page did not finish within ${TIMEOUT_MS} ms`)), TIMEOUT_MS).unref()
})
const server = createServer(async (request, response) => {
  const send = (type, body) => response.setHeader('Content-Type', type).end(body)
  if (request.url === '/') return send('text/html', html)
  if (request.url === '/settings') return send('application/json', JSON.stringify({ apiUrl, clientApplicationId, clientSecretKey }))
  if (request.url === '/report') { handleReport(JSON.parse(await text(request))); return response.end() }
  if (scripts[request.url]) return send('text/javascript', readFileSync(scripts[request.url]))
  response.writeHead(404).end()
})
await new Promise(listening => server.listen(0, '127.0.0.1', listening))

const profile = mkdtempSync(join(tmpdir(), 'browser-'))
const flags = ['--headless=new', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`]
// Chromium's sandbox does not work as root.
if (process.getuid?.() === 0) flags.push('--no-sandbox')
const page = `http://127.0.0.1:${server.address().port}/`
const running = spawn(executable(), [...flags, page], { stdio: 'ignore' })
const exited = new Promise((_, reject) => {
  running.once('error', reject)
  running.once('exit', code => reject(new Error(`the browser exited with status ${code}`)))
})
const ended = new Promise(end => running.once('exit', end).once('error', end))
try {
  await Promise.race([finished, exited])
  // Read the activity with the same pair as a server key.
  const headers = { 'X-App-Id': clientApplicationId, 'X-App-Token': clientSecretKey }
  const answer = await fetch(`${apiUrl}/v1/customers/alice%40morgan.com/activity`, { headers })
  const { data } = await answer.json()
  assert.deepEqual(data.map(entry => entry.type).reverse(), [
    'customer.created', 'customer.updated', 'customer.custom_event', 'customer.custom_event', 'customer.consents.given',
  ])
  assert.ok(data.every(entry => entry.data.event_source.channel === 'CLIENT_API'))
  console.log('the activity shows every call with the channel CLIENT_API')
} finally {
  running.kill()
  await ended
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  server.close()
  server.closeAllConnections()
}
console.log('done')
