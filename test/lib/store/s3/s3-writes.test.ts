import t from 'tap'
import type { Fault, S3Request } from '../../../support/s3-endpoint.js'
import { setUpS3 } from '../../../support/s3-setup.js'

const bytes = (content: string) => Buffer.from(content)

/** Applies these faults to the first PUTs. */
function onPuts (...faults: Array<Fault | undefined>): (request: S3Request) => Fault | undefined {
  return ({ operation }) => operation === 'PUT' ? faults.shift() : undefined
}

t.test('recognizes its own write if the response was lost', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  endpoint.intercept = onPuts('commit then drop')
  const { etag } = await store.put('key', bytes('one'), { ifMatch: null })
  t.equal(bucket.get('key')?.etag, etag)
  endpoint.intercept = onPuts('commit then drop')
  t.same(await store.put('key', bytes('two'), { ifMatch: etag }), { etag: bucket.get('key')?.etag })
  t.equal(endpoint.counts.PUT, 2, 'no write was sent twice')
})

t.test('recognizes its own write if the repeated PUT is refused', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  // The first write takes effect only when the second one is on its way.
  let puts = 0
  endpoint.intercept = ({ operation, key, body, headers }) => {
    if (operation !== 'PUT') return undefined
    if (++puts === 1) return 'drop'
    bucket.put(key, body, { 'x-amz-meta-write-id': String(headers['x-amz-meta-write-id']) })
    return undefined
  }
  const { etag } = await store.put('key', bytes('one'), { ifMatch: null })
  t.equal(bucket.get('key')?.etag, etag)
  t.equal(puts, 2)
})

t.test('retries if the server reports a conflict', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  const first = bucket.put('key', 'first')
  const faults: Fault[] = ['drop', { status: 409 }, { status: 500 }, { status: 503 }, { status: 429 }]
  let ifMatch = first.etag
  for (const fault of faults) {
    endpoint.intercept = onPuts(fault, fault)
    ifMatch = (await store.put('key', bytes(JSON.stringify(fault)), { ifMatch })).etag
    t.equal(bucket.get('key')?.etag, ifMatch, JSON.stringify(fault))
  }
})

t.test('fails if the server keeps reporting a conflict', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  const { etag } = bucket.put('key', 'first')
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 500 } : undefined
  await t.rejects(store.put('key', bytes('x'), { ifMatch: etag }), { code: 'store_error', message: /HTTP 500/ })
  t.equal(endpoint.counts.PUT, 3)
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? 'drop' : undefined
  await t.rejects(store.put('key', bytes('x'), { ifMatch: etag }), { code: 'unreachable' })
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 412 } : undefined
  await t.rejects(store.put('key', bytes('x'), { ifMatch: etag }), { code: 'precondition_failed' })
})

t.test('does not mistake the write of another client for its own', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  const { etag } = bucket.put('key', 'first')
  const interfere = (fault: Fault): void => {
    endpoint.intercept = ({ operation, key }) => {
      if (operation !== 'PUT') return undefined
      bucket.put(key, 'of another', { 'x-amz-meta-write-id': 'other' })
      return fault
    }
  }
  for (const fault of [{ status: 409 }, { status: 500 }, 'drop'] as const) {
    bucket.put('key', 'first')
    interfere(fault)
    await t.rejects(store.put('key', bytes('mine'), { ifMatch: etag }), { code: 'precondition_failed' })
    await t.rejects(store.put('key', bytes('mine'), { ifMatch: null }), { code: 'precondition_failed' })
    t.equal(bucket.get('key')?.body.toString(), 'of another')
  }
})

t.test('after one refusal, sends ETags without quotes to a server that expects them so', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { profile: 'rgw' })
  const { etag } = bucket.put('key', 'one')
  const two = await store.put('key', bytes('two'), { ifMatch: etag })
  t.same([endpoint.counts.PUT, endpoint.counts.HEAD], [2, 1])
  await store.put('key', bytes('three'), { ifMatch: two.etag })
  t.same([endpoint.counts.PUT, endpoint.counts.HEAD], [3, 1])
})

t.test('does not repeat a refused write', async t => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 403 } : undefined
  await t.rejects(store.put('key', bytes(''), { ifMatch: null }), { code: 'access_denied' })
  t.same([endpoint.counts.PUT, endpoint.counts.HEAD], [1, 0])
})

t.test('sends a write id with every PUT, and the content type', async t => {
  let count = 0
  const { bucket, store } = await setUpS3(t, { newWriteId: () => `write ${++count}` })
  await store.put('a', bytes(''), { ifMatch: null, contentType: 'text/csv' })
  await store.put('b', bytes(''), { ifMatch: null })
  await store.put('c', bytes(''))
  t.match(bucket.get('a')?.headers, { 'x-amz-meta-write-id': 'write 1', 'content-type': 'text/csv' })
  t.match(bucket.get('b')?.headers, { 'x-amz-meta-write-id': 'write 2' })
  t.equal(bucket.get('c')?.headers['x-amz-meta-write-id'], undefined)
})

t.test('creating a bucket succeeds if another client creates it at the same time', async t => {
  const { endpoint, store } = await setUpS3(t)
  await store.create()
  t.equal(endpoint.counts.CREATE, 0)
  endpoint.deleteBucket('lake')
  await Promise.all([store.create(), store.create(), store.create()])
  endpoint.deleteBucket('lake')
  endpoint.intercept = ({ operation }) => operation === 'CREATE' ? { status: 403 } : undefined
  await t.rejects(store.create(), { code: 'access_denied' })
})

t.test('sends the region of a new bucket, except for us-east-1', async t => {
  const bodies: string[] = []
  for (const region of [undefined, 'eu-central-1']) {
    const { endpoint, store } = await setUpS3(t, { region })
    endpoint.deleteBucket('lake')
    endpoint.intercept = ({ operation, body }) => {
      if (operation === 'CREATE') bodies.push(body.toString())
      return undefined
    }
    await store.create()
  }
  t.match(bodies, ['', /<LocationConstraint>eu-central-1</])
})

t.test('the connection of a conditional write ends with it, because the SDK would keep the body as long as the connection', async t => {
  const { endpoint, store } = await setUpS3(t)
  const connections: Array<string | undefined> = []
  endpoint.intercept = ({ headers }) => {
    connections.push(headers.connection)
    return undefined
  }
  await store.put('key', bytes('one'), { ifMatch: null })
  t.same(connections, ['close'])
})
