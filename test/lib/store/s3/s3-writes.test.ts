import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { checkWritesInParts } from '../../../../lib/store/check-writes.js'
import { PART_BYTES } from '../../../../lib/store/s3/multipart.js'
import { S3Store } from '../../../../lib/store/s3/s3-store.js'
import { script } from '../../../support/faults.js'
import type { Fault, S3Request } from '../../../support/s3-endpoint.js'
import { setUpS3 } from '../../../support/s3-setup.js'
import { bodyOfParts, bytesOf } from '../../../support/streamed-bodies.js'
import { until } from '../../../support/until.js'

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

t.test('repeats a conditional write if the connection or the server fails, or the server reports a conflict', async t => {
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

t.test('a conditional write fails if every attempt fails', async t => {
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

t.test('sends a write id with every conditional PUT only, and the content type', async t => {
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

const PARTS = Array.from({ length: 100 }, (_, i) => `${i} `.repeat(5000))

t.test('recognizes its own write of a streamed body if the response was lost', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  endpoint.intercept = onPuts('commit then drop')
  const body = await bodyOfParts(PARTS)
  t.same(await store.put('key', body, { ifMatch: null }), { etag: bucket.get('key')?.etag })
  t.same([endpoint.counts.PUT, body.opened, body.closed], [1, 1, 1])
  t.equal(bucket.get('key')?.body.toString(), PARTS.join(''))
})

t.test('each attempt to write a streamed body reads it from its beginning', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  for (const condition of [{}, { ifMatch: null }]) {
    endpoint.reset()
    endpoint.intercept = onPuts('drop', { status: 503 })
    const key = JSON.stringify(condition)
    const body = await bodyOfParts(PARTS)
    await store.put(key, body, condition)
    t.same([endpoint.counts.PUT, body.opened, body.closed], [3, 3, 3])
    t.equal(bucket.get(key)?.body.toString(), PARTS.join(''))
  }
})

t.test('if the source of a streamed body fails in a later attempt, nothing is written', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  endpoint.intercept = onPuts('drop')
  const failure = new Error('of the source')
  const body = await bodyOfParts(PARTS, function * (time) {
    yield * PARTS.slice(0, 50)
    if (time === 2) throw failure
    yield * PARTS.slice(50)
  })
  t.equal(await store.put('key', body, { ifMatch: null }).catch((error: unknown) => error), failure)
  t.equal(bucket.get('key'), undefined)
})

t.test('the time in which a streamed body is read from its source is not part of the time limit', async (t) => {
  const { bucket, store } = await setUpS3(t, { deadlineMs: 4000 })
  const body = await bodyOfParts(['a', 'b'], async function * () {
    for (const part of ['a', 'b']) {
      await delay(2500)
      yield part
    }
  })
  await store.put('key', body, { ifMatch: null })
  t.equal(bucket.get('key')?.body.toString(), 'ab')
})

t.test('a store that does not respond to a streamed body fails with `timeout`, and the source is closed', async (t) => {
  const { endpoint, store } = await setUpS3(t, { deadlineMs: 100 })
  endpoint.intercept = onPuts('stall')
  const body = await bodyOfParts(PARTS)
  await t.rejects(store.put('key', body, { ifMatch: null }), { code: 'timeout' })
  await until(() => body.closed === body.opened)
})

t.test('a streamed body is sent with its length and its digests, and not in chunks', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  process.env.AWS_ENDPOINT_URL_S3 = endpoint.url
  const aws = new S3Store({ bucket: 'lake', region: 'us-east-1' })
  t.teardown(async () => {
    delete process.env.AWS_ENDPOINT_URL_S3
    await aws.close()
  })
  const sent: S3Request['headers'][] = []
  endpoint.intercept = ({ operation, headers }) => {
    if (operation === 'PUT') sent.push(headers)
    return undefined
  }
  const body = await bodyOfParts(PARTS)
  await store.put('key', body)
  await aws.put('key', body)
  const common = { 'content-length': String(body.length), 'x-amz-content-sha256': body.sha256.toString('hex'), 'transfer-encoding': undefined, 'content-encoding': undefined }
  t.match(sent[0], { ...common, 'content-md5': body.md5.toString('base64'), 'x-amz-checksum-sha256': undefined })
  t.match(sent[1], { ...common, 'content-md5': undefined, 'x-amz-checksum-sha256': body.sha256.toString('base64') })
})

t.test('a body in parts is written whole, with its content type, metadata and the right checksums, under its condition', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  process.env.AWS_ENDPOINT_URL_S3 = endpoint.url
  const aws = new S3Store({ bucket: 'lake', region: 'us-east-1' })
  t.teardown(async () => {
    delete process.env.AWS_ENDPOINT_URL_S3
    await aws.close()
  })
  const large = await bodyOfParts(Array.from({ length: 300 }, (_, i) => String.fromCharCode(97 + i % 26).repeat(120_000)))
  for (const to of [store, aws]) {
    for (const body of [large, await bodyOfParts([]), bytes('one')]) {
      const ifMatch = bucket.get('key')?.etag ?? null
      endpoint.reset()
      const { etag } = await to.put('key', body, { ifMatch, contentType: 'text/csv', metadata: { records: '7' }, inParts: true })
      t.match(await to.head('key'), { etag, size: body.length, metadata: { records: '7' } })
      t.ok(bucket.get('key')!.body.equals(await bytesOf(body)))
      t.equal(bucket.get('key')!.headers['content-type'], 'text/csv')
      t.match(endpoint.counts, { BEGIN: 1, PART: Math.max(1, Math.ceil(body.length / PART_BYTES)), COMPLETE: 1, PUT: 0, ABORT: 0 })
      for (const other of [null, ifMatch ?? 'other']) await t.rejects(to.put('key', bytes('of an older listing'), { ifMatch: other, inParts: true }), { code: 'precondition_failed' })
      t.equal(bucket.get('key')!.etag, etag)
      t.equal(bucket.uploads.size, 0, 'the parts of uploads that have failed are removed')
    }
  }
})

t.test('a body in parts: a lost response is recognized, failed requests are repeated, and a source that fails leaves nothing', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  endpoint.intercept = script({ on: 'PART', times: 1, fault: { status: 500 } }, { on: 'COMPLETE', times: 1, fault: 'commit then drop' })
  const { etag } = await store.put('key', bytes('one'), { ifMatch: null, inParts: true })
  t.same([etag, endpoint.counts.COMPLETE], [bucket.get('key')!.etag, 1])
  endpoint.intercept = script({ on: 'COMPLETE', times: 1, fault: { status: 409 } })
  const two = await store.put('key', bytes('two'), { ifMatch: etag, inParts: true })
  t.same([two.etag, bucket.get('key')!.body.toString()], [bucket.get('key')!.etag, 'two'])
  const failure = new Error('of the source')
  const body = await bodyOfParts(PARTS, function * () {
    yield * PARTS
    throw failure
  })
  t.equal(await store.put('key', body, { ifMatch: two.etag, inParts: true }).catch((error: unknown) => error), failure)
  t.same([body.opened, body.closed], [1, 1])
  await t.rejects(store.put('key', await bodyOfParts(['one'], () => ['two']), { ifMatch: two.etag, inParts: true }), { code: 'corrupt' })
  t.same([bucket.get('key')!.etag, bucket.uploads.size], [two.etag, 0])
})

t.test('whether a store honours the conditions of writes in parts is checked on an object of its own', async (t) => {
  for (const [profile, expected] of [['aws', true], ['minio', true], ['unconditional', false], ['rgw', false]] as const) {
    const { endpoint, bucket, store } = await setUpS3(t, { profile })
    t.equal(await checkWritesInParts(store, 'out.probe'), expected, profile)
    t.same(bucket.keys(), ['out.probe-parts'])
    endpoint.intercept = ({ operation }) => operation === 'BEGIN' ? { status: 403 } : undefined
    await t.rejects(checkWritesInParts(store, 'out.probe'), { code: 'access_denied' })
  }
})
