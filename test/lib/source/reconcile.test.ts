import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { EtagCache } from '../../../lib/source/etag-cache.js'
import type { Quarantine, QuarantineEntry } from '../../../lib/source/quarantine.js'
import { selectEntries } from '../../../lib/source/quarantine-page.js'
import { reconcile, type ReconcileProgress, type Reconciled } from '../../../lib/source/reconcile.js'
import { ObjectList } from '../../../lib/store/object-list.js'
import { FolderStore } from '../../../lib/store/folder/folder-store.js'
import { StoreError, type ObjectStore } from '../../../lib/store/object-store.js'
import { S3Store } from '../../../lib/store/s3/s3-store.js'
import { csv, objectKeyOf, PNG, TestClock } from '../../support/app.js'
import { script, versionOf } from '../../support/faults.js'
import { startS3Endpoint } from '../../support/s3-endpoint.js'
import { mapInfo, wrapStore } from '../../support/stores.js'
import { rowsOf, type UserRow } from '../../support/tables.js'
import { testFolder } from '../../support/test-folder.js'
import { turns } from '../../support/until.js'

const rules = { prefix: 'source_data/', ownKeys: ['processed_data/output.csv'], imageExtensions: ['png'], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema: USERS_SCHEMA, timeZone: 'UTC' } as const

/** A bucket, and a function that reconciles a state with it. */
async function setUp (t: Test, files: Record<string, string | Buffer> = {}) {
  const clock = new TestClock()
  const endpoint = await startS3Endpoint({ clock: clock.read })
  const bucket = endpoint.bucket('lake')
  for (const [name, body] of Object.entries(files)) bucket.put(objectKeyOf(name), body)
  // The time limits of reconcile end downloads, not that of the store.
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url, deadlineMs: 3_600_000 })
  t.teardown(async () => {
    await store.close()
    await endpoint.stop()
  })
  return { endpoint, bucket, store, ...overStore(store, clock) }
}

function overStore (store: ObjectStore, clock: TestClock) {
  const cache = new EtagCache()
  let quarantine: Quarantine | undefined
  const run = async (onProgress?: (progress: ReconcileProgress) => void, isRequired = false): Promise<Outcome> => {
    const result = await reconcile(store, cache.state, clock.monotonic, { rules, isRequired, quarantine, ...onProgress && { onProgress } })
    cache.replace(result.state)
    quarantine = result.quarantine
    return { ...result, rows: rowsOf(result.state.table), rejects: selectEntries(quarantine, {}).entries() }
  }
  return { clock, cache, run }
}

type Outcome = Reconciled & { readonly rows: readonly UserRow[], readonly rejects: readonly QuarantineEntry[] }

const names = ({ rows }: Outcome) => Object.fromEntries(rows.map((row) => [row.user_id, row.first_name]))
const codes = ({ rejects }: Outcome) => Object.fromEntries(rejects.map(({ key, code }) => [key.replace('source_data/', ''), code]))

t.test('downloads what changed and nothing else; a state that did not change stays the same object', async (t) => {
  const { endpoint, bucket, run, cache } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '2.png': PNG })
  const progress: ReconcileProgress[] = []
  const first = await run((step) => progress.push(step))
  t.same(names(first), { 1: 'Ann', 2: 'Bob' })
  t.same(progress[0], { listed: 3, requests: 1, toFetch: 0, fetched: 0 })
  t.same(progress.at(-1), { listed: 3, requests: 1, toFetch: 2, fetched: 2 })
  t.equal(cache.state, first.state)
  const second = await run()
  t.equal(endpoint.counts.GET, 2)
  t.equal(second.state, first.state)
  bucket.put('source_data/1.csv', csv('Amy'))
  bucket.delete('source_data/2.png')
  const third = await run()
  t.equal(endpoint.counts.GET, 3)
  t.same(third.rows.map((row) => [row.first_name, row.img_path]), [['Amy', null], ['Bob', null]])
  bucket.delete('source_data/1.csv')
  t.same(names(await run()), { 2: 'Bob' })
  t.equal(endpoint.counts.GET, 3)
})

t.test('the previous state stays unchanged', async (t) => {
  const { store, cache, clock, bucket } = await setUp(t, { '1.csv': csv() })
  cache.replace((await reconcile(store, cache.state, clock.monotonic, { rules })).state)
  bucket.put('source_data/2.csv', csv())
  await reconcile(store, cache.state, clock.monotonic, { rules })
  t.equal(cache.state.table.length, 1)
})

t.test('a failed listing changes nothing', async (t) => {
  const { endpoint, run, cache } = await setUp(t, { '1.csv': csv() })
  await run()
  for (const body of ['', '<html><body>Welcome</body></html>', '{}', '<ListBucketResult><Name>lake</Name></ListBucketResult>']) {
    endpoint.intercept = () => ({ status: 200, headers: {}, body })
    await t.rejects(run(), { code: 'invalid_listing' }, body)
  }
  t.equal(cache.state.table.length, 1)
})

t.test('preconditions of outputs are read before the listing begins; a failure to read one does not fail the reconcile', async (t) => {
  const { endpoint, bucket, store, clock, cache } = await setUp(t, { '1.csv': csv(), 'processed_data/output.csv': 'old' })
  const operations: string[] = []
  endpoint.intercept = ({ operation, key }) => {
    operations.push(operation)
    if (key === 'processed_data/hidden.csv') return { status: 403, headers: {}, body: '' }
    return key === 'processed_data/broken.csv' ? { status: 400, headers: {}, body: '' } : undefined
  }
  const outputKeys = ['processed_data/output.csv', 'processed_data/new.csv', 'processed_data/hidden.csv', 'processed_data/broken.csv']
  const { preconditions, state } = await reconcile(store, cache.state, clock.monotonic, { rules, outputKeys })
  t.ok(operations.lastIndexOf('HEAD') < operations.indexOf('LIST'))
  t.equal(operations[0], 'HEAD')
  t.match(preconditions.get('processed_data/output.csv'), { expectedEtag: bucket.get('processed_data/output.csv')!.etag })
  t.match(preconditions.get('processed_data/new.csv'), { expectedEtag: null })
  t.match(preconditions.get('processed_data/hidden.csv'), { expectedEtag: null }, 'a refusal may mean that the object does not exist')
  t.match(preconditions.get('processed_data/broken.csv'), { code: 'store_error', message: String })
  t.equal(state.table.length, 1)
})

t.test('a failed download keeps the last good record and is retried', async (t) => {
  const { endpoint, bucket, run } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob') })
  await run()
  bucket.put('source_data/1.csv', csv('Amy'))
  bucket.put('source_data/3.csv', csv('Cid'))
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key !== 'source_data/2.csv' ? { status: 500, headers: {}, body: '' } : undefined
  const failed = await run()
  t.same(names(failed), { 1: 'Ann', 2: 'Bob' })
  t.same(failed.failed, ['source_data/1.csv', 'source_data/3.csv'])
  t.match(failed.rejects, [{ code: 'download_failed', last_good: { key: 'source_data/1.csv' } }, { code: 'download_failed', last_good: null }])
  endpoint.reset()
  const healed = await run()
  t.same(names(healed), { 1: 'Amy', 2: 'Bob', 3: 'Cid' })
  t.same(healed.failed, [])
  t.same(endpoint.gets.sort(), ['source_data/1.csv', 'source_data/3.csv'])
})

t.test('a response that is not the object is a failed download, not a reject', async (t) => {
  const { endpoint, bucket, run } = await setUp(t, { '1.csv': csv('Ann') })
  await run()
  bucket.put('source_data/1.csv', csv('Amy'))
  for (const body of ['<html><body>Sign in</body></html>', '']) {
    endpoint.intercept = ({ operation }) => operation === 'GET' ? { status: 200, headers: { 'content-type': 'text/html' }, body } : undefined
    const failed = await run()
    t.match(failed.rejects, [{ code: 'download_failed', detail: /corrupt/ }])
    t.same(names(failed), { 1: 'Ann' })
  }
})

/** Refuses to return the info files with these ids. */
const refuse = (ids: readonly string[], status: number, code: string) => ({ operation, key }: { readonly operation: string, readonly key: string }) =>
  operation === 'GET' && ids.some((id) => key === objectKeyOf(`${id}.csv`)) ? { status, headers: {}, body: `<Error><Code>${code}</Code></Error>` } : undefined

t.test('an object that the store refuses is a reject with its last good record, does not make outputs wait, and is retried at growing intervals', async (t) => {
  for (const [status, code, hint] of [[403, 'AccessDenied', /Allow the credentials/], [403, 'InvalidObjectState', /archived/], [400, 'InvalidRequest', /SSE-C/]] as const) {
    const { endpoint, bucket, run, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') })
    await run()
    bucket.put('source_data/1.csv', csv('Amy'))
    endpoint.intercept = refuse(['1'], status, code)
    const refused = await run()
    t.same(names(refused), { 1: 'Ann', 2: 'Bob', 3: 'Cid' })
    t.match(refused.rejects, [{ code: 'unreadable', detail: new RegExp(`HTTP ${status} ${code}`), hint, last_good: { key: 'source_data/1.csv' } }])
    t.same([refused.failed, refused.coverage], [[], { infoFiles: 3, unread: 0 }])
    t.match(refused.warnings, [{ code: 'unreadable_files', detail: /^1 of 3 info files cannot be read/ }])
    const attempts = async (ms: number) => {
      clock.advance(ms)
      endpoint.gets.length = 0
      await run()
      return endpoint.gets.length > 0
    }
    t.same([await attempts(9999), await attempts(1), await attempts(19_999), await attempts(1)], [false, true, false, true])
    clock.advance(10_000)
    endpoint.reset()
    t.same(names(await run()), { 1: 'Ann', 2: 'Bob', 3: 'Cid' })
    const healed = await run(undefined, true)
    t.same([names(healed), healed.rejects], [{ 1: 'Amy', 2: 'Bob', 3: 'Cid' }, []], 'a required reconcile does not wait for the end of a long pause')
  }
})

t.test('if half of the info files are refused, that is a failure of rights: outputs wait, and the files count as unread', async (t) => {
  const { endpoint, run, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid'), 'bad.csv': 'bad' })
  endpoint.intercept = refuse(['1', '2'], 403, 'AccessDenied')
  const half = await run()
  t.same(codes(half), { '1.csv': 'download_failed', '2.csv': 'download_failed', 'bad.csv': 'missing_column' })
  t.same([half.failed, half.coverage], [['source_data/1.csv', 'source_data/2.csv'], { infoFiles: 4, unread: 2 }])
  t.match(half.warnings, [{ code: 'files_not_read', detail: /^2 of 4 info files could not be read, such as source_data\/1\.csv: .*HTTP 403 AccessDenied.*Allow the credentials/ }])
  endpoint.intercept = refuse(['1'], 403, 'AccessDenied')
  clock.advance(10_000)
  const one = await run()
  t.same([codes(one), one.failed, one.coverage], [{ '1.csv': 'unreadable', 'bad.csv': 'missing_column' }, [], { infoFiles: 4, unread: 0 }])
})

t.test('outputs wait for a minute for a file that fails for a passing reason, which is then a reject', async (t) => {
  const { endpoint, bucket, run, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') })
  await run()
  bucket.put('source_data/1.csv', csv('Amy'))
  endpoint.intercept = refuse(['1'], 500, 'InternalError')
  t.same((await run()).failed, ['source_data/1.csv'])
  clock.advance(59_999)
  t.same((await run()).failed, ['source_data/1.csv'])
  bucket.put('source_data/1.csv', csv('Abe'))
  clock.advance(1)
  const givenUp = await run()
  t.same([names(givenUp), givenUp.failed], [{ 1: 'Ann', 2: 'Bob', 3: 'Cid' }, []], 'a new version does not restart the minute')
  t.match(givenUp.rejects, [{ code: 'unreadable', detail: /HTTP 500 InternalError/, last_good: { key: 'source_data/1.csv' } }])
  endpoint.reset()
  clock.advance(10_000)
  t.same(names(await run()), { 1: 'Abe', 2: 'Bob', 3: 'Cid' })
})

t.test('an object that is listed and cannot be found is deleted only if it is not listed again', async (t) => {
  const { endpoint, bucket, run, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') })
  await run()
  bucket.put('source_data/1.csv', csv('Amy'))
  bucket.put('source_data/1.csv.gz', Buffer.from('listed after it'))
  endpoint.reset()
  endpoint.intercept = refuse(['1'], 404, 'NoSuchKey')
  const missing = await run()
  t.same(names(missing), { 1: 'Ann', 2: 'Bob', 3: 'Cid' }, 'the last good record stays')
  t.match(missing.rejects, [{ code: 'unreadable', detail: /\(not found, although it is listed\)/, hint: /does not return it: upload the file again/, last_good: { key: 'source_data/1.csv' } }, { code: 'duplicate_id' }])
  t.same([missing.failed, missing.requests, endpoint.counts.LIST], [[], 2, 2])
  await run()
  t.equal(endpoint.counts.LIST, 3, 'it is not requested again at once')
  bucket.delete('source_data/1.csv')
  bucket.delete('source_data/1.csv.gz')
  t.same(names(await run()), { 2: 'Bob', 3: 'Cid' })
  bucket.put('source_data/2.csv', csv('Ben'))
  endpoint.intercept = ({ operation, key }) => {
    if (operation === 'GET') bucket.delete(key)
    return undefined
  }
  const deleted = await run()
  t.same([names(deleted), deleted.rejects, deleted.failed], [{ 3: 'Cid' }, [], []], 'it was deleted after the listing')
  endpoint.intercept = undefined
  bucket.put('source_data/3.csv', csv('Cy'))
  endpoint.intercept = (request) => {
    if (request.operation !== 'GET') return undefined
    endpoint.intercept = undefined
    return refuse(['3'], 404, 'NoSuchKey')(request)
  }
  clock.advance(1)
  t.same(names(await run()), { 3: 'Cy' }, 'it was replaced between the listing and the download')
})

t.test('outputs wait for a file that is deleted, uploaded again with the same content, and deleted while it is read', async (t) => {
  const { endpoint, bucket, run, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') })
  const upload = () => bucket.put('source_data/1.csv', csv('Ann'))
  endpoint.intercept = ({ operation, key }) => {
    if (operation === 'GET' && key === 'source_data/1.csv') bucket.delete(key)
    else if (operation === 'LIST' && endpoint.counts.LIST > 1) {
      clock.advance(1000)
      upload()
    }
    return undefined
  }
  const missed = await run()
  t.equal(endpoint.counts.LIST, 2)
  t.same([names(missed), codes(missed), missed.failed], [{ 2: 'Bob', 3: 'Cid' }, { '1.csv': 'download_failed' }, ['source_data/1.csv']])
  endpoint.intercept = undefined
  upload()
  const next = await run()
  t.same([names(next), next.rejects], [{ 1: 'Ann', 2: 'Bob', 3: 'Cid' }, []])
})

t.test('if listings and responses have different ETags, each file is downloaded twice, and not at each refresh', async (t) => {
  const { store, bucket, endpoint, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': 'bad' })
  const listedEtag = ({ etag }: { readonly etag: string }) => `listed-${etag}`
  const { run } = overStore(wrapStore(store, {
    list: async function * (prefix, options) {
      for await (const page of store.list(prefix, options)) yield new ObjectList([...page].map((object) => ({ ...object, etag: listedEtag(object) })))
    }
  }), clock)
  for (let i = 0; i < 4; i++) await run()
  t.same(endpoint.gets.sort(), ['source_data/1.csv', 'source_data/1.csv', 'source_data/2.csv', 'source_data/2.csv'])
  bucket.put('source_data/1.csv', csv('Amy'))
  t.same(names(await run()), { 1: 'Amy' })
  for (let i = 0; i < 3; i++) t.same(names(await run()), { 1: 'Amy' })
  t.equal(endpoint.counts.GET, 6)
})

t.test('a stalled download times out, is retried after a pause, and delays nothing', async (t) => {
  const { endpoint, bucket, run, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob') })
  await run()
  bucket.put('source_data/1.csv', csv('Amy'))
  bucket.put('source_data/2.csv', csv('Ben'))
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/1.csv' ? 'stall body' : undefined
  const first = await run()
  t.same(names(first), { 1: 'Ann', 2: 'Ben' })
  t.match(first.rejects, [{ code: 'download_failed', detail: /timeout/ }])
  bucket.put('source_data/2.csv', csv('Bill'))
  endpoint.gets.length = 0
  clock.advance(5000)
  const second = await run()
  t.same(names(second), { 1: 'Ann', 2: 'Bill' })
  t.same(endpoint.gets, ['source_data/2.csv'], 'it is not requested during the pause')
  t.same(second.failed, ['source_data/1.csv'], 'and is reported as failed')
  endpoint.intercept = undefined
  t.same(names(await run(undefined, true)), { 1: 'Amy', 2: 'Bill' }, 'with isRequired it is requested in spite of the pause')
  bucket.put('source_data/1.csv', csv('Axel'))
  endpoint.intercept = ({ operation }) => operation === 'GET' ? 'stall body' : undefined
  await run()
  endpoint.intercept = undefined
  clock.advance(10_000)
  t.same(names(await run()), { 1: 'Axel', 2: 'Bill' }, 'it is requested after the pause')
  t.same((await run()).failed, [])
})

t.test('an object that changes between the listing and the download has the downloaded version', async (t) => {
  const { endpoint, bucket, run } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') })
  endpoint.intercept = ({ operation, key }) => {
    if (operation === 'GET' && key.endsWith('1.csv')) bucket.put('source_data/1.csv', csv('Later'))
    if (operation === 'GET' && key.endsWith('2.csv')) bucket.delete('source_data/2.csv')
    if (operation === 'GET' && key.endsWith('3.csv')) bucket.put('source_data/3.csv', 'bad')
    return undefined
  }
  const result = await run()
  t.same(names(result), { 1: 'Later' }, 'a deleted object has no record')
  t.same(result.failed, [])
  const bad = [{ key: 'source_data/3.csv', etag: bucket.get('source_data/3.csv')!.etag, code: 'missing_column' }]
  t.match(result.rejects, bad)
  endpoint.reset()
  const again = await run()
  t.same(names(again), { 1: 'Later' })
  t.match(again.rejects, bad)
  t.equal(endpoint.counts.GET, 0, 'the state contains the ETag of the body, not that of the listing')
})

t.test('if a store still returns the old version of an object, the new one is read after the next listing', async (t) => {
  const { endpoint, bucket, run, clock } = await setUp(t, { '1.csv': csv('Ann') })
  await run()
  const old = bucket.get('source_data/1.csv')!
  clock.advance(5000)
  bucket.put('source_data/1.csv', csv('Amy'))
  for (const attempt of ['first', 'second']) {
    endpoint.intercept = script({ on: 'GET', fault: versionOf(old) })
    const stale = await run()
    t.same([names(stale), stale.rejects], [{ 1: 'Ann' }, []], attempt)
  }
  endpoint.reset()
  t.same(names(await run()), { 1: 'Amy' })
  await run()
  t.equal(endpoint.counts.GET, 1)
})

t.test('if a store lists an old state, no old content is served, and what that listing lacks is missing until the next one', async (t) => {
  const { store, bucket, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob') })
  let old: ObjectList[] | undefined
  const { run } = overStore(wrapStore(store, {
    list: async function * (prefix, options) {
      // Listings of single keys are current: they decide whether an object exists that cannot be found.
      yield * old !== undefined && prefix === rules.prefix ? old : store.list(prefix, options)
    }
  }), clock)
  const pages: ObjectList[] = []
  for await (const page of store.list(rules.prefix)) pages.push(page)
  t.same(names(await run()), { 1: 'Ann', 2: 'Bob' })
  clock.advance(5000)
  bucket.put('source_data/1.csv', csv('Amy'))
  bucket.delete('source_data/2.csv')
  bucket.put('source_data/3.csv', csv('Cid'))
  const current = await run()
  t.same(names(current), { 1: 'Amy', 3: 'Cid' })
  old = pages
  const outdated = await run()
  t.same([names(outdated), outdated.rejects.map(({ code }) => code), outdated.failed], [{ 1: 'Amy' }, [], []])
  old = undefined
  const next = await run()
  t.same(next.rows, current.rows)
  t.equal(next.state.table.version, current.state.table.version)
})

t.test('a change of size alone is a new version', async (t) => {
  const { store, bucket, endpoint, clock } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': 'bad' })
  const { run } = overStore(mapInfo(store, (info) => ({ ...info, etag: 'same' })), clock)
  await run()
  endpoint.reset()
  await run()
  t.equal(endpoint.counts.GET, 0)
  bucket.put('source_data/1.csv', csv('Anna'))
  t.same(names(await run()), { 1: 'Anna' })
  bucket.put('source_data/2.csv', csv('Bob'))
  t.same(names(await run()), { 1: 'Anna', 2: 'Bob' })
  t.same(endpoint.gets.sort(), ['source_data/1.csv', 'source_data/2.csv'])
})

t.test('the last good record follows the id, not the key', async (t) => {
  const { bucket, endpoint, run } = await setUp(t, { 'source_data/team/1.csv': csv('Good') })
  await run()
  bucket.put('source_data/1.csv', 'bad')
  const bad = await run()
  t.same(names(bad), { 1: 'Good' })
  t.same(codes(bad), { '1.csv': 'missing_column', 'team/1.csv': 'duplicate_id' })
  t.match(bad.rejects[0]!.last_good, { key: 'source_data/team/1.csv' })
  bucket.delete('source_data/1.csv')
  endpoint.reset()
  const restored = await run()
  t.same(names(restored), { 1: 'Good' })
  t.same(restored.rejects, [])
  t.equal(endpoint.counts.GET, 0, 'the version that is served is not downloaded again')
})

t.test('of two files with the same id, the one that is not chosen is rejected with a reason that follows the state of the other', async (t) => {
  const { bucket, run } = await setUp(t, { 'source_data/a/7.csv': 'bad', 'source_data/b/7.csv': csv('Good') })
  const reasonOf = ({ rejects }: Outcome) => rejects.find(({ key }) => key === 'source_data/b/7.csv')
  const bad = await run()
  t.same(codes(bad), { 'a/7.csv': 'missing_column', 'b/7.csv': 'duplicate_id' })
  t.match(reasonOf(bad), {
    detail: /^source_data\/a\/7\.csv has the same id and comes first \(its key is shorter, .*\), but is itself rejected \(missing_column\)$/,
    hint: 'Keep this file: it is served once source_data/a/7.csv is deleted. Or correct source_data/a/7.csv, as its own entry says'
  })
  t.equal((await run()).quarantine, bad.quarantine, 'an unchanged quarantine is the same object')
  bucket.put('source_data/a/7.csv', csv('Better'))
  const corrected = await run()
  t.same(names(corrected), { 7: 'Better' })
  t.match(reasonOf(corrected), {
    detail: /^source_data\/a\/7\.csv has the same id and is served: its key is shorter, /,
    hint: /^The id is the name of the file, without its folder: if the two files are different records, rename one of them; if they are the same record, delete one of them, or set DUPLICATES=newest, which serves the newer one$/
  })
  bucket.put('source_data/a/7.csv', '')
  const worse = await run()
  t.same(names(worse), { 7: 'Better' })
  t.match(reasonOf(worse)?.detail, /rejected \(empty_file\)$/, 'also while the last good record is served')
  bucket.delete('source_data/a/7.csv')
  const deleted = await run()
  t.same(names(deleted), { 7: 'Good' })
  t.same(deleted.rejects, [])
})

t.test('an entity whose only file is invalid has no record, and the file is downloaded once', async (t) => {
  const { endpoint, run } = await setUp(t, { '1.csv': 'bad' })
  for (let i = 0; i < 3; i++) t.same((await run()).rows, [])
  t.equal(endpoint.counts.GET, 1)
})

t.test('a file above the size limit is not downloaded, and a download stops at the limit if the body is longer than listed', async (t) => {
  const huge = csv('x'.repeat(1024 * 1024))
  const { endpoint, bucket, run } = await setUp(t, { '1.csv': csv('Ann'), '2.csv': csv() })
  await run()
  bucket.put('source_data/1.csv', huge)
  const result = await run()
  t.equal(endpoint.counts.GET, 2)
  t.same(codes(result), { '1.csv': 'too_large' })
  t.same(names(result)[1], 'Ann')
  bucket.put('source_data/2.csv', csv('Bob'))
  endpoint.intercept = ({ operation }) => {
    if (operation === 'GET') bucket.put('source_data/2.csv', huge)
    return undefined
  }
  t.same(codes(await run()), { '1.csv': 'too_large', '2.csv': 'too_large' })
})

t.test('a lake has at most 256 undeclared columns, regardless of the order in which files are added', async (t) => {
  const wide = (from: number, count: number) => {
    const columns = Array.from({ length: count }, (_, i) => `c${from + i}`)
    return `first_name,last_name,birthts,${columns.join(',')}\nA,B,0,${columns.join(',')}\n`
  }
  // 4 x 61 make 244
  const files = { 'a.csv': wide(0, 61), 'b.csv': wide(61, 61), 'c.csv': wide(122, 61), 'd.csv': wide(183, 61), 'e.csv': wide(244, 12) }
  const { bucket, endpoint, clock, run } = await setUp(t, files)
  t.same(codes(await run()), {})
  clock.advance(1000)
  bucket.put('source_data/e.csv', wide(244, 13))
  const over = await run()
  t.same(codes(over), { 'e.csv': 'too_many_lake_columns' })
  t.match(over.rows.at(-1), { user_id: 'e', undeclared: { c244: 'c244' } }, 'the last good record is still served')
  clock.advance(1000)
  bucket.put('source_data/0.csv', wide(900, 2))
  const full = { '0.csv': 'too_many_lake_columns', 'e.csv': 'too_many_lake_columns' }
  bucket.put('source_data/1.csv', csv('Plain'))
  const later = await run()
  t.same(codes(later), full, 'a new record does not displace the columns of an earlier one')
  t.same(later.rows.map((row) => row.user_id), ['1', 'a', 'b', 'c', 'd', 'e'])
  const replica = overStore(new S3Store({ bucket: 'lake', endpoint: endpoint.url }), clock)
  t.same(codes(await replica.run()), { 'e.csv': 'too_many_lake_columns' }, 'without the last good record there is room for two columns')
  bucket.delete('source_data/a.csv')
  endpoint.reset()
  const healed = await run()
  t.same(codes(healed), {})
  t.equal(Object.keys(healed.rows.at(-1)!.undeclared).length, 13)
  t.equal(endpoint.counts.GET, 0, 'the columns fit again, and no file is downloaded')
})

t.test('downloads run at a bounded concurrency', async (t) => {
  const { endpoint, clock } = await setUp(t, Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}.csv`, csv()])))
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url, maxDownloads: 20 })
  t.teardown(() => store.close())
  const { run } = overStore(store, clock)
  let running = 0
  let most = 0
  endpoint.intercept = async ({ operation }) => {
    if (operation !== 'GET') return undefined
    most = Math.max(most, ++running)
    await turns(10)
    running--
    return undefined
  }
  t.equal((await run()).rows.length, 100)
  t.ok(most > 8 && most <= 20, `${most} at a time`)
})

t.test('the info files that are downloaded together have at most 64 MiB', async (t) => {
  const { bucket, store, clock } = await setUp(t, {})
  const large = csv() + ' '.repeat(1024 * 1024 - csv().length)
  for (let i = 0; i < 80; i++) bucket.put(`source_data/${i}.csv`, large)
  let [running, most] = [0, 0]
  const { run } = overStore(wrapStore(store, {
    usefulDownloads: 512,
    get: async (key) => {
      most = Math.max(most, ++running)
      await turns(10)
      running--
      throw new StoreError('store_error', key)
    }
  }), clock)
  t.equal((await run()).failed.length, 80)
  t.equal(most, 64)
})

t.test('a racy file of a folder is read again, others are not', async (t) => {
  const root = testFolder(t, { source_data: { '1.csv': csv('Ann') } })
  const clock = new TestClock(Date.now())
  const store = new FolderStore(root, { clock: clock.read })
  t.teardown(() => store.close())
  let gets = 0
  const counting = wrapStore(store, {
    get: async (key, options) => {
      gets++
      return await store.get(key, options)
    }
  })
  const { run } = overStore(counting, clock)
  await run()
  await run()
  t.equal(gets, 2)
  clock.advance(10_000)
  const first = await run()
  t.equal(gets, 3, 'the racy file is read once more')
  const second = await run()
  t.equal(gets, 3)
  t.equal(second.state, first.state)
})

t.test('a file of a folder that does not end with a line end is not served until it is two seconds old', async (t) => {
  const root = testFolder(t, { source_data: { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': 'first_name,last_name,birthts\nCid,Lee,12' } })
  const clock = new TestClock()
  const write = (name: string, body: string | Buffer) => {
    const path = join(root, 'source_data', name)
    if (body !== '') writeFileSync(path, body)
    utimesSync(path, clock.now / 1000, clock.now / 1000)
  }
  for (const name of ['1.csv', '2.csv', '3.csv']) write(name, '')
  clock.advance(2000)
  const store = new FolderStore(root, { clock: clock.read })
  t.teardown(() => store.close())
  const { run } = overStore(store, clock)
  const first = await run()
  t.same([names(first), codes(first), first.readAgainAt], [{ 1: 'Ann', 2: 'Bob', 3: 'Cid' }, {}, undefined], 'an old file needs no line end')
  write('1.csv', csv('Anna').trimEnd())
  write('2.csv', csv('Bo'))
  write('4.tsv', 'first_name\tlast_name\tbirthts\nDee\tLee\t1')
  write('5.csv', Buffer.alloc(0))
  write('6.json', '{"first_name":"Flo","last_name":"Lee","birthts":0}')
  clock.advance(500)
  write('7.csv', csv('Gus').slice(0, 9))
  clock.advance(1499)
  const second = await run()
  t.same(names(second), { 1: 'Ann', 2: 'Bo', 3: 'Cid', 6: 'Flo' })
  t.same(codes(second), { '1.csv': 'incomplete', '4.tsv': 'incomplete', '5.csv': 'incomplete', '7.csv': 'incomplete' })
  t.match(second.rejects[0], { detail: /no line end/, last_good: { key: 'source_data/1.csv' } })
  t.same([second.failed, second.readAgainAt], [[], clock.monotonic() + 1], 'outputs do not wait for it')
  clock.advance(1)
  const third = await run()
  t.same(names(third), { 1: 'Anna', 2: 'Bo', 3: 'Cid', 4: 'Dee', 6: 'Flo' })
  t.same(codes(third), { '5.csv': 'empty_file', '7.csv': 'incomplete' })
  t.equal(third.readAgainAt, clock.monotonic() + 500)
  write('7.csv', csv('Gus'))
  t.match(await run(), { rejects: [{ code: 'empty_file' }], readAgainAt: undefined }, 'a line end ends the wait')
})

t.test('uploads are ordered by the times of the listing, which may be finer than those of downloads', async (t) => {
  const wide = (name: string, count: number) => {
    const columns = Array.from({ length: count }, (_, i) => `${name}${i}`)
    return `first_name,last_name,birthts,${columns.join(',')}\nA,B,0${',v'.repeat(count)}\n`
  }
  const { store, clock } = await setUp(t, { '1.csv': wide('a', 64), '2.csv': wide('b', 64), '3.csv': wide('c', 64), 'x.csv': wide('x', 64), 'y.csv': wide('y', 64) })
  const finer = wrapStore(store, {
    list: async function * (prefix) {
      for await (const page of store.list(prefix)) {
        yield new ObjectList([...page].map((object) => ({ ...object, lastModified: object.lastModified + (object.key.endsWith('x.csv') ? 2 : 1) })))
      }
    }
  })
  const { run } = overStore(finer, clock)
  for (let i = 0; i < 2; i++) t.same(codes(await run()), { 'x.csv': 'too_many_lake_columns' })
})
