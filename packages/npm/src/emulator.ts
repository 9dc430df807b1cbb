import { randomUUID } from 'node:crypto'
import { ApiError } from './errors.js'
import { send, type Target } from './http.js'
import { Project } from './project.js'
import type { Health, Keys } from './types.js'

/** The keys of the default project, which are public. */
export const DEFAULT_KEYS: Readonly<Keys> = {
  appId: 'c70a6f00-cf91-4756-9df5-47628850002b',
  appToken: '3266b9f8-e246-4f79-bdf0-833929b1380c',
  clientAppId: '5c1e7d0a-93b4-4e6f-8a27-0d6f4b9c2e11',
  clientToken: 'e2a94f70-6b18-4c3d-9f05-7183d5c6ba24',
}

/** The management keys of the default organisation, which are public. */
const DEFAULT_MANAGEMENT_KEYS: ManagementKeys = {
  managementId: '8f3b6c92-1d7e-4a50-b6e8-25c90fa4d733',
  managementToken: 'd047a1e5-c26f-4b89-9a3c-6e51f8b20d46',
}

/** The management keys, with which `project()` creates projects in an emulator that accepts only known keys. */
export interface ManagementKeys {
  /** The header `X-Management-Id`. */
  managementId: string
  /** The header `X-Management-Token`. */
  managementToken: string
}

/** An emulator that is running. */
export class Emulator {
  readonly #target: Target
  readonly #managementKeys: ManagementKeys
  /** The base URL to configure SDKs with, such as `http://127.0.0.1:8682`. */
  readonly url: string
  /** The project with the default or configured keys. All users of these keys share it. */
  readonly defaultProject: Project

  /** @internal Use `start()` or `connect()`. */
  constructor(target: Target, keys: Partial<Keys & ManagementKeys> = {}) {
    this.#target = target
    this.#managementKeys = { ...DEFAULT_MANAGEMENT_KEYS, ...defined(keys) }
    this.url = target.url
    this.defaultProject = new Project(target, { ...DEFAULT_KEYS, ...defined(keys) })
  }

  /**
   * Returns a new project with keys of its own, which is empty or starts with the template. With keys, returns the project
   * of these keys, which is created if they are new. Client keys that are not given are the server keys.
   *
   * With `strictAuth`, new keys are created by the management API, and the project starts empty.
   */
  async project(keys: Partial<Keys> = {}): Promise<Project> {
    const { appId = randomUUID(), appToken = randomUUID() } = keys
    const project = new Project(this.#target, {
      appId,
      appToken,
      clientAppId: appId,
      clientToken: appToken,
      ...defined(keys),
    })
    try {
      // A request with the keys creates the project.
      await project.settings()
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 401
      if (!isRefused || keys.appId !== undefined || keys.appToken !== undefined) throw error
      return this.#createProject()
    }
    return project
  }

  /** Returns whether the emulator can answer requests. */
  async health(): Promise<Health> {
    return (await send(this.#target, { method: 'GET', path: '/_emulator/health', headers: {} })) as Health
  }

  async #createProject(): Promise<Project> {
    const { managementId, managementToken } = this.#managementKeys
    const created = (await send(this.#target, {
      method: 'POST',
      path: '/management/v1/projects',
      headers: { 'X-Management-Id': managementId, 'X-Management-Token': managementToken },
      body: { name: `Test ${randomUUID()}`, case_sensitive_codes: true, timezone: 'UTC', currency: 'EUR' },
    })) as CreatedProject
    const { server_side_key: server, client_side_key: client } = created
    return new Project(this.#target, {
      appId: server.app_id,
      appToken: server.app_token,
      clientAppId: client.app_id,
      clientToken: client.app_token,
    })
  }
}

interface CreatedProject {
  server_side_key: { app_id: string; app_token: string }
  client_side_key: { app_id: string; app_token: string }
}

/**
 * Returns an emulator that is running already: one that another process has started, or in a container.
 *
 * @param url Its base URL. By default the environment variable `VOUCHERIFY_URL`, else `http://127.0.0.1:8682`.
 * @param keys The keys of its default project and its management keys, where they are not the default ones.
 */
export function connect(
  url: string = process.env.VOUCHERIFY_URL ?? 'http://127.0.0.1:8682',
  keys: Partial<Keys & ManagementKeys> = {},
): Emulator {
  return new Emulator({ url: new URL(url).origin }, keys)
}

/** Returns the members that are not `undefined`. */
export function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
