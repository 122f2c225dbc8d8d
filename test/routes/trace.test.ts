import t, { type Test } from 'tap'
import { traceOf } from '../../lib/base/trace-context.js'
import { build, csv, PNG, withoutSnapshot } from '../support/app.js'
import { gate, turns } from '../support/until.js'

const [A, B] = ['0af7651916cd43dd8448eb211c80319c', '4bf92f3577b34da6a3ce929d0e0e4736'] as const
const parent = (traceId: string) => ({ traceparent: `00-${traceId}-b7ad6b7169203331-01` })
const fresh = { 'cache-control': 'no-cache' }

/** An app, and the operations and trace ids of its requests to the store, without those for the snapshot. `listings.beforeEach` delays listings. */
async function start (t: Test) {
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv(), '1.png': PNG } })
  await app.inject('/stats')
  const seen: [string, string | undefined][] = []
  const listings = { beforeEach: async () => {} }
  endpoint.intercept = async ({ operation, key, headers }) => {
    if (withoutSnapshot([key]).length === 0) return undefined
    seen.push([operation, traceOf(headers['traceparent'])?.traceId])
    if (operation === 'LIST') await listings.beforeEach()
    return undefined
  }
  return { app, bucket, listings, requests: () => seen.splice(0) }
}

t.test('the requests for an image have the trace of the request', async (t) => {
  const { app, requests } = await start(t)
  const { statusCode } = await app.inject({ url: '/data/1/image', headers: parent(A) })
  t.equal(statusCode, 200)
  t.same(requests(), [['GET', A], ['GET', A]], 'for the type and for the body')
  await app.inject('/data/1/image')
  t.same(requests(), [['GET', undefined]])
})

t.test('the requests of a listing that a request requires have its trace, the next ones do not', async (t) => {
  const { app, bucket, requests } = await start(t)
  bucket.put('source_data/2.csv', csv())
  await app.inject({ url: '/stats', headers: { ...fresh, ...parent(A) } })
  t.same(requests(), [['LIST', A], ['GET', A]])
  await app.inject({ url: '/stats', headers: fresh })
  await app.inject({ url: '/stats', headers: parent(A) })
  t.same(requests(), [['LIST', undefined]])
})

t.test('all requests of a job have the trace of the request that has created it', async (t) => {
  const { app, bucket, requests } = await start(t)
  bucket.put('source_data/2.csv', csv())
  const { statusCode } = await app.inject({ method: 'POST', url: '/data', headers: parent(A) })
  t.equal(statusCode, 200)
  const seen = requests()
  t.same(seen.filter(([operation]) => operation !== 'GET'), [['HEAD', A], ['LIST', A], ['PUT', A]])
  t.ok(seen.every(([, traceId]) => traceId === A))
})

t.test('a listing that several requests share has the trace of the first', async (t) => {
  const { app, listings, requests } = await start(t)
  const first = gate()
  const begun = gate()
  listings.beforeEach = async () => {
    begun.open()
    await first.opened
  }
  const require = (headers: Record<string, string>) => app.inject({ url: '/stats', headers: { ...fresh, ...headers } })
  const running = require({})
  await begun.opened
  const waiting = [require({}), require(parent(A)), require(parent(B))]
  await turns(50)
  first.open()
  await Promise.all([running, ...waiting])
  t.same(requests(), [['LIST', undefined], ['LIST', A]])
})
