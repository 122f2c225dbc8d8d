import t, { type Test } from 'tap'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, csv } from '../support/app.js'

const files = { '1.csv': csv() }
const fresh = { 'cache-control': 'no-cache' }

t.test('requests that make the service list the lake are limited for each client', async (t) => {
  const { app } = await build(t, { files, settings: { API_KEYS: `${entryOf('read', 'write')},${entryOf('read')}`, RATE_LIMIT: '3' } })
  const first = bearer(keyOf('read', 'write'))
  const statuses = []
  for (const url of ['/data', '/stats', '/data/1', '/data']) statuses.push((await app.inject({ url, headers: { ...first, ...fresh } })).statusCode)
  t.same(statuses, [200, 200, 200, 429])
  const { headers, ...response } = await app.inject({ method: 'POST', url: '/data?dry_run=true', headers: first })
  t.match(response.json(), { status: 429, code: 'too_many_requests', detail: /more than 3 requests in a minute.*try again in \d+ s/ })
  t.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 60)
  t.equal(headers['x-ratelimit-limit'], undefined)
  for (let i = 0; i < 5; i++) t.equal((await app.inject({ url: '/data', headers: first })).statusCode, 200, 'other requests are not counted')
  t.equal((await app.inject({ url: '/data', headers: { ...bearer(keyOf('read')), ...fresh } })).statusCode, 200, 'each client has a limit of its own')
  for (let i = 0; i < 5; i++) t.equal((await app.inject({ url: '/livez', headers: fresh })).statusCode, 200, 'probes are not limited')
  for (let i = 0; i < 5; i++) t.equal((await app.inject({ url: '/data', headers: fresh })).statusCode, 401, 'credentials are checked first')
})

t.test('without credentials, clients are distinguished by their addresses', async (t) => {
  const { app } = await build(t, { files, settings: { RATE_LIMIT: '1' } })
  const get = async (remoteAddress: string) => (await app.inject({ url: '/data', headers: fresh, remoteAddress })).statusCode
  t.equal(await get('10.0.0.1'), 200)
  t.equal(await get('10.0.0.1'), 429)
  t.equal(await get('10.0.0.2'), 200)
  t.equal(await get('2001:db8::1'), 200)
  t.equal(await get('2001:db8::ffff'), 429, 'addresses of one network of 64 bits are one client')
})

t.test('by default, requests are limited to 60 a minute, unless the service listens on a loopback address only and has no credentials', async (t) => {
  for (const [settings, last] of [[{}, 200], [{ API_KEYS: entryOf('read') }, 429], [{ HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'true' }, 429]] as const) {
    const statuses = await statusesOf61(t, settings)
    t.equal(statuses[59], 200)
    t.equal(statuses[60], last, JSON.stringify(settings))
  }
})

t.test('RATE_LIMIT=unlimited limits no requests', async (t) => {
  const statuses = await statusesOf61(t, { API_KEYS: entryOf('read'), RATE_LIMIT: 'unlimited' })
  t.ok(statuses.every((status) => status === 200))
})

/** The statuses of 61 requests of one client that require a listing. */
async function statusesOf61 (t: Test, settings: Readonly<Record<string, string>>): Promise<number[]> {
  const { app } = await build(t, { files, settings })
  const statuses = []
  for (let i = 0; i < 61; i++) statuses.push((await app.inject({ url: '/data', headers: { ...bearer(keyOf('read')), ...fresh } })).statusCode)
  return statuses
}
