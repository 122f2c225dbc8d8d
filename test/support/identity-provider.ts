import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import type { Test } from 'tap'
import { CLOCK_START } from './test-clock.js'

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

export interface IdentityProvider {
  readonly issuer: string
  /** The requests that it has received, by path. */
  readonly requests: string[]
  /** Replaces the key. Tokens are signed by the new one from now on. */
  rotate (): Promise<void>
  /** Called for each request while it is set. Returns `true` if it has sent the response itself, `false` for the ordinary response. */
  respond: ((path: string, response: ServerResponse) => boolean) | undefined
  /** A token for the audience `userlake` that expires five minutes after the start of the test clock. */
  sign (claims?: Readonly<Record<string, unknown>>, options?: { readonly key?: KeyPair, readonly header?: object }): Promise<string>
}

/** Starts an identity provider on loopback, with a discovery document and one key. */
export async function startIdentityProvider (t: Test): Promise<IdentityProvider> {
  let key = await generateKeyPair('ES256')
  let kid = 1
  const requests: string[] = []
  const server = createServer(async ({ url = '' }, response) => {
    requests.push(url)
    if (provider.respond?.(url, response)) return
    const body = url === '/keys' ? { keys: [{ ...await exportJWK(key.publicKey), kid: String(kid), alg: 'ES256', use: 'sig' }] } : { issuer, jwks_uri: `${issuer}/keys` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: IdentityProvider = {
    issuer,
    requests,
    respond: undefined,
    rotate: async () => {
      key = await generateKeyPair('ES256')
      kid++
    },
    sign: async (claims = {}, { key: other = key, header = {} } = {}) => await new SignJWT({ iss: issuer, aud: 'userlake', exp: CLOCK_START / 1000 + 300, sub: 'ann', scope: 'read', ...claims } as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid: String(kid), ...header }).sign(other.privateKey)
  }
  return provider
}
