import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { systemTimer, type Timer } from '../lib/base/timer.js'
import { ApiKeys } from './access/api-keys.js'
import { openKeyFile } from './access/key-file.js'
import { badCredentials, insufficientScope, noCredentials } from './access/problems.js'
import type { Access, Client, Scope } from './access/scopes.js'
import { SettingsError } from './config.js'
import type { Problem } from './problems/problem.js'
import { isLoopback } from './request-checks/host.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which clients may use the route. Every route must declare it. */
    readonly access?: Access
  }
  interface FastifyInstance {
    /** Whether requests need credentials, except for public routes. */
    readonly hasCredentials: boolean
  }
  interface FastifyRequest {
    /** The client whose credentials the request has; `undefined` if no credentials are configured, or if the route is public. */
    client: Client | undefined
  }
}

export interface AccessOptions {
  /** Waits between two looks at API_KEYS_FILE. Default: the system's timer. */
  readonly keyFileTimer?: Timer | undefined
}

/** Finds the client that has these credentials. */
type FindClient = (credentials: string) => Client | undefined

/**
 * Rejects requests whose credentials do not allow the route. Without configured credentials no request is checked, and the service refuses to
 * start on an address that other machines can reach, unless ALLOW_ANONYMOUS. Must be registered after the plugins that reject malformed
 * requests. Needs: config. @throws {SettingsError}
 */
export default fp<AccessOptions>(async (fastify, { keyFileTimer = systemTimer }) => {
  const { config, log } = fastify
  fastify.decorateRequest('client', undefined)
  refuseUndeclared(fastify)
  const findClient = await openCredentials()
  fastify.decorate('hasCredentials', findClient !== undefined)
  if (findClient === undefined) {
    if (!isLoopback(config.HOST) && !config.ALLOW_ANONYMOUS) throw new SettingsError(exposed(config.HOST))
    fastify.addHook('onListen', async () => {
      const level = isLoopback(config.HOST) ? 'info' : 'warn'
      log[level]('No credentials are configured (API_KEYS, API_KEYS_FILE): every client that reaches the port can read all records and update the output')
    })
    return
  }

  fastify.addHook('onRequest', (request, _reply, done) => done(check(request, findClient)))

  /** The credentials of the settings; `undefined` if there are none. */
  async function openCredentials (): Promise<FindClient | undefined> {
    const { API_KEYS: text, API_KEYS_FILE: path } = config
    const keys = text === '' ? undefined : await orSettingsError('API_KEYS', async () => new ApiKeys(text))
    const file = path === '' ? undefined : await orSettingsError(`API_KEYS_FILE: ${path}`, () => openKeyFile(path, keyFileTimer, log))
    if (file !== undefined) fastify.addHook('onClose', async () => file.stop())
    return keys === undefined && file === undefined ? undefined : (key) => keys?.find(key) ?? file?.keys.find(key)
  }
}, { name: 'access', dependencies: ['config'] })

/** Whether a request may use what needs this scope. Without configured credentials, it may. */
export function hasScope ({ client }: FastifyRequest, scope: Scope): boolean {
  return client === undefined || client.scopes.includes(scope) || (scope === 'stats' && client.scopes.includes('read'))
}

/** Makes the start fail if a route does not declare its access. */
function refuseUndeclared (fastify: FastifyInstance): void {
  const routes: RouteOptions[] = []
  fastify.addHook('onRoute', (route) => { routes.push(route) })
  // Only now: hooks of plugins within this one have completed the configuration of their routes.
  fastify.addHook('onReady', async () => {
    for (const { method, url, config } of routes) if (config?.access === undefined) throw new Error(`${[method].flat().join(', ')} ${url} declares no access`)
  })
}

function check (request: FastifyRequest, findClient: FindClient): Problem | undefined {
  const access = request.routeOptions.config.access!
  if (access === 'public') return undefined
  const { authorization } = request.headers
  if (authorization === undefined) return noCredentials()
  const [, credentials] = /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization) ?? []
  if (credentials === undefined) return badCredentials('must be Bearer, followed by an API key')
  request.client = findClient(credentials)
  if (request.client === undefined) return badCredentials('the API key is not valid')
  return hasScope(request, access) ? undefined : insufficientScope(access)
}

async function orSettingsError<T> (setting: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw new SettingsError(`${setting}: ${(error as Error).message}`)
  }
}

function exposed (host: string): string {
  return `HOST: got ${JSON.stringify(host)}, which other machines can reach, but no credentials are configured; set API_KEYS or API_KEYS_FILE (npm run key makes a key), ` +
    'or ALLOW_ANONYMOUS=true if every client that reaches the port may read all records'
}
