import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { forEachConcurrently } from '../../lib/base/concurrent.js'
import { checkWritesInParts } from '../../lib/store/check-writes.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { deleteBucket } from '../support/real-bucket.js'
import { contract } from '../support/store-contract.js'
import { bodyOfParts, bytesOf } from '../support/streamed-bodies.js'

const { S3_TEST_ENDPOINT: endpoint, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, S3_TEST_STORE: name } = process.env
const skip = endpoint === undefined &&
  'set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY (and S3_TEST_STORE, its name) to test one'

/** A store whose bucket does not exist yet. The test creates it, and it is deleted after the test. */
function openMissing (t: Test): S3Store {
  const bucket = `userlake-test-${randomUUID()}`
  const store = new S3Store({ bucket, endpoint })
  t.teardown(async () => {
    await store.close()
    await deleteBucket(endpoint!, bucket)
  })
  return store
}

t.test(name ?? 'a real S3 server', { skip }, async t => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY })
  contract(t, {
    open: async (t, keys = []) => {
      const store = openMissing(t)
      await store.create()
      await forEachConcurrently(keys, 32, async key => { await store.put(key, Buffer.from(key)) })
      return store
    },
    openMissing: async t => openMissing(t),
    additionalKeys: ['line\nbreak']
  })

  t.test('a body in parts is written under its condition, unless the check finds that the store may ignore it', async (t) => {
    const store = openMissing(t)
    await store.create()
    const honours = await checkWritesInParts(store, 'probe')
    if (name === 'minio') t.equal(honours, true)
    t.comment(`${name ?? endpoint}: ${String(honours)}`)
    if (honours !== true) return
    let expected: string | null = null
    for (const parts of [['one'], Array.from({ length: 300 }, (_, i) => String.fromCharCode(97 + i % 26).repeat(120_000)), ['two']]) {
      const body = await bodyOfParts(parts)
      const { etag }: { readonly etag: string } = await store.put('key', body, { ifMatch: expected, metadata: { records: '7' }, inParts: true })
      t.match(await store.head('key'), { etag, size: body.length, metadata: { records: '7' } })
      const found = await store.get('key')
      t.ok(typeof found === 'object' && found.etag === etag && found.body.equals(await bytesOf(body)))
      for (const ifMatch of [null, expected ?? 'other']) await t.rejects(store.put('key', Buffer.from('of an older listing'), { ifMatch, inParts: true }), { code: 'precondition_failed' })
      expected = etag
    }
    const failure = new Error('of the source')
    const failing = await bodyOfParts(['one'], async function * () { throw failure })
    t.equal(await store.put('key', failing, { ifMatch: expected, inParts: true }).catch((error: unknown) => error), failure)
    t.match(await store.head('key'), { etag: expected })
  })
})
