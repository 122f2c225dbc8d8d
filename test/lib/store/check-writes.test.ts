import t from 'tap'
import { checkConditionalWrites, raceWrites } from '../../../lib/store/check-writes.js'
import { StoreError, type ObjectStore } from '../../../lib/store/object-store.js'
import { S3Store } from '../../../lib/store/s3/s3-store.js'
import { documentedPolicy } from '../../support/policy.js'
import { setUpS3 } from '../../support/s3-setup.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'
import { turns } from '../../support/until.js'

const KEY = 'processed_data/output.probe'

/** A store in memory whose writes are checked by `isMet`. */
function storeWith (isMet: (store: ObjectStore, key: string, ifMatch: string | null) => Promise<boolean>): ObjectStore {
  const store = new MemoryStore(new S3Bucket(Date.now))
  return wrapStore(store, {
    put: async (key, body, { ifMatch } = {}) => {
      if (ifMatch !== undefined && !await isMet(store, key, ifMatch)) throw new StoreError('precondition_failed', key)
      return await store.put(key, body)
    }
  })
}

const etagOf = async (store: ObjectStore, key: string) => (await store.head(key))?.etag ?? null

t.test('servers that honour the conditions of writes pass the check, also the second time and with the documented rights', async (t) => {
  for (const profile of ['aws', 'minio', 'rgw'] as const) {
    const { endpoint, store, bucket } = await setUpS3(t, { profile, policy: documentedPolicy('lake') })
    t.equal(await checkConditionalWrites(store, KEY), true, profile)
    t.equal(await checkConditionalWrites(store, KEY), true, profile)
    t.same(bucket.keys(), [KEY])
    t.equal(endpoint.counts.DELETE, 0)
  }
})

t.test('several processes check the same object at a time', async (t) => {
  const { endpoint } = await setUpS3(t)
  const stores = Array.from({ length: 4 }, () => new S3Store({ bucket: 'lake', endpoint: endpoint.url }))
  t.teardown(async () => { for (const store of stores) await store.close() })
  const results = await Promise.all(stores.map(async (store) => await checkConditionalWrites(store, KEY)))
  t.notOk(results.includes(false))
  t.ok(results.includes(true), 'at least one of them has won a round')
})

t.test('a server that ignores conditions is found', async (t) => {
  const { store } = await setUpS3(t, { profile: 'unconditional' })
  t.equal(await checkConditionalWrites(store, KEY), false)
})

t.test('a server that checks conditions before it locks the object is found', async (t) => {
  const store = storeWith(async (store, key, ifMatch) => {
    const isMet = await etagOf(store, key) === ifMatch
    await turns(1)
    return isMet
  })
  t.equal(await checkConditionalWrites(store, KEY), false)
})

t.test('a server that ignores one of the two conditions is found', async (t) => {
  for (const ignored of ['If-Match', 'If-None-Match']) {
    const store = storeWith(async (store, key, ifMatch) => await etagOf(store, key) === ifMatch || (ifMatch === null) === (ignored === 'If-None-Match'))
    t.equal(await checkConditionalWrites(store, KEY), false, ignored)
  }
})

t.test('if writing fails, the result is not known; if it is refused, that is the error, after one request', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 500 } : undefined
  t.equal(await checkConditionalWrites(store, KEY), undefined)
  endpoint.reset()
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 403 } : undefined
  await t.rejects(checkConditionalWrites(store, KEY), { code: 'access_denied' })
  t.equal(endpoint.counts.PUT, 1)
  endpoint.intercept = () => 'drop'
  t.equal(await checkConditionalWrites(store, KEY), undefined)
})

t.test('of 16 writers whose responses get lost or are refused at random, one knows that it has won', async (t) => {
  const { endpoint, store, bucket } = await setUpS3(t)
  let seed = 1
  const random = () => { seed = seed * 48271 % 2147483647; return seed / 2147483647 }
  endpoint.intercept = ({ operation }) => {
    const dice = operation === 'PUT' ? random() : 1
    return dice < 0.2 ? 'commit then drop' : dice < 0.3 ? 'drop' : dice < 0.4 ? { status: 503 } : dice < 0.5 ? { status: 409 } : undefined
  }
  let [expected, won]: [string | null, number] = [null, 0]
  for (let round = 1; round <= 20; round++) {
    const { winners } = await raceWrites(store, KEY, expected, Array.from({ length: 16 }, (_, i) => `round ${round}, writer ${i}`))
    const current = bucket.get(KEY)
    const isReplaced = (current?.etag ?? null) !== expected
    t.equal(winners.length, isReplaced ? 1 : 0, `round ${round}`)
    if (isReplaced) {
      won++
      t.same(winners, [{ body: current!.body.toString(), etag: current!.etag }])
    }
    expected = current?.etag ?? null
  }
  t.ok(won > 15)
})
