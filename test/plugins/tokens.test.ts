import Fastify from 'fastify'
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import t, { type Test } from 'tap'
import access from '../../plugins/access.js'
import config from '../../plugins/config.js'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, csv, CLOCK_START, type LogLine } from '../support/app.js'
import { startIdentityProvider } from '../support/identity-provider.js'

const files = Object.fromEntries(['1', '2', '3', '4', '5'].map((id) => [`${id}.csv`, csv()]))

async function buildWithProvider (t: Test, settings: Record<string, string> = {}) {
  const provider = await startIdentityProvider(t)
  const log: LogLine[] = []
  const { app, clock } = await build(t, { files, log, settings: { JWT_ISSUER: provider.issuer, JWT_AUDIENCE: 'userlake', ...settings } })
  const get = async (token: string, url = '/data') => await app.inject({ url, headers: bearer(token) })
  return { app, clock, provider, get, log }
}

t.test('a token of the identity provider grants the scopes in its claims', async (t) => {
  const { app, get, provider } = await buildWithProvider(t)
  const statuses = async (claims: Readonly<Record<string, unknown>>) => {
    const token = await provider.sign(claims)
    return [(await get(token)).statusCode, (await get(token, '/stats')).statusCode, (await app.inject({ method: 'POST', url: '/data?dry_run=true', headers: bearer(token) })).statusCode]
  }
  t.same(await statuses({ scope: 'read' }), [200, 200, 403])
  t.same(await statuses({ scope: 'openid stats other' }), [403, 200, 403])
  t.same(await statuses({ scope: 'userlake:read userlake:write' }), [200, 200, 200])
  t.same(await statuses({ scope: undefined, scp: ['write'] }), [403, 403, 200])
  t.same(await statuses({ scope: undefined, scp: 'read write' }), [200, 200, 200])
  t.same(await statuses({ scope: undefined }), [403, 403, 403])
  t.same(await statuses({ scope: { read: true }, aud: ['other', 'userlake'] }), [403, 403, 403])
  t.same(provider.requests, ['/.well-known/openid-configuration', '/keys'], 'its keys are loaded once')
})

t.test('expired and forged tokens are 401', async (t) => {
  const { get, provider } = await buildWithProvider(t)
  const other = await generateKeyPair('ES256')
  const claims = { iss: provider.issuer, aud: 'userlake', exp: CLOCK_START / 1000 + 300, scope: 'read' }
  const good = await provider.sign()
  const [head, , signature] = good.split('.')
  const table: [string, string, RegExp][] = [
    ['expired', await provider.sign({ exp: CLOCK_START / 1000 - 6 }), /token has expired/],
    ['without expiry', await provider.sign({ exp: undefined }), /claim exp/],
    ['not valid yet', await provider.sign({ nbf: CLOCK_START / 1000 + 60 }), /claim nbf/],
    ['of another issuer', await provider.sign({ iss: 'https://other.example' }), /claim iss/],
    ['for another service', await provider.sign({ aud: 'other' }), /claim aud/],
    ['without audience', await provider.sign({ aud: undefined }), /claim aud/],
    ['signed by another key', await provider.sign({}, { key: other }), /not valid/],
    ['of an unknown key', await provider.sign({}, { key: other, header: { kid: 'x' } }), /not valid/],
    ['with other claims', `${head!}.${Buffer.from(JSON.stringify({ ...claims, scope: 'read write' })).toString('base64url')}.${signature!}`, /not valid/],
    ['without signature', new UnsecuredJWT(claims).encode(), /not valid/],
    ['signed by a shared secret', await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: '1' }).sign(Buffer.alloc(32)), /not valid/],
    ['no token', 'abc', /not valid/],
    ['three parts', 'a.b.c', /not valid/]
  ]
  for (const [name, token, detail] of table) {
    const response = await get(token)
    t.match(response.json(), { status: 401, code: 'unauthorized', detail }, name)
    t.equal(response.headers['www-authenticate'], 'Bearer realm="userlake", error="invalid_token"')
  }
  t.equal((await get(await provider.sign({ exp: CLOCK_START / 1000 - 4 }))).statusCode, 200, 'clocks may differ by a few seconds')
  t.equal((await get(good)).statusCode, 200)
})

t.test('a token is verified once, and no longer accepted when it has expired', async (t) => {
  const { get, provider, clock } = await buildWithProvider(t)
  const token = await provider.sign({ exp: CLOCK_START / 1000 + 30 })
  t.equal((await get(token)).statusCode, 200)
  provider.respond = (_path, response) => { response.writeHead(500).end(); return true }
  t.equal((await get(token)).statusCode, 200)
  clock.advance(36_000)
  t.match((await get(token)).json(), { status: 401, detail: /expired/ })
})

t.test('while the keys of the identity provider cannot be loaded, requests with a token get 503 and API keys are valid', async (t) => {
  const { get, provider, clock, log } = await buildWithProvider(t, { API_KEYS: entryOf('read') })
  const token = await provider.sign()
  provider.respond = (_path, response) => { response.writeHead(500).end(); return true }
  t.match((await get(token)).json(), { status: 503, code: 'identity_provider_unavailable' })
  t.match((await get(token, '/jobs')).json(), { status: 503 })
  t.equal(provider.requests.length, 1, 'the second attempt waits for some seconds')
  t.equal((await get(keyOf('read'))).statusCode, 200)
  t.match(log.find(({ msg }) => /identity provider/.test(msg)), { level: 50, issuer: provider.issuer, cause: 'the discovery document cannot be loaded (HTTP 500)' })
  clock.advance(5000)
  for (const document of ['{}', '{"issuer":"https://other.example","jwks_uri":"https://other.example/"}', `{"issuer":"${provider.issuer}","jwks_uri":"http://10.0.0.1/keys"}`, 'x']) {
    provider.respond = (_path, response) => { response.end(document); return true }
    t.equal((await get(token)).statusCode, 503, document)
    clock.advance(5000)
  }
  provider.respond = (path, response) => {
    if (path !== '/keys') return false
    response.end('no keys')
    return true
  }
  t.equal((await get(token)).statusCode, 503)
  provider.respond = undefined
  t.equal((await get(token)).statusCode, 200)
  t.notMatch(JSON.stringify(log), token.split('.')[2]!)
})

t.test('JWT_JWKS_URL replaces the discovery', async (t) => {
  const provider = await startIdentityProvider(t)
  const { app } = await build(t, { files, settings: { JWT_ISSUER: provider.issuer, JWT_AUDIENCE: 'userlake', JWT_JWKS_URL: `${provider.issuer}/keys` } })
  t.equal((await app.inject({ url: '/data', headers: bearer(await provider.sign()) })).statusCode, 200)
  t.same(provider.requests, ['/keys'])
})

t.test('settings of tokens that would accept too much, or nothing, are not accepted', async (t) => {
  const start = async (settings: Record<string, string>) => {
    const fastify = Fastify()
    await fastify.register(config, { settings })
    await fastify.register(access)
  }
  await t.rejects(start({ JWT_ISSUER: 'https://id.example' }), { name: 'SettingsError', message: /^JWT_AUDIENCE: got ""; must be set/ })
  await t.rejects(start({ JWT_AUDIENCE: 'userlake' }), { name: 'SettingsError', message: /^JWT_ISSUER: got ""; must be set/ })
  for (const JWT_ISSUER of ['http://id.example', 'id.example', 'ftp://localhost']) await t.rejects(start({ JWT_ISSUER, JWT_AUDIENCE: 'x' }), { name: 'SettingsError', message: /^JWT_ISSUER: got/ })
  await start({ HOST: '0.0.0.0', JWT_ISSUER: 'https://id.example/', JWT_AUDIENCE: 'userlake' })
})
