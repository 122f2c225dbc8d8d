import t from 'tap'
import { STORE_OPERATIONS, type StoreOperation } from '../../../lib/base/events.js'
import { MeasuredStore } from '../../../lib/store/measured-store.js'
import { StoreError, type ObjectStore } from '../../../lib/store/object-store.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore } from '../../support/stores.js'

function open (change: Partial<ObjectStore> = {}) {
  const bucket = new S3Bucket(() => 0)
  bucket.put('a', 'x')
  const inner = new MemoryStore(bucket)
  return new MeasuredStore(Object.assign(inner, change))
}

async function listAll (store: ObjectStore): Promise<void> {
  for await (const page of store.list('')) page.at(0)
}

async function recording (work: () => Promise<unknown>): Promise<Omit<StoreOperation, 'durationMs'>[]> {
  const seen: StoreOperation[] = []
  const end = STORE_OPERATIONS.subscribe((message) => seen.push(message))
  await work()
  end()
  return seen.map(({ durationMs, ...operation }) => {
    if (!(durationMs >= 0)) throw new Error(`${durationMs} is no duration`)
    return operation
  })
}

t.test('each operation is published with its outcome', async (t) => {
  const store = open()
  const { etag } = await store.put('a', Buffer.from('z'))
  t.same(await recording(() => store.get('a')), [{ operation: 'get', outcome: 'ok' }])
  t.same(await recording(() => store.get('a', { ifNoneMatch: etag })), [{ operation: 'get', outcome: 'unchanged' }])
  t.same(await recording(() => store.get('missing')), [{ operation: 'get', outcome: 'missing' }])
  t.same(await recording(() => store.head('a')), [{ operation: 'head', outcome: 'ok' }])
  t.same(await recording(async () => { (await store.stream('a'))!.body.destroy() }), [{ operation: 'stream', outcome: 'ok' }])
  t.same(await recording(() => store.put('a', Buffer.from('q'), { ifMatch: 'other' }).catch(() => {})), [{ operation: 'put', outcome: 'precondition_failed' }])
  t.same(await recording(() => listAll(store)), [{ operation: 'list', outcome: 'ok' }])
  t.same(await recording(async () => { for await (const page of store.list('')) if (page.length > 0) break }), [{ operation: 'list', outcome: 'ok' }], 'a listing that its reader ends')
})

t.test('failures are published with their codes and passed on', async (t) => {
  const failing = (error: Error) => open({
    get: async () => { throw error },
    async * list () { throw error }
  })
  const timeout = new StoreError('timeout', 'late')
  const store = failing(timeout)
  t.same(await recording(() => t.rejects(store.get('a'), timeout)), [{ operation: 'get', outcome: 'timeout' }])
  t.same(await recording(() => t.rejects(listAll(store), timeout)), [{ operation: 'list', outcome: 'timeout' }])
  t.same(await recording(() => t.rejects(failing(new Error('bug')).get('a'))), [{ operation: 'get', outcome: 'internal_error' }])
})

t.test('without a subscriber, nothing is measured', async (t) => {
  const promise = Promise.resolve(undefined)
  const list = { async * [Symbol.asyncIterator] () {} }
  const store = open({ get: () => promise, list: () => list })
  t.equal(store.get('a'), promise)
  t.equal(store.list(''), list)
})
