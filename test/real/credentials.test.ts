import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeleteObjectsCommand, CreateBucketCommand, DeleteBucketCommand, ListObjectVersionsCommand, PutObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import '../support/file-timeout.js'
import { addLimitedUser, noLimitedUsers } from '../support/limited-user.js'
import { documentedPolicy } from '../support/policy.js'
import { createBucket } from '../support/new-bucket.js'
import { listAll } from '../support/store-contract.js'
import { testFolder } from '../support/test-folder.js'

const { S3_TEST_ENDPOINT: endpoint, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, S3_TEST_STORE: name = 'a real S3 server', S3_TEST_REGION: region } = process.env
const skip = endpoint === undefined && 'set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY (and S3_TEST_STORE, its name)'
// Set as in lib/store/s3/s3-client.ts, because these tests have clients of their own.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const OWNER = { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY }
const OUTPUT = 'processed_data/output.csv'

/** A store over a new bucket with one object. */
async function setUp (t: Test): Promise<{ bucket: string, store: S3Store }> {
  const { bucket, store } = await createBucket(t)
  await store.put('source_data/1.csv', Buffer.from('content'))
  return { bucket, store }
}

function open (t: Test, settings: { readonly bucket: string, readonly region?: string }): S3Store {
  const store = new S3Store({ endpoint, ...settings })
  t.teardown(() => store.close())
  return store
}

t.test(`credentials on ${name}`, { skip, timeout: 120_000 }, async (t) => {
  await t.test('after the keys in the file of credentials were replaced and their user was removed, each operation uses the new ones', { skip: noLimitedUsers }, async (t) => {
    const { bucket } = await setUp(t)
    const policy = documentedPolicy(bucket)
    const file = join(testFolder(t), 'credentials')
    const use = ({ accessKeyId, secretAccessKey }: { readonly accessKeyId: string, readonly secretAccessKey: string }) =>
      writeFileSync(file, `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`)
    const operations = [
      async (store: S3Store) => { t.equal((await listAll(store, 'source_data/')).length, 1) },
      async (store: S3Store) => { t.match(await store.get('source_data/1.csv'), { size: 7 }) },
      async (store: S3Store) => { t.match(await store.head('source_data/1.csv'), { size: 7 }) },
      async (store: S3Store) => { (await store.stream('source_data/1.csv'))!.body.resume() },
      async (store: S3Store) => { await store.put(OUTPUT, Buffer.from('new')) }
    ]
    for (const operation of operations) {
      const first = await addLimitedUser(t, bucket, policy)
      use(first)
      delete process.env.AWS_ACCESS_KEY_ID
      delete process.env.AWS_SECRET_ACCESS_KEY
      process.env.AWS_SHARED_CREDENTIALS_FILE = file
      const store = open(t, { bucket })
      await operation(store)
      use(await addLimitedUser(t, bucket, policy))
      first.remove()
      await operation(store)
    }
  })

  await t.test('the message names what to set', async (t) => {
    const { bucket } = await setUp(t)
    process.env.AWS_SECRET_ACCESS_KEY = 'wrong'
    const wrong = { code: 'access_denied', message: /HTTP 403 SignatureDoesNotMatch: the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the file of credentials$/ }
    await t.rejects(listAll(open(t, { bucket }), ''), wrong)
    await t.rejects(open(t, { bucket }).head('source_data/1.csv'), wrong)
    await t.rejects(open(t, { bucket }).put(OUTPUT, Buffer.from(''), { ifMatch: null }), wrong)
    process.env.AWS_ACCESS_KEY_ID = 'nobody'
    await t.rejects(open(t, { bucket }).head('source_data/1.csv'), { code: 'access_denied', message: /HTTP 403 InvalidAccessKeyId: the server does not know the access key/ })
    await t.rejects(listAll(open(t, { bucket }), ''), { code: 'access_denied', message: /InvalidAccessKeyId/ })
  })

  await t.test('the message names the region', { skip: region === undefined && 'set S3_TEST_REGION, the only region that the server accepts' }, async (t) => {
    const { bucket } = await setUp(t)
    const message = new RegExp(`the bucket is in the region ${region!}: set AWS_REGION=${region!}$`)
    await t.rejects(listAll(open(t, { bucket, region: 'eu-west-9' }), ''), { message })
    await t.rejects(open(t, { bucket, region: 'eu-west-9' }).head(OUTPUT), { message })
  })

  await t.test('a bucket with a default retention accepts what is published', async (t) => {
    Object.assign(process.env, OWNER)
    const Bucket = `userlake-test-${randomUUID()}`
    const client = new S3Client({ endpoint: endpoint!, region: 'us-east-1', forcePathStyle: true })
    t.teardown(() => client.destroy())
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    t.teardown(async () => {
      const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
      const Objects = Versions.map(({ Key, VersionId }) => ({ Key, VersionId }))
      await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects }, BypassGovernanceRetention: true }))
      await client.send(new DeleteBucketCommand({ Bucket }))
    })
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } } }))
    const store = open(t, { bucket: Bucket })
    const { etag } = await store.put(OUTPUT, Buffer.from('one'), { ifMatch: null })
    // In such buckets, Ceph RGW 16.2 refuses to replace an object by a conditional write, whatever the condition is.
    if (name !== 'ceph-rgw') await store.put(OUTPUT, Buffer.from('two'), { ifMatch: etag })
    await store.put(OUTPUT, Buffer.from('three'))
    t.match(await store.head(OUTPUT), { size: 5 })
  })
})
