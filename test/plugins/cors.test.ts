import t from 'tap'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, csv } from '../support/app.js'
import { isOrigins } from '../../plugins/cors.js'

const files = { '1.csv': csv() }
const ORIGIN = 'https://app.example'
const settings = { CORS_ORIGINS: `${ORIGIN},http://localhost:3000`, API_KEYS: entryOf('read', 'write') }

t.test('pages of CORS_ORIGINS may read responses and send requests', async (t) => {
  const { app } = await build(t, { files, settings })
  const headers = { ...bearer(keyOf('read', 'write')), origin: ORIGIN, 'sec-fetch-site': 'cross-site' }
  for (const url of ['/data', '/data?format=csv', '/stats', '/data/2', '/nowhere', '/data?x', '/livez']) {
    const response = await app.inject({ url, headers })
    t.equal(response.headers['access-control-allow-origin'], ORIGIN, url)
    t.match(response.headers['access-control-expose-headers'], /data-version, etag, link/)
    t.match(response.headers['vary'], /(^|, )origin$/, url)
  }
  t.equal((await app.inject({ url: '/data', headers: { origin: ORIGIN } })).headers['access-control-allow-origin'], ORIGIN, 'so that the page can read why it is 401')
  const etag = String((await app.inject({ url: '/data', headers })).headers['etag'])
  t.match(await app.inject({ url: '/data', headers: { ...headers, 'if-none-match': etag } }), { statusCode: 304, headers: { vary: 'accept, accept-encoding, origin' } })
  t.equal((await app.inject({ method: 'POST', url: '/data?dry_run=true', headers })).statusCode, 200)
})

t.test('a preflight request needs no credentials', async (t) => {
  const { app } = await build(t, { files, settings })
  const preflight = async (origin: string) => await app.inject({ method: 'OPTIONS', url: '/data', headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' } })
  const { statusCode, headers, body } = await preflight('http://localhost:3000')
  t.equal(statusCode, 204)
  t.equal(body, '')
  t.match(headers, {
    'access-control-allow-origin': 'http://localhost:3000', 'access-control-allow-methods': 'GET, HEAD, POST', 'access-control-allow-headers': /authorization.*traceparent/, 'access-control-max-age': '600', vary: 'origin'
  })
  t.match(await preflight('https://evil.example'), { statusCode: 405, headers: { 'access-control-allow-origin': undefined } })
  t.equal((await app.inject({ method: 'OPTIONS', url: '/data', headers: { origin: ORIGIN } })).statusCode, 405, 'not a preflight request')
})

t.test('pages of other origins may not read responses, and their POST requests are 403', async (t) => {
  const { app } = await build(t, { files, settings })
  for (const origin of ['https://evil.example', 'null', 'https://app.example:8443', 'http://app.example', 'https://app.example.evil.example']) {
    const headers = { ...bearer(keyOf('read', 'write')), origin }
    t.match(await app.inject({ url: '/data', headers }), { statusCode: 200, headers: { 'access-control-allow-origin': undefined, vary: 'accept, accept-encoding, origin' } }, origin)
    t.equal((await app.inject({ method: 'POST', url: '/data', headers })).statusCode, 403, origin)
  }
})

t.test('without CORS_ORIGINS, responses have no CORS header', async (t) => {
  const { app } = await build(t, { files })
  const { headers } = await app.inject({ url: '/data', headers: { origin: ORIGIN } })
  t.equal(headers['access-control-allow-origin'], undefined)
  t.equal(headers['vary'], 'accept, accept-encoding')
})

t.test('an origin has a scheme, a host and no path', async (t) => {
  for (const setting of ['', 'https://a.example', 'http://localhost:3000,https://[::1]:8443']) t.ok(isOrigins(setting), setting)
  for (const setting of ['*', 'null', 'a.example', 'https://a.example/', 'https://a.example/x', 'https://a.example:443', 'https://a,', 'https://*.example/']) t.notOk(isOrigins(setting), setting)
})
