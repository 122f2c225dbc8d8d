import t from 'tap'
import { build, csv, PNG } from '../support/app.js'
import { gate, until } from '../support/until.js'

t.test('if too many requests wait for the lake, further ones that would wait get 503 with Retry-After; other requests and the probes are served', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, maxLakeWaits: 1 })
  await app.inject('/data')
  const listing = gate()
  endpoint.reset()
  endpoint.intercept = ({ operation }) => operation === 'LIST' ? listing.opened : undefined
  const fresh = { url: '/data', headers: { 'cache-control': 'no-cache' } }
  const waiting = app.inject(fresh)
  waiting.catch(() => {}) // begins the request
  await until(() => endpoint.counts.LIST > 0)
  const overloaded = { statusCode: 503, headers: { 'retry-after': /^\d+$/ } }
  for (const request of [fresh, { url: '/data', method: 'POST' as const }]) {
    const response = await app.inject(request)
    t.match(response, overloaded)
    t.match(response.json(), { code: 'overloaded', detail: /^1 requests wait for the lake/ })
  }
  t.equal(app.jobs.list().length, 0)
  for (const url of ['/livez', '/readyz', '/startupz', '/data', '/stats']) t.equal((await app.inject(url)).statusCode, 200, url)
  listing.open()
  t.equal((await waiting).statusCode, 200)
  t.equal((await app.inject(fresh)).statusCode, 200)
})

t.test('while 256 requests for images are in progress, further ones get 503 with Retry-After', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv(), '1.png': PNG } })
  await app.inject('/data')
  const image = gate()
  endpoint.intercept = ({ key }) => key.endsWith('.png') ? image.opened : undefined
  const requests = Array.from({ length: 257 }, () => app.inject('/data/1/image').then((response) => response))
  const response = await requests[256]!
  t.match(response, { statusCode: 503, headers: { 'retry-after': /^\d+$/ } })
  t.match(response.json(), { code: 'overloaded', detail: /^256 requests for images are in progress/ })
  t.equal((await app.inject('/livez')).statusCode, 200)
  image.open()
  await Promise.all(requests)
  t.equal((await app.inject('/data/1/image')).statusCode, 200)
})
