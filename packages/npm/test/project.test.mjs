// What a test controls in a project.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ApiError, connect, start } from 'voucherify-emulator'
import { version } from './support.mjs'

describe('a project', () => {
  let emulator, project
  before(async () => {
    emulator = await start()
  })
  after(() => emulator.stop())
  beforeEach(async () => {
    project = await emulator.project()
  })

  const create = (sourceId, members) => project.call('POST', '/v1/customers', { source_id: sourceId, ...members })
  const customers = async (of = project) =>
    (await of.call('GET', '/v1/customers')).customers.map(found => found.source_id)

  test('has keys of its own, and is empty', async () => {
    await create('alice')
    const other = await emulator.project()
    assert.notEqual(other.appId, project.appId)
    assert.deepEqual(await customers(other), [])
    assert.deepEqual(await customers(), ['alice'])
  })

  test('has the same keys for the server side and the client side', async () => {
    const answer = await fetch(`${project.url}/client/v1/customers`, {
      method: 'POST',
      headers: { ...project.clientHeaders, Origin: 'http://localhost', 'Content-Type': 'application/json' },
      body: '{"source_id":"bob"}',
    })
    assert.equal(answer.status, 200)
    assert.deepEqual(await customers(), ['bob'])
  })

  test('is found again by its keys, also over another connection', async () => {
    await create('alice')
    assert.deepEqual(await customers(await emulator.project({ appId: project.appId, appToken: project.appToken })), [
      'alice',
    ])
    const { appId, appToken } = project
    assert.deepEqual(await customers(connect(emulator.url, { appId, appToken }).defaultProject), ['alice'])
    await assert.rejects(emulator.project({ appId, appToken: 'another' }), { name: 'ApiError', status: 401 })
  })

  test('is not the default project', async () => {
    await create('alice')
    assert.deepEqual(await customers(emulator.defaultProject), [])
    assert.equal(emulator.defaultProject.appId, 'c70a6f00-cf91-4756-9df5-47628850002b')
    assert.equal((await emulator.defaultProject.settings()).is_sandbox, true)
  })

  test('is reset, but for what is kept', async () => {
    await create('alice')
    await project.call('POST', '/v1/segments', { name: 'Friends', type: 'static', customers: [] })
    const kept = await project.reset({ keep: ['segments'] })
    assert.deepEqual([kept.customers, kept.segments], [1, 0])
    const removed = await project.reset()
    assert.deepEqual([removed.customers, removed.segments], [0, 1])
  })

  test('is restored from a snapshot', async () => {
    await create('alice')
    const snapshot = await project.snapshot('one-customer')
    assert.equal(snapshot.counts.customers, 1)
    await create('bob')
    assert.equal((await project.restore('one-customer')).name, 'one-customer')
    assert.deepEqual(await customers(), ['alice'])
    assert.deepEqual(await project.snapshots(), [snapshot])
    await project.deleteSnapshot('one-customer')
    await assert.rejects(project.restore('one-customer'), { status: 404 })
  })

  test('loads a state document, and adds one', async () => {
    const counts = await project.load({ customers: [{ source_id: 'alice' }], orders: [] })
    assert.equal(counts.customers, 1)
    await project.load({ customers: [{ source_id: 'bob' }] }, { add: true })
    assert.deepEqual((await customers()).sort(), ['alice', 'bob'])
    const state = await project.state()
    assert.equal(state.customers.length, 2)
    const other = await emulator.project()
    await other.load(state)
    assert.deepEqual((await other.state()).customers, state.customers)
    await project.load({ customers: [{ source_id: 'carol' }] })
    assert.deepEqual(await customers(), ['carol'])
  })

  test('has a clock that is frozen, set, advanced and reset', async () => {
    assert.equal((await project.clock.read()).mode, 'real')
    assert.deepEqual(await project.clock.freeze('2030-01-01T00:00:00Z'), {
      object: 'clock',
      now: '2030-01-01T00:00:00.000Z',
      mode: 'frozen',
    })
    assert.equal((await create('alice')).created_at, '2030-01-01T00:00:00.000Z')
    await project.clock.advance('P1D')
    await project.clock.advance({ by: 'PT1H' })
    assert.deepEqual(await project.clock.now(), new Date('2030-01-02T01:00:00Z'))
    assert.equal((await project.clock.advance({ to: new Date('2031-01-01') })).now, '2031-01-01T00:00:00.000Z')
    assert.equal((await project.clock.set(new Date('2029-01-01'))).mode, 'frozen')
    assert.equal((await project.clock.unfreeze()).mode, 'offset')
    assert.equal((await project.clock.freeze()).mode, 'frozen')
    assert.equal((await project.clock.now()).getUTCFullYear(), 2029)
    await project.clock.reset()
    assert.equal((await project.clock.read()).mode, 'real')
    await assert.rejects(project.clock.advance('a day'), { status: 400, key: 'invalid_payload' })
  })

  test('repeats identifiers with a seed', async () => {
    const run = async () => {
      await project.reset()
      await project.clock.freeze('2030-01-01')
      await project.ids.seed('a test')
      return create('alice')
    }
    assert.deepEqual(await run(), await run())
    assert.deepEqual(await project.ids.read(), { object: 'ids', mode: 'seeded', seed: 'a test' })
    await project.ids.reset()
    assert.deepEqual(await project.ids.read(), { object: 'ids', mode: 'random' })
  })

  test('has faults of requests', async () => {
    const rule = {
      operation: 'create-customer',
      skip: 1,
      times: 1,
      status: 429,
      retry_after_s: 2,
      delay_ms: { min: 1, max: 2 },
      seed: 7,
    }
    const fault = await project.faults.add(rule)
    assert.deepEqual(fault, { ...rule, id: fault.id, object: 'fault', after: false, matches: 0, hits: 0 })
    await create('alice')
    await assert.rejects(create('bob'), { name: 'ApiError', status: 429 })
    await create('carol')
    assert.equal((await project.faults.get(fault.id)).hits, 1)
    const second = await project.faults.add({
      method: 'GET',
      path: '/v1/customers/*',
      status: 418,
      body: { teapot: true },
    })
    await assert.rejects(project.call('GET', '/v1/customers/alice'), { status: 418, body: { teapot: true } })
    assert.deepEqual(
      (await project.faults.list()).map(found => found.id),
      [fault.id, second.id],
    )
    await project.faults.remove(fault.id)
    await assert.rejects(project.faults.get(fault.id), { status: 404 })
    await project.faults.clear()
    assert.deepEqual(await project.faults.list(), [])
  })

  test('has faults of connections, which end a call without an answer', async () => {
    await project.faults.add({ operation: 'create-customer', times: 1, connection: 'reset', after: true })
    await assert.rejects(create('alice'), /POST \/v1\/customers: the emulator at http:.* did not answer: /)
    assert.deepEqual(await customers(), ['alice'])
  })

  test('has faults of webhook deliveries, and waits for them', async context => {
    const messages = []
    const receiver = createServer((request, response) => {
      request.on('data', chunk => messages.push(JSON.parse(chunk))).on('end', () => response.end())
    })
    await new Promise(resolve => receiver.listen(0, '127.0.0.1', resolve))
    context.after(() => receiver.close())
    const target_url = `http://127.0.0.1:${receiver.address().port}/`
    await project.call('POST', '/_emulator/webhooks', { target_url, events: ['customer.created'] })
    const fault = await project.faults.add({ webhook: '*', event: 'customer.created', times: 1, duplicate: 1 })
    assert.deepEqual([fault.webhook, fault.duplicate, fault.fail], ['*', 1, false])
    await create('alice')
    await project.idle()
    assert.deepEqual(
      messages.map(message => message.type),
      ['customer.created', 'customer.created'],
    )
    assert.equal(messages[0].id, messages[1].id)
  })

  test('has a log of requests', async () => {
    await create('alice', { surplus: 1 })
    await create('bob')
    const [newest, oldest] = await project.requests({ operation: 'create-customer' })
    assert.deepEqual(JSON.parse(newest.request_body), { source_id: 'bob' })
    assert.deepEqual(
      [oldest.method, oldest.path, oldest.status, oldest.unread],
      ['POST', '/v1/customers', 200, ['/surplus']],
    )
    assert.equal(await project.requestCount({ method: 'POST', path: '/v1/*', status: '2xx' }), 2)
    assert.equal(await project.requestCount({ after: oldest.id }), 1)
    assert.equal(await project.requestCount({ status: 404 }), 0)
    assert.equal((await project.requests({ limit: 1 })).length, 1)
    await assert.rejects(project.call('POST', '/v1/customer', {}), { status: 404 })
    assert.equal((await project.requests({ status: 404 }))[0].near[0], 'POST /v1/customers')
    await project.clearRequests()
    assert.deepEqual(await project.requests(), [])
  })

  test('lists more requests than one page of the API has by default', async () => {
    for (let count = 0; count < 25; count++) await project.call('GET', '/v1/customers')
    assert.equal((await project.requests()).length, 25)
  })

  test('shows what an erasure left and removed', async () => {
    await create('alice@morgan.com', { name: 'Alice Morgan' })
    assert.equal((await project.erasureCheck(['alice@morgan.com'])).clean, false)
    await project.call('POST', '/v1/customers/alice%40morgan.com/permanent-deletion')
    const check = await project.erasureCheck(['alice@morgan.com', 'Alice Morgan'])
    assert.deepEqual([check.clean, check.found], [true, []])
    const [deletion] = await project.permanentDeletions()
    assert.equal(deletion.removed.customers, 1)
  })

  test('has settings, for instance the strict mode', async () => {
    assert.equal((await project.settings()).strict, false)
    assert.equal((await project.configure({ strict: true, client_trusted_domains: ['shop.example'] })).strict, true)
    await assert.rejects(create('alice', { surplus: 1 }), { status: 400 })
  })

  test('is called by fetch with its keys', async () => {
    const answer = await project.fetch('/v1/customers', { method: 'POST', body: '{"source_id":"alice"}' })
    assert.equal(answer.status, 200)
    assert.deepEqual(await customers(), ['alice'])
    const csv = await project.fetch('/v1/customers', { headers: { 'Content-Type': 'text/plain', 'X-Extra': '1' } })
    assert.equal(csv.status, 200)
  })

  test('reports errors with status, key, text and body', async () => {
    const error = await project.load({ customers: [{ email: 5 }] }).catch(error => error)
    assert.ok(error instanceof ApiError)
    assert.equal(error.status, 400)
    assert.equal(error.key, 'invalid_payload')
    assert.equal(error.body.code, 400)
    assert.match(error.message, /^PUT \/_emulator\/state was answered with 400: .*customers\[0\]\.email/)
  })

  test('is controlled while timers and fetch are replaced', async context => {
    context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    context.mock.method(globalThis, 'fetch', () => Promise.reject(new Error('replaced')))
    await project.clock.freeze('2030-01-01')
    await project.idle()
    assert.deepEqual(await customers(), [])
  })

  test('health has the version of the package', async () => {
    const health = await emulator.health()
    assert.deepEqual([health.status, health.version], ['ok', version])
  })
})
