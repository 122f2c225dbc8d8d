import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Clock } from '../lib/base/clock.js'
import { systemTimer, type Timer } from '../lib/base/timer.js'
import type { Warning } from '../lib/base/warning.js'
import { CREDENTIAL_SETTINGS, describeAnonymousAccess } from './access/anonymous.js'
import { ApiKeys } from './access/api-keys.js'
import { openKeyFile, type KeyFile } from './access/key-file.js'
import { Problem } from './problems/problem.js'
import { badCredentials, insufficientScope, noCredentials } from './access/problems.js'
import type { Access, Client, Scope } from './access/scopes.js'
import type { Tokens } from './access/tokens.js'
import { SettingsError } from './config.js'
import { isLoopback } from './request-checks/host.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which clients may use the route. Every route must declare it. */
    readonly access?: Access
  }
  interface FastifyInstance {
    /** Whether requests need credentials, except for public routes. */
    readonly hasCredentials: boolean
    /** Warnings about the sources of credentials. They name no file and no client, because probes show them without credentials. */
    readonly accessWarnings: () => readonly Warning[]
    /** Whether the credentials of a request still allow its route: a key may have been removed, and a token may have expired. For responses that take long. */
    readonly isStillAllowed: (request: FastifyRequest) => Promise<boolean>
  }
  interface FastifyRequest {
    /** The client whose credentials the request has; `undefined` if no credentials are configured, or if the route is public. */
    client: Client | undefined
  }
}

export interface AccessOptions {
  /** Waits between two reads of API_KEYS_FILE. Default: the system's timer. */
  readonly keyFileTimer?: Timer | undefined
  /** For the expiry of tokens. Default: the system's clock. */
  readonly clock?: Clock | undefined
}

const KEYS_NOT_READABLE: Warning = { code: 'api_keys_not_readable', detail: 'API_KEYS_FILE cannot be read again, so that new keys are refused and removed ones stay valid; the log has the reason' }

/** Finds the client that has these credentials, or why they are not accepted. */
type FindClient = (credentials: string) => Client | Problem | Promise<Client | Problem>

/**
 * Rejects requests whose credentials do not allow the route. Without configured credentials no request is checked, and the service refuses to
 * start on an address that other machines can reach, unless ALLOW_ANONYMOUS. Must be registered after the plugins that reject malformed
 * requests. Needs: config. @throws {SettingsError}
 */
export default fp<AccessOptions>(async (fastify, { keyFileTimer = systemTimer, clock = Date.now }) => {
  const { config, log } = fastify
  fastify.decorateRequest('client', undefined)
  refuseUndeclared(fastify)
  let keyFile: KeyFile | undefined
  const findClient = await openCredentials()
  fastify.decorate('hasCredentials', findClient !== undefined)
  fastify.decorate('accessWarnings', () => keyFile?.hasFailed === true ? [KEYS_NOT_READABLE] : [])
  fastify.decorate('isStillAllowed', async ({ headers, routeOptions }) => {
    const { access } = routeOptions.config
    if (findClient === undefined || access === undefined || access === 'public') return true
    const found = await findByHeader(headers.authorization, findClient)
    return !(found instanceof Problem) && includes(found, access)
  })
  if (findClient === undefined) {
    if (!isLoopback(config.HOST) && !config.ALLOW_ANONYMOUS) throw new SettingsError(describeExposure(config.HOST))
    fastify.addHook('onListen', async () => {
      const level = isLoopback(config.HOST) ? 'info' : 'warn'
      log[level](`No credentials are configured (${CREDENTIAL_SETTINGS.join(', ')}): ${describeAnonymousAccess(config)}`)
    })
    return
  }

  fastify.addHook('onRequest', (request, _reply, done) => {
    const access = request.routeOptions.config.access!
    if (access === 'public') return done()
    const found = findByHeader(request.headers.authorization, findClient)
    if (found instanceof Promise) found.then((client) => done(admit(request, client, access)), done)
    else done(admit(request, found, access))
  })

  /** Returns the function that finds a client by the credentials in the settings; `undefined` if no credentials are configured. */
  async function openCredentials (): Promise<FindClient | undefined> {
    const { API_KEYS: entries, API_KEYS_FILE: path } = config
    const keys = entries === '' ? undefined : await orSettingsError('API_KEYS', async () => new ApiKeys(entries))
    const file = path === '' ? undefined : await orSettingsError(`API_KEYS_FILE: ${path}`, () => openKeyFile(path, keyFileTimer, log))
    if (file !== undefined) fastify.addHook('onClose', async () => file.stop())
    keyFile = file
    const tokens = await openTokens()
    if (keys === undefined && file === undefined && tokens === undefined) return undefined
    return (credentials) => keys?.find(credentials) ?? file?.keys.find(credentials) ?? tokens?.find(credentials) ?? badCredentials('the API key is not valid')
  }

  /** @throws {SettingsError} */
  async function openTokens (): Promise<Tokens | undefined> {
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: jwksUrl } = config
    if (issuer === '' && (audience !== '' || jwksUrl !== '')) throw new SettingsError('JWT_ISSUER: got ""; must be set if JWT_AUDIENCE or JWT_JWKS_URL is')
    if (issuer === '') return undefined
    if (audience === '') throw new SettingsError('JWT_AUDIENCE: got ""; must be set if JWT_ISSUER is: without it, tokens for other services would be accepted')
    const { Tokens } = await import('./access/tokens.js') // loads jose, which takes 30 ms
    return new Tokens({ issuer, audience, jwksUrl }, clock, ({ message }) => {
      log.error({ issuer, cause: message }, 'The keys of the identity provider cannot be loaded: requests with a token get 503')
    })
  }
}, { name: 'access', dependencies: ['config'] })

/** Whether a request may use what needs this scope. Without configured credentials, it may. */
export function hasScope ({ client }: FastifyRequest, scope: Scope): boolean {
  return client === undefined || includes(client, scope)
}

function includes ({ scopes }: Client, scope: Scope): boolean {
  return scopes.includes(scope) || (scope === 'stats' && scopes.includes('read'))
}

/** Makes the start fail if a route does not declare its access. */
function refuseUndeclared (fastify: FastifyInstance): void {
  const routes: RouteOptions[] = []
  fastify.addHook('onRoute', (route) => { routes.push(route) })
  // Not in onRoute: the onRoute hook of an encapsulated plugin, such as that of routes/docs.ts, runs after this one and may set `access`.
  fastify.addHook('onReady', async () => {
    for (const { method, url, config } of routes) if (config?.access === undefined) throw new Error(`${[method].flat().join(', ')} ${url} declares no access`)
  })
}

function findByHeader (authorization: string | undefined, find: FindClient): ReturnType<FindClient> {
  if (authorization === undefined) return noCredentials()
  const [, credentials] = /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization) ?? []
  return credentials === undefined ? badCredentials('must be Bearer, followed by an API key or a token') : find(credentials)
}

/** Sets the client of the request. Returns a problem if it may not use the route. */
function admit (request: FastifyRequest, found: Client | Problem, access: Scope): Problem | undefined {
  if (found instanceof Problem) return found
  request.client = found
  return hasScope(request, access) ? undefined : insufficientScope(access)
}

async function orSettingsError<T> (setting: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw new SettingsError(`${setting}: ${(error as Error).message}`)
  }
}

function describeExposure (host: string): string {
  return `HOST: got ${JSON.stringify(host)}, which other machines can reach, but no credentials are configured; ` +
    'set API_KEYS or API_KEYS_FILE (userlake key makes a key) or JWT_ISSUER, or ALLOW_ANONYMOUS=true if every client that reaches the port may read all records'
}
