// What the types allow and refuse. This file is compiled and never run.
import {
  ApiError,
  connect,
  start,
  StartError,
  type DeliveryFault,
  type Fault,
  type LoggedRequest,
  type Project,
  type RequestFault,
  type Snapshot,
  type StateDocument,
} from 'voucherify-emulator'

export async function options(): Promise<void> {
  await using emulator = await start({ ephemeral: true, template: { customers: [{ name: 'Alice' }] }, port: 8682 })
  const project: Project = await emulator.project()
  await everything(project)
  await everything(connect(emulator.url, { appId: 'id', appToken: 'token' }).defaultProject)
  await emulator.stop()
  // @ts-expect-error There is no such option.
  await start({ storage: 'memory' })
  // @ts-expect-error A port is a number.
  await start({ port: '8682' })
}

async function everything(project: Project): Promise<void> {
  const snapshot: Snapshot = await project.snapshot('fixtures')
  const customers: number = snapshot.counts.customers
  const removed: number = (await project.reset({ keep: ['schemas', 'webhooks'] })).orders
  // @ts-expect-error Orders cannot be kept.
  await project.reset({ keep: ['orders'] })
  const state: StateDocument = await project.state()
  await project.load(state, { add: true })
  // @ts-expect-error A state document has no such member.
  await project.load({ vouchers: [] })

  const now: Date = await project.clock.now()
  const mode: 'real' | 'offset' | 'frozen' = (await project.clock.freeze(now)).mode
  await project.clock.advance('P1D')
  await project.clock.advance({ to: '2030-01-01' })
  // @ts-expect-error A step has one of both.
  await project.clock.advance({ until: '2030-01-01' })

  const request: RequestFault = await project.faults.add({
    operation: 'create-customer',
    status: 503,
    delay_ms: { min: 1, max: 2 },
  })
  const delivery: DeliveryFault = await project.faults.add({ webhook: '*', event: 'customer.created', duplicate: 1 })
  await project.faults.add({ connection: 'hang', after: true })
  // @ts-expect-error There is no such operation.
  await project.faults.add({ operation: 'create-customers' })
  // @ts-expect-error Members of both kinds cannot be used together.
  await project.faults.add({ webhook: '*', status: 503 })
  // @ts-expect-error A fault of deliveries names a webhook or an event.
  await project.faults.add({ fail: true })
  // @ts-expect-error A message that is not sent cannot be sent again.
  await project.faults.add({ webhook: '*', fail: true, duplicate: 1 })
  // @ts-expect-error There is no such fault of connections.
  await project.faults.add({ connection: 'slow' })
  const faults: Fault[] = await project.faults.list()
  const hits = faults.map(fault => (fault.webhook === undefined ? fault.after : fault.fail))

  const [logged]: LoggedRequest[] = await project.requests({ operation: 'create-customer', status: '4xx', limit: 1 })
  const count: number = await project.requestCount({ method: 'POST', path: '/v1/customers/*', status: 404 })
  // @ts-expect-error There is no such class.
  await project.requestCount({ status: '6xx' })
  const clean: boolean = (await project.erasureCheck(['alice@morgan.com'])).clean
  const answer: Response = await project.fetch('/v1/customers', { method: 'POST', body: '{}' })
  await project.configure({ strict: true })
  void [customers, removed, mode, request.hits, delivery.duplicate, hits, logged?.unread, count, clean, answer.ok]
}

export function describe(error: unknown): string | undefined {
  if (error instanceof StartError) return error.log
  if (error instanceof ApiError) return `${error.status} ${error.key}`
  return undefined
}
