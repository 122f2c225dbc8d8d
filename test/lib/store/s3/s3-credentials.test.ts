import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { S3Store } from '../../../../lib/store/s3/s3-store.js'
import { asContainer, accessKeyOf, setUpCredentials, startIssuer } from '../../../support/credentials.js'
import { failure } from '../../../support/s3-protocol.js'
import { setUpS3 } from '../../../support/s3-setup.js'
import { listAll } from '../../../support/store-contract.js'
import { testFolder } from '../../../support/test-folder.js'

const OPERATIONS: Readonly<Record<string, (store: S3Store) => Promise<unknown>>> = {
  list: async (store) => (await listAll(store, '')).map(({ key }) => key),
  get: async (store) => String((await store.get('key') as { body: Buffer }).body),
  head: async (store) => (await store.head('key'))?.size,
  stream: async (store) => await text((await store.stream('key'))!.body),
  put: async (store) => await store.put('key', Buffer.from('content')),
  'put if unchanged': async (store) => await store.put('key', Buffer.from('content'), { ifMatch: (await store.head('key'))!.etag })
}

t.test('after the keys in the credentials file have been replaced, any operation that is refused reads the new ones and succeeds', async (t) => {
  const file = join(testFolder(t), 'credentials')
  const rotate = (id: string) => writeFileSync(file, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = secret\n`)
  const refusals: ReadonlyArray<[number, string]> = [[403, 'InvalidAccessKeyId'], [403, 'SignatureDoesNotMatch'], [400, 'ExpiredToken'], [400, 'InvalidToken']]
  for (const [name, run] of Object.entries(OPERATIONS)) {
    for (const [status, code] of name === 'list' ? [...refusals, [403, 'AccessDenied'] as const] : refusals) {
      rotate('first')
      const { endpoint, store } = await setUpCredentials(t, { AWS_SHARED_CREDENTIALS_FILE: file })
      const expected = await run(store)
      endpoint.intercept = (request) => accessKeyOf(request) === 'second' ? undefined : failure(status, code)
      rotate('second')
      t.same(await run(store), expected, `${name}: ${code}`)
      t.same(await run(store), expected, `${name}: ${code}, a second time`)
    }
  }
})

t.test('temporary credentials that were revoked are renewed before they expire', async (t) => {
  const { requests, url } = await startIssuer(t, asContainer(3_600_000))
  const { endpoint, store } = await setUpCredentials(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: url })
  await listAll(store, '')
  t.equal(requests.length, 1)
  endpoint.intercept = (request) => request.headers['x-amz-security-token'] === 'token of id1' ? failure(403, 'AccessDenied') : undefined
  t.equal((await listAll(store, '')).length, 1)
  t.equal(requests.length, 2)
})

t.test('credentials are not renewed for each request that is refused', async (t) => {
  const { requests, url } = await startIssuer(t, asContainer(3_600_000))
  const { endpoint, store } = await setUpCredentials(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: url })
  endpoint.intercept = () => failure(403, 'InvalidAccessKeyId')
  for (let i = 0; i < 5; i++) {
    await Promise.all(Array.from({ length: 20 }, async () => await t.rejects(store.get('key'), { code: 'access_denied', message: /InvalidAccessKeyId: the server does not know the access key/ })))
    await t.rejects(listAll(store, ''), { code: 'access_denied' })
  }
  t.equal(requests.length, 2, 'at the start, and once in 30 seconds')
})

t.test('an object that may not be read is no reason to renew credentials', async (t) => {
  const { requests, url } = await startIssuer(t, asContainer(3_600_000))
  const { endpoint, store } = await setUpCredentials(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: url })
  endpoint.intercept = () => failure(403, 'AccessDenied')
  for (const name of ['get', 'head', 'stream', 'put'] as const) await t.rejects(OPERATIONS[name]!(store), { code: 'access_denied' })
  t.equal(requests.length, 1)
})

t.test('if the credentials of a web identity are refused, they are renewed with the current token of its file', async (t) => {
  const file = join(testFolder(t), 'token')
  writeFileSync(file, 'first-token')
  const { requests, url } = await startIssuer(t, (id) => `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>${id}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token of ${id}</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
    </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
  const { endpoint, store } = await setUpCredentials(t, { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/lake', AWS_ENDPOINT_URL_STS: url })
  t.equal((await listAll(store, '')).length, 1)
  writeFileSync(file, 'second-token')
  endpoint.intercept = (request) => accessKeyOf(request) === 'id1' ? failure(400, 'ExpiredToken') : undefined
  t.equal((await listAll(store, '')).length, 1)
  t.equal(await OPERATIONS['get']!(store), 'content')
  t.match(requests, [/WebIdentityToken=first-token/, /WebIdentityToken=second-token/])
})

t.test('if the credentials cannot be renewed, the reason of the refusal is reported', async (t) => {
  const file = join(testFolder(t), 'credentials')
  writeFileSync(file, '[default]\naws_access_key_id = first\naws_secret_access_key = secret\n')
  const { endpoint, store } = await setUpCredentials(t, { AWS_SHARED_CREDENTIALS_FILE: file })
  await listAll(store, '')
  writeFileSync(file, '')
  endpoint.intercept = () => failure(403, 'InvalidAccessKeyId')
  await t.rejects(listAll(store, ''), { code: 'access_denied', message: /InvalidAccessKeyId/ })
})

t.test('a source of credentials that fails is named as the cause', async (t) => {
  const { store } = await setUpCredentials(t, { AWS_WEB_IDENTITY_TOKEN_FILE: '/no token', AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/lake' })
  const expected = { code: 'access_denied', message: /: no credentials: their source failed \(ENOENT\): check AWS_CONFIG_FILE=\/no config, AWS_WEB_IDENTITY_TOKEN_FILE=\/no token$/ }
  await t.rejects(listAll(store, ''), expected)
  await t.rejects(store.get('key'), expected)
})

t.test('a clock that differs by an hour fails no request, not even a conditional write', async (t) => {
  for (const skewMs of [3_600_000, -3_600_000]) {
    const { bucket, store } = await setUpS3(t, { skewMs })
    const { etag } = await store.put('key', Buffer.from('one'), { ifMatch: null })
    await store.put('key', Buffer.from('two'), { ifMatch: etag })
    t.equal(String(bucket.get('key')?.body), 'two')
    for (const run of Object.values(OPERATIONS)) await run(store)
  }
})

t.test('a conditional write uses the clock offset that another request has found', async (t) => {
  const { endpoint, store } = await setUpS3(t, { skewMs: 3_600_000 })
  await listAll(store, '')
  endpoint.reset()
  await store.put('key', Buffer.from('one'), { ifMatch: null })
  t.equal(endpoint.counts.PUT, 1)
})

t.test('the message names the region of the bucket, also for requests whose responses have no body', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = () => ({ status: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' }, body: '<Error><Code>PermanentRedirect</Code></Error>' })
  const message = /HTTP 301 PermanentRedirect: the bucket is in the region eu-west-1: set AWS_REGION=eu-west-1/
  for (const [name, run] of Object.entries(OPERATIONS)) await t.rejects(run(store), { code: 'store_error', message }, name)
  await t.rejects(store.create(), { message })
  endpoint.intercept = () => ({ status: 400, body: '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>' })
  for (const [name, run] of Object.entries(OPERATIONS)) await t.rejects(run(store), { message: /the bucket is in the region eu-west-1/ }, name)
  await t.rejects(store.create(), { message: /the bucket is in the region eu-west-1/ })
})

t.test('every PUT has the MD5 of its body, as buckets with a default retention require', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  endpoint.intercept = ({ operation, headers }) => operation === 'PUT' && headers['content-md5'] === undefined ? failure(400, 'InvalidRequest') : undefined
  const { etag } = await store.put('key', Buffer.from('one'), { ifMatch: null })
  await store.put('key', Buffer.from('two'), { ifMatch: etag })
  await store.put('key', Buffer.from('three'))
  t.equal(String(bucket.get('key')?.body), 'three')
})
