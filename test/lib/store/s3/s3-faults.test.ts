import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { S3Store } from '../../../../lib/store/s3/s3-store.js'
import { listAll } from '../../../support/store-contract.js'
import { csv } from '../../../support/app.js'
import { script, type Fault, type Interceptor } from '../../../support/faults.js'
import { setUpS3 } from '../../../support/s3-setup.js'
import { testFolder } from '../../../support/test-folder.js'

/** Applies one fault to each of the first requests. */
function inTurn (...faults: Array<Fault | undefined>): Interceptor {
  return script(...faults.map((fault) => ({ times: 1, fault })))
}

t.test('retries a GET whose body was truncated or corrupted', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'content')
  for (const fault of ['cut body', 'corrupt body', 'drop', { status: 503 }, { status: 500 }] as const) {
    endpoint.reset()
    endpoint.intercept = inTurn(fault, fault)
    t.match(await store.get('key'), { body: Buffer.from('content') }, JSON.stringify(fault))
    t.equal(endpoint.counts.GET, 3)
  }
})

t.test('a body that is cut at any byte, or in which any bit is wrong, is never accepted', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  const content = csv()
  bucket.put('key', content)
  const faults: Fault[] = [
    ...Array.from(content, (_, cutAt) => ({ cutAt })),
    ...Array.from({ length: content.length * 8 }, (_, flipBit) => ({ flipBit }))
  ]
  for (const fault of faults) {
    endpoint.intercept = inTurn(fault)
    t.match(await store.get('key'), { body: Buffer.from(content) }, JSON.stringify(fault))
  }
})

t.test('fails if the body is wrong on every attempt', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'content')
  endpoint.intercept = () => 'corrupt body'
  await t.rejects(store.get('key'), { code: 'corrupt', message: /^s3:\/\/lake\/key: / })
  endpoint.intercept = () => 'cut body'
  await t.rejects(store.get('key'), { code: 'unreachable' })
  endpoint.intercept = () => 'drop'
  await t.rejects(store.get('key'), { code: 'unreachable' })
  endpoint.intercept = () => ({ status: 503, body: '<Error><Code>SlowDown</Code></Error>' })
  await t.rejects(store.get('key'), { code: 'store_error', message: 's3://lake/key: HTTP 503 SlowDown' })
})

t.test('does not compare the body with an ETag that is not an MD5', async t => {
  const { endpoint, store } = await setUpS3(t)
  const md5OfOther = '"d41d8cd98f00b204e9800998ecf8427e"'
  const headers: Array<Record<string, string>> = [
    { etag: '"d41d8cd98f00b204e9800998ecf8427e-2"' },
    { etag: md5OfOther, 'x-amz-server-side-encryption': 'aws:kms' },
    { etag: md5OfOther, 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
    {}
  ]
  for (const header of headers) {
    endpoint.intercept = () => ({ status: 200, headers: header, body: 'content' })
    t.match(await store.get('key'), { body: Buffer.from('content') })
  }
  t.match(await store.get('key'), { etag: '', racy: true })
  endpoint.intercept = () => ({ status: 200, headers: { etag: md5OfOther, 'x-amz-server-side-encryption': 'AES256' }, body: 'x' })
  await t.rejects(store.get('key'), { code: 'corrupt' })
})

t.test('stops at the size limit, with and without Content-Length', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'x'.repeat(100_000))
  await t.rejects(store.get('key', { maxBytes: 99_999 }), { code: 'too_large' })
  t.equal(endpoint.counts.GET, 1)
  bucket.put('large', 'x'.repeat(3_000_000))
  await t.rejects(store.get('large', { maxBytes: 2_900_000 }), { code: 'too_large' })
  endpoint.intercept = () => ({ status: 200, headers: { 'transfer-encoding': 'chunked' }, body: 'x'.repeat(100_000) })
  await t.rejects(store.get('key', { maxBytes: 99_999 }), { code: 'too_large' })
})

t.test('unread bodies do not keep connections busy', async t => {
  const { bucket, store } = await setUpS3(t)
  bucket.put('key', 'x'.repeat(1_000_000))
  for (let i = 0; i < 100; i++) await t.rejects(store.get('key', { maxBytes: 1 }), { code: 'too_large' })
  t.match(await store.get('key'), { size: 1_000_000 })
})

t.test('aborts requests that exceed the time limit', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { deadlineMs: 200 })
  bucket.put('key', 'content')
  const late = { code: 'timeout', message: /no complete response from http:.+ in time/ }
  endpoint.intercept = () => 'stall'
  await Promise.all([
    t.rejects(store.get('key'), late),
    t.rejects(store.stream('key'), late),
    t.rejects(store.head('key'), late),
    t.rejects(listAll(store, ''), late),
    t.rejects(store.put('key', Buffer.from('')), late),
    t.rejects(store.put('key', Buffer.from(''), { ifMatch: null }), late)
  ])
  for (const fault of ['stall body', { dripMs: 50 }] as const) {
    endpoint.intercept = () => fault
    await t.rejects(store.get('key'), late)
    await t.rejects(listAll(store, ''), late)
  }
})

t.test('a stream may take longer than the time limit of an operation', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { deadlineMs: 200 })
  bucket.put('key', 'x'.repeat(10_000_000))
  const stream = await store.stream('key')
  endpoint.intercept = () => 'stall'
  // When this request has reached its time limit, the stream has taken longer than that limit, too.
  await t.rejects(store.head('key'), { code: 'timeout' })
  t.equal((await text(stream!.body)).length, 10_000_000)
})

t.test('unread streams do not delay other requests', async t => {
  const { bucket, store } = await setUpS3(t, { deadlineMs: 5000 })
  bucket.put('key', 'x'.repeat(10_000_000))
  const streams = await Promise.all(Array.from({ length: 70 }, () => store.stream('key')))
  t.match(await store.head('key'), { size: 10_000_000 })
  t.match(await store.put('other', Buffer.from('x')), { etag: String })
  streams.forEach((stream) => stream!.body.destroy())
})

t.test('a stream fails if its connection breaks', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'x'.repeat(1000))
  endpoint.intercept = () => 'cut body'
  const stream = await store.stream('key')
  await t.rejects(text(stream!.body), { code: 'ECONNRESET' })
})

t.test('reports refusals and failures with different codes', async t => {
  const { endpoint, store } = await setUpS3(t)
  const cases: Array<[Fault, string]> = [
    [{ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }, 'access_denied'],
    [{ status: 401 }, 'access_denied'],
    [{ status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' }, 'no_such_bucket'],
    [{ status: 400, body: '<Error><Code>ExpiredToken</Code></Error>' }, 'access_denied'],
    [{ status: 404, body: '<html>Not here</html>' }, 'store_error'],
    [{ status: 408 }, 'timeout'],
    [{ status: 301 }, 'store_error'],
    [{ status: 400 }, 'store_error']
  ]
  for (const [fault, code] of cases) {
    endpoint.intercept = () => fault
    await t.rejects(store.get('key'), { name: 'StoreError', code })
    await t.rejects(store.put('key', Buffer.from('')), { name: 'StoreError', code })
  }
  endpoint.intercept = () => ({ status: 400, body: '<Error><Code>XMinioInvalidObjectName</Code></Error>' })
  t.equal(await store.get('a//b'), undefined)
  await t.rejects(store.put('a//b', Buffer.from('')), { code: 'invalid_key' })
})

t.test('reports `unreachable` if no server listens, and recovers when one does', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'content')
  await endpoint.stop()
  const refused = { code: 'unreachable', message: /ECONNREFUSED/ }
  await t.rejects(store.get('key'), refused)
  await t.rejects(listAll(store, ''), refused)
  await t.rejects(store.create(), refused)
  await endpoint.start()
  t.match(await store.get('key'), { size: 7 })
})

t.test('a server that is not one of S3 is reported as that, unless a proxy may have sent the response', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  const cases: Array<[Fault, RegExp]> = [
    [{ status: 400, body: '<Error><Code>InvalidArgument</Code><Message>S3 API Requests must be made to API port.</Message></Error>' }, /HTTP 400 InvalidArgument: this is the port of MinIO's console: .*9000$/],
    [{ status: 404, body: '404 page not found' }, /HTTP 404 Error: the response is not one of S3: check AWS_ENDPOINT_URL_S3$/],
    [{ status: 404, body: '<html>Not here</html>' }, /: the response is not one of S3/],
    [{ status: 404, body: '{"error":"x"}' }, /: the response is not one of S3/],
    [{ status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' }, /HTTP 404 NoSuchBucket: check the name/],
    [{ status: 400, body: '<Error><Code>Other</Code></Error>' }, /HTTP 400 Other$/],
    [{ status: 502, body: 'Bad Gateway' }, /HTTP 502 \w+$/]
  ]
  for (const [fault, message] of cases) {
    endpoint.intercept = () => fault
    await t.rejects(listAll(store, ''), { message }, JSON.stringify(fault))
  }
})

t.test('error messages contain no secrets', async t => {
  const { endpoint, store } = await setUpS3(t)
  const secret = process.env.AWS_SECRET_ACCESS_KEY!
  endpoint.intercept = () => ({
    status: 403, body: `<Error><Code>SignatureDoesNotMatch</Code><Message>signed with ${secret}</Message></Error>`
  })
  const error = await store.get('key').catch(error => error)
  t.equal(error.message, 's3://lake/key: HTTP 403 SignatureDoesNotMatch: the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the file of credentials')
})

t.test('reports missing credentials', async t => {
  const { endpoint } = await setUpS3(t)
  t.intercept(process, 'env', { value: { AWS_EC2_METADATA_DISABLED: 'true', HOME: testFolder(t) } })
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
  await t.rejects(store.get('key'), { code: 'access_denied', message: /^s3:\/\/lake\/key: no credentials: set AWS_ACCESS_KEY_ID/ })
  await store.close()
})

t.test('if a file or profile of credentials is named and has none, the message names it and what to check', async t => {
  const { endpoint } = await setUpS3(t)
  const HOME = testFolder(t, { others: '[shop]\naws_access_key_id = a\naws_secret_access_key = b\n' })
  const messageOf = async (env: NodeJS.ProcessEnv) => {
    t.intercept(process, 'env', { value: { AWS_EC2_METADATA_DISABLED: 'true', HOME, ...env } })
    const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
    const error = await store.get('key').catch(error => error)
    await store.close()
    return error.message
  }
  const checks = (profile: string) => `check that each file exists, that this process may read it, and that it has the profile ${profile}`
  for (const file of [join(HOME, 'missing'), join(HOME, 'others')]) {
    t.equal(await messageOf({ AWS_SHARED_CREDENTIALS_FILE: file }), `s3://lake/key: no credentials: found none by AWS_SHARED_CREDENTIALS_FILE=${file}: ${checks('default')}`)
  }
  t.equal(await messageOf({ AWS_PROFILE: 'other' }), `s3://lake/key: no credentials: found none by AWS_PROFILE=other: ${checks('other')}`)
  const token = join(HOME, 'token')
  t.equal(await messageOf({ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/userlake' }),
    `s3://lake/key: no credentials: their source failed (ENOENT): check AWS_WEB_IDENTITY_TOKEN_FILE=${token}`)
})

t.test('a wall clock that jumps neither ends a request early nor extends it', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { deadlineMs: 1000 })
  bucket.put('key', 'content')
  const { now } = Date
  let jumps = 0
  t.intercept(Date, 'now', { value: () => now() + (++jumps % 2 === 0 ? 3_600_000 : -3_600_000) })
  for (let i = 0; i < 5; i++) {
    t.match(await store.get('key', { maxBytes: 100, maxMs: 1000 }), { size: 7 })
    t.match(await store.head('key'), { size: 7 })
    t.equal((await listAll(store, '')).length, 1)
  }
  endpoint.intercept = () => 'stall body'
  for (const options of [{}, { maxBytes: 100, maxMs: 200 }]) await t.rejects(store.get('key', options), { code: 'timeout' })
})
