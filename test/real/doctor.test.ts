import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, DeleteBucketCommand, ListObjectsV2Command, ListObjectVersionsCommand, PutBucketVersioningCommand, PutObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { main as doctor } from '../../scripts/doctor.js'
import { main as seed } from '../../scripts/seed.js'
import '../support/file-timeout.js'
import { addLimitedUser, noLimitedUsers } from '../support/limited-user.js'
import { documentedPolicy } from '../support/policy.js'
import { deleteBucket } from '../support/real-bucket.js'
import { runMain } from '../support/run-main.js'

const { S3_TEST_ENDPOINT: endpoint, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, S3_TEST_STORE: name = 'a real S3 server' } = process.env
const skip = endpoint === undefined && 'set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY (and S3_TEST_STORE, its name)'
// Set as in lib/store/s3/s3-client.ts, because these tests have clients of their own.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const OWNER = { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY }
const env = { AWS_ENDPOINT_URL_S3: endpoint }

function connect (t: Test): S3Client {
  Object.assign(process.env, OWNER)
  const client = new S3Client({ endpoint: endpoint!, region: 'us-east-1', forcePathStyle: true })
  t.teardown(() => client.destroy())
  return client
}

t.test(`the doctor on ${name}`, { skip, timeout: 120_000 }, async (t) => {
  await t.test('each check is passed, and nothing is left behind; the rights of the service are enough to read', async (t) => {
    const client = connect(t)
    const bucket = `userlake-test-${randomUUID()}`
    t.teardown(async () => {
      Object.assign(process.env, OWNER)
      await deleteBucket(endpoint!, bucket)
    })
    await runMain(seed, ['--from', 'seed-data', '--lake', `s3://${bucket}`], env)
    const { code, out } = await runMain(doctor, ['--lake', `s3://${bucket}`], env)
    t.equal(code, 0, out)
    t.equal(out.match(/^ {2}.{34} yes(:|$)/gm)?.length, 18, out)
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
    t.equal(Contents.length, 193, 'the files that were uploaded before')
    await t.test('with the rights of the service', { skip: noLimitedUsers }, async (t) => {
      const { accessKeyId, secretAccessKey } = await addLimitedUser(t, bucket, documentedPolicy(bucket))
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
      const limited = await runMain(doctor, ['--lake', `s3://${bucket}`], env)
      t.equal(limited.code, 0, limited.out)
      t.match(limited.out, /records are served +yes\n/)
      t.match(limited.out, /write processed_data\/\* +yes: .*; no more is tested, because .*: the credentials do not allow s3:DeleteObject/)
    })
  })

  await t.test('no version is left behind in a bucket with versions', async (t) => {
    const client = connect(t)
    const Bucket = `userlake-test-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket }))
    t.teardown(() => client.send(new DeleteBucketCommand({ Bucket })))
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const { out } = await runMain(doctor, ['--lake', `s3://${Bucket}`], env)
    t.match(out, /write processed_data\/\* +yes\n/)
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
    t.same([...Versions, ...DeleteMarkers], [])
    t.match(out, name === 'ceph-rgw' ? /conditional writes +no: / : /conditional writes +yes\n/)
  })

  await t.test('nothing is written to a bucket that retains objects', async (t) => {
    const client = connect(t)
    const Bucket = `userlake-test-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    t.teardown(() => client.send(new DeleteBucketCommand({ Bucket })))
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } } }))
    const { code, out } = await runMain(doctor, ['--lake', `s3://${Bucket}`], env)
    t.equal(code, 0)
    t.match(out, /write processed_data\/\* +yes: .*; no more is tested, because .*: the bucket retains every object for some time/)
    t.notOk((await client.send(new ListObjectVersionsCommand({ Bucket }))).Versions)
  })
})
