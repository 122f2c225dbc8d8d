import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { BoundedCache } from '../../lib/base/bounded-cache.js'
import type { Clock } from '../../lib/base/clock.js'
import { unavailable, type Problem } from '../problems/problem.js'
import { badCredentials } from './problems.js'
import { isProviderUrl } from './provider-url.js'
import { isScope, type Client, type Scope } from './scopes.js'

export interface TokenRules {
  readonly issuer: string
  readonly audience: string
  /** The URL of the keys of the issuer. Empty: its discovery document has it. */
  readonly jwksUrl: string
}

/** Asymmetric algorithms only: with a shared secret, everyone who can verify a token could also sign one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** Seconds by which the clocks of the issuer and of this machine may differ. */
const CLOCK_TOLERANCE_S = 5

/** Verifying a signature takes about as long as serving a small response, so that results are remembered, but not for long: the issuer may withdraw a key. */
const MAX_REMEMBERED_MS = 60_000
const MAX_REMEMBERED_BYTES = 1024 * 1024

/** Milliseconds that a request to the issuer may take. */
const TIMEOUT_MS = 5000

/** After the discovery document could not be loaded, milliseconds until the next attempt. */
const RETRY_MS = 5000

interface Remembered { readonly client: Client, readonly until: number }

/** Verifies JSON Web Tokens (RFC 7519) of an identity provider. */
export class Tokens {
  readonly #rules: TokenRules
  readonly #clock: Clock
  readonly #onFailure: (error: Error) => void
  readonly #remembered = new BoundedCache<Remembered>(MAX_REMEMBERED_BYTES)
  #keys: Promise<JWTVerifyGetKey> | undefined
  #failedAt = -Infinity

  /** @param onFailure receives each failure to load the keys of the issuer */
  constructor (rules: TokenRules, clock: Clock, onFailure: (error: Error) => void) {
    this.#rules = rules
    this.#clock = clock
    this.#onFailure = onFailure
  }

  /** The client of a token, or why it is not accepted. */
  find (token: string): Client | Problem | Promise<Client | Problem> {
    const remembered = this.#remembered.get(token)
    return remembered !== undefined && this.#clock() < remembered.until ? remembered.client : this.#verify(token)
  }

  async #verify (token: string): Promise<Client | Problem> {
    const { issuer, audience } = this.#rules
    const now = this.#clock()
    try {
      const options = { issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['exp'], clockTolerance: CLOCK_TOLERANCE_S, currentDate: new Date(now) }
      const { payload } = await jwtVerify(token, await this.#loadKeys(), options)
      const client = { name: nameOf(payload), scopes: scopesOf(payload) }
      this.#remembered.set(token, { client, until: Math.min(now + MAX_REMEMBERED_MS, 1000 * payload.exp!) }, 0)
      return client
    } catch (error) {
      if (error instanceof errors.JWTExpired) return badCredentials('the token has expired')
      if (error instanceof errors.JWTClaimValidationFailed) return badCredentials(`the claim ${error.claim} of the token is not accepted`)
      if (isTokenError(error)) return badCredentials('the API key or token is not valid')
      this.#onFailure(error as Error)
      return unavailable('identity_provider_unavailable', 'The keys of the identity provider, which tokens are verified with, cannot be loaded')
    }
  }

  /**
   * Returns the function of jose that finds the key of a token. By jose's defaults, it loads the keys of the issuer again when they are older than 10 minutes, and when a
   * token is signed with an unknown key, then at most every 30 s.
   */
  async #loadKeys (): Promise<JWTVerifyGetKey> {
    if (this.#keys === undefined) {
      if (this.#clock() < this.#failedAt + RETRY_MS) throw new Error('the discovery document could not be loaded a moment ago')
      this.#keys = this.#findKeys()
      this.#keys.catch(() => {
        this.#failedAt = this.#clock()
        this.#keys = undefined
      })
    }
    return await this.#keys
  }

  async #findKeys (): Promise<JWTVerifyGetKey> {
    const url = this.#rules.jwksUrl || await discover(this.#rules.issuer)
    return createRemoteJWKSet(new URL(url), { timeoutDuration: TIMEOUT_MS })
  }
}

/** Whether the token is wrong. jose reports a failure to load the keys as JWKSTimeout or JWKSInvalid or, for an HTTP status, with its generic code. */
function isTokenError (error: unknown): boolean {
  if (!(error instanceof errors.JOSEError) || error.code === errors.JOSEError.code) return false
  return !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
}

/** The URL of the keys in the discovery document of an issuer (OpenID Connect Discovery 1.0). */
async function discover (issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`the discovery document cannot be loaded (HTTP ${response.status})`)
  const { issuer: named, jwks_uri: url } = await response.json() as { readonly issuer?: unknown, readonly jwks_uri?: unknown }
  if (named !== issuer) throw new Error('the discovery document names another issuer')
  if (typeof url !== 'string' || !isProviderUrl(url)) throw new Error('jwks_uri in the discovery document must be an https URL, or an http URL of this machine')
  return url
}

/** The name of the client, for the log and for RATE_LIMIT. It is cut so that a long `sub` does not make the log unreadable. */
function nameOf ({ sub, client_id: clientId, azp }: JWTPayload): string {
  return String(sub ?? clientId ?? azp ?? 'token').slice(0, 64)
}

/** The scopes of a token: `read` or `userlake:read` in its claim `scope` or `scp`, a text separated by spaces or a list. */
function scopesOf ({ scope, scp }: JWTPayload): Scope[] {
  return [scope, scp].flat().flatMap((part) => typeof part === 'string' ? part.split(' ') : []).map((name) => name.replace(/^userlake:/, '')).filter(isScope)
}
