import t, { type Test } from 'tap'
import { traceOf } from '../../../../lib/base/trace-context.js'
import type { ObjectStore } from '../../../../lib/store/object-store.js'
import { tracedStore } from '../../../../lib/store/traced-store.js'
import { script, type Rule } from '../../../support/faults.js'
import type { S3Request } from '../../../support/s3-endpoint.js'
import { setUpS3 } from '../../../support/s3-setup.js'

const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', flags: 1 }

/** A store whose requests are recorded, and the same store with a trace. Its bucket has one object, `key`. */
async function setUp (t: Test, ...faults: readonly Rule[]) {
  const { endpoint, bucket, store } = await setUpS3(t)
  const { etag } = bucket.put('key', 'content')
  const requests: S3Request[] = []
  const faultOf = script(...faults)
  endpoint.intercept = (request) => {
    requests.push(request)
    return faultOf(request)
  }
  return { store, traced: tracedStore(store, trace), requests, etag }
}

async function countListed (store: ObjectStore): Promise<number> {
  let count = 0
  for await (const page of store.list('')) count += page.length
  return count
}

/** The requests have `traceparent` headers with the trace and with different span ids, which their signatures do not cover. */
function checkTraced (t: Test, requests: readonly S3Request[]): void {
  for (const { operation, headers: { traceparent, authorization } } of requests) {
    t.same(traceOf(traceparent), trace, operation)
    t.match(authorization, /SignedHeaders=(?!.*traceparent)/)
  }
  t.equal(new Set(requests.map(({ headers }) => headers['traceparent'])).size, requests.length)
}

t.test('all requests of a traced store have a traceparent', async (t) => {
  const { traced, requests, etag } = await setUp(t)
  t.equal(await countListed(traced), 1)
  t.match(await traced.get('key'), { etag })
  t.match(await traced.head('key'), { etag })
  const stream = await traced.stream('key', { ifMatch: etag })
  stream!.body.resume()
  await traced.put('other', Buffer.from('x'))
  await traced.put('key', Buffer.from('y'), { ifMatch: etag })
  t.same(requests.map(({ operation }) => operation), ['LIST', 'GET', 'HEAD', 'GET', 'PUT', 'PUT'])
  checkTraced(t, requests)
})

t.test('requests that are repeated have new span ids, on both paths', async (t) => {
  const { traced, requests, etag } = await setUp(t,
    { on: 'LIST', times: 2, fault: { status: 500 } }, { on: 'GET', times: 2, fault: { status: 500 } }, { on: 'HEAD', times: 1, fault: { status: 500 } }, { on: 'PUT', times: 1, fault: { status: 500 } })
  t.equal(await countListed(traced), 1)
  t.match(await traced.get('key'), { etag })
  await traced.put('key', Buffer.from('y'), { ifMatch: etag })
  t.same(requests.map(({ operation }) => operation), ['LIST', 'LIST', 'LIST', 'GET', 'GET', 'GET', 'PUT', 'HEAD', 'HEAD', 'PUT'])
  checkTraced(t, requests)
})

t.test('requests without a trace have no traceparent', async (t) => {
  const { store, requests } = await setUp(t, { on: 'GET', times: 1, fault: { status: 500 } })
  t.equal(tracedStore(store, undefined), store)
  await countListed(store)
  await store.get('key')
  await store.head('key')
  t.same(requests.map(({ headers }) => headers['traceparent']), [undefined, undefined, undefined, undefined])
})
