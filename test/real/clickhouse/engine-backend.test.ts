import t, { type Test } from 'tap'
import { Connection, type EngineOptions } from '../../../lib/clickhouse/connection.js'
import type { Output } from '../../../lib/output/output.js'
import { decodeLog } from '../../../lib/source/change-log.js'
import type { Precondition } from '../../../lib/store/precondition.js'
import { EngineBackend } from '../../../lib/worker/engine-backend.js'
import { InProcessBackend, type LakeRules } from '../../../lib/worker/in-process-backend.js'
import type { BackendReconciled, LakeBackend, PublishRequest } from '../../../lib/worker/lake-backend.js'
import { drop, engineOptions, noClickHouse } from '../../support/clickhouse.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'

const LISTING_MS = 10_000
const RULES: LakeRules = {
  prefix: 'in/',
  ownKeys: [],
  imageExtensions: [],
  delimiter: ',',
  encoding: 'utf-8',
  duplicates: 'shortest',
  schema: { fields: [{ name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }] },
  timeZone: 'UTC',
  snapshotKey: 'out.snapshot',
  outputKey: 'out.csv',
  probeKey: 'out.probe',
  maxLoss: 1
}

/** Closes these backends and removes their database at the end of the test. */
function removeAfter (t: Test, options: EngineOptions, backends: readonly LakeBackend[]): void {
  t.teardown(async () => {
    await Promise.all(backends.map((backend) => backend.close()))
    const connection = await Connection.open(options)
    await drop(connection)
    await connection.close()
  })
}

t.test('of processes whose listings take longer than MAX_STALENESS, one lists and the others follow; when it stops, another one lists', { skip: noClickHouse, timeout: 120_000 }, async (t) => {
  const options = engineOptions()
  let now = 1_000_000
  const lists: string[] = []
  const bucket = new S3Bucket(() => now)
  const memory = new MemoryStore(bucket)
  const open = (name: string) => new EngineBackend(wrapStore(memory, {
    list: (prefix, options) => {
      lists.push(name)
      now += LISTING_MS
      return memory.list(prefix, options)
    }
  }) as MemoryStore, RULES, { options, manifestKey: 'out.engine.json', maxStalenessMs: 2000, versionsMaxAgeMs: 60_000 }, { clock: () => now, wallClock: () => now })
  const [first, second] = [open('first'), open('second')]
  removeAfter(t, options, [first, second])
  const reconcile = async (backend: EngineBackend, last?: BackendReconciled) => {
    lists.length = 0
    const found = await backend.reconcile(last?.state, { isRequired: false, outputKeys: [] }, () => {})
    return { found, lists: [...lists] }
  }
  bucket.put('in/a.csv', 'name\nAnn\n')
  const loaded = await reconcile(first)
  t.same(loaded.lists, ['first'])
  const followed = await reconcile(second)
  t.same(followed.lists, [], 'although the listing that it takes over began 10 s ago, and MAX_STALENESS is 2 s')
  t.equal(followed.found.state.stored!.number, loaded.found.state.stored!.number)
  t.equal(followed.found.listedAt, now - LISTING_MS)
  const again = await reconcile(first, loaded.found)
  t.same(again.lists, ['first'], 'a process does not follow itself')
  // The other process is followed until twice the duration of its listing has passed since it stored the result: see `isFollowed`.
  now += 2 * LISTING_MS - 1
  t.same((await reconcile(second, followed.found)).lists, [])
  now += 1
  t.same((await reconcile(second, followed.found)).lists, ['second'])
  t.same((await reconcile(first, again.found)).lists, [], 'now the other one leads')
  bucket.put('in/a.csv', 'name\r\nAnn\r\n')
  bucket.put('in/b.csv', 'name\nBob\n')
  now += 10 * LISTING_MS
  const { found } = await reconcile(first, again.found)
  t.same(decodeLog(found.state.changes).keys, ['b'], 'a file that was replaced by one with the same values, but other line ends, touches no record')
})

t.test('an output of the engine has the bytes of one in process, and is skipped, compared, held and written as that', { skip: noClickHouse, timeout: 240_000 }, async (t) => {
  const options = engineOptions()
  let now = 1_000_000
  const buckets = [new S3Bucket(() => now), new S3Bucket(() => now)] as const
  const backends = [
    new EngineBackend(new MemoryStore(buckets[0]), RULES, { options, manifestKey: 'out.engine.json', maxStalenessMs: 2000, versionsMaxAgeMs: 60_000 }, { clock: () => now, wallClock: () => now }),
    new InProcessBackend(new MemoryStore(buckets[1]), () => now, RULES)
  ] as const
  removeAfter(t, options, backends)
  const last: Array<BackendReconciled | undefined> = [undefined, undefined]
  const publish = async (change: (bucket: S3Bucket) => void, request: Partial<PublishRequest> = {}, output: Partial<Output> = {}) => {
    now += 60_000
    const reports = []
    for (const [i, backend] of backends.entries()) {
      change(buckets[i]!)
      const found = await backend.reconcile(last[i]?.state, { isRequired: true, outputKeys: ['out.csv'] }, () => {})
      last[i] = found
      reports.push(await backend.publish(found.state, { output: { format: 'csv', key: 'out.csv', ...output }, precondition: found.preconditions.get('out.csv') as Precondition, dryRun: false, ...request }))
    }
    t.same(reports[0], reports[1])
    t.same(buckets[0].get('out.csv'), buckets[1].get('out.csv'))
    return reports[0]!
  }
  const put = (bucket: S3Bucket, from: number, to: number, name: string) => { for (let i = from; i < to; i++) bucket.put(`in/${i}.csv`, `name,city\n"${name}, ${i}",Łódź\n`) }
  const guard = { maxLoss: 0.2, before: undefined }
  const none = { added: 0, changed: 0, removed: 0 }
  t.match(await publish((bucket) => put(bucket, 0, 2500, 'Ann')), { ...none, added: 2500, skipped: false, records: 2500 })
  t.match(await publish(() => {}), { ...none, skipped: true })
  t.match(await publish((bucket) => put(bucket, 100, 103, 'Bob'), { dryRun: true }), { ...none, changed: 3, skipped: true })
  t.match(await publish(() => {}), { ...none, changed: 3, skipped: false })
  t.match(await publish((bucket) => { for (let i = 0; i < 1000; i++) bucket.delete(`in/${i}.csv`) }, { guard }), { removed: 1000, isHeld: true, skipped: true })
  t.match(await publish((bucket) => put(bucket, 3000, 3001, '=Cyd'), {}, { columns: ['city', 'id', 'name'], escapeFormulas: true }), { added: 1, changed: 1500, removed: 1000, skipped: false })
  t.match(await publish((bucket) => { bucket.put('out.csv', 'id,name\n5000,Zoe\n4000,Yan\n') }), { added: 1501, removed: 2, skipped: false })
})

t.test('an output whose data version is removed before it is published fails with `engine_timeout`, and nothing is written', { skip: noClickHouse, timeout: 120_000 }, async (t) => {
  const options = engineOptions()
  let now = 1_000_000
  const bucket = new S3Bucket(() => now)
  const backend = new EngineBackend(new MemoryStore(bucket), RULES, { options, manifestKey: 'out.engine.json', maxStalenessMs: 2000, versionsMaxAgeMs: 0 }, { clock: () => now, wallClock: () => now })
  removeAfter(t, options, [backend])
  const reconcile = async (name: string) => {
    now += 60_000
    bucket.put('in/a.csv', `name\n${name}\n`)
    return await backend.reconcile(undefined, { isRequired: false, outputKeys: ['out.csv'] }, () => {})
  }
  const { state, preconditions } = await reconcile('Ann')
  // Each reconcile first waits until the versions that the previous one has replaced are removed.
  for (const name of ['Bob', 'Cyd']) await reconcile(name)
  const request = { output: { format: 'csv', key: 'out.csv' }, precondition: preconditions.get('out.csv') as Precondition, dryRun: false } as const
  await t.rejects(backend.publish(state, request), { name: 'EngineError', code: 'engine_timeout', message: /^out\.csv: .* set VERSIONS_MAX_AGE to a longer time$/ })
  t.equal(bucket.get('out.csv'), undefined)
})

t.test('an output that is too large for one request is written in parts, unless the store may ignore the condition then', { skip: noClickHouse, timeout: 120_000 }, async (t) => {
  let now = 1_000_000
  for (const honours of [true, false]) {
    const options = engineOptions()
    const bucket = new S3Bucket(() => now)
    const memory = new MemoryStore(bucket)
    const written: string[] = []
    const store = wrapStore(memory, {
      put: async (key, body, put) => {
        if (put?.inParts) written.push(key)
        const { ifMatch, ...unconditional } = put ?? {}
        return await memory.put(key, body, ifMatch === undefined || (put?.inParts && !honours) ? unconditional : { ...unconditional, ifMatch })
      }
    }) as MemoryStore
    const backend = new EngineBackend(store, RULES, { options, manifestKey: 'out.engine.json', maxStalenessMs: 2000, versionsMaxAgeMs: 60_000, maxPutBytes: 20 }, { clock: () => now, wallClock: () => now })
    removeAfter(t, options, [backend])
    const publish = async (name: string, dryRun = false) => {
      now += 60_000
      bucket.put('in/a.csv', `name\n${name}\n`)
      const { state, preconditions } = await backend.reconcile(undefined, { isRequired: false, outputKeys: ['out.csv'] }, () => {})
      return await backend.publish(state, { output: { format: 'csv', key: 'out.csv' }, precondition: preconditions.get('out.csv') as Precondition, dryRun })
    }
    t.match(await publish('Ann'), { added: 1, bytes: 16 })
    t.same(written, [])
    t.match(await publish('Maximilian', true), { changed: 1, bytes: 23 })
    t.same(written, [], 'a dry run does not check the store')
    if (honours) {
      t.match(await publish('Maximilian'), { changed: 1, bytes: 23, skipped: false })
      t.equal(written.at(-1), 'out.csv')
    } else await t.rejects(publish('Maximilian'), { name: 'StoreError', code: 'too_large', message: /out\.csv: the output would have more than 20 bytes, and it is not certain that the store honours the condition of a multipart upload$/ })
    t.same([...new Set(written)], honours ? ['out.probe-parts', 'out.csv'] : ['out.probe-parts'])
    t.match(bucket.get('out.csv')!.body.toString(), honours ? /Maximilian/ : /Ann/)
  }
})
