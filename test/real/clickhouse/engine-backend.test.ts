import t from 'tap'
import { Connection } from '../../../lib/clickhouse/connection.js'
import { decodeLog } from '../../../lib/source/change-log.js'
import type { SchemaDescriptor } from '../../../lib/schema/descriptor.js'
import { EngineBackend } from '../../../lib/worker/engine-backend.js'
import type { BackendReconciled } from '../../../lib/worker/lake-backend.js'
import { drop, engineOptions, noClickHouse } from '../../support/clickhouse.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'

const LISTING_MS = 10_000
const schema: SchemaDescriptor = { fields: [{ name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }] }

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
  }) as MemoryStore, {
    prefix: 'in/',
    ownKeys: [],
    imageExtensions: [],
    delimiter: ',',
    encoding: 'utf-8',
    duplicates: 'shortest',
    schema,
    timeZone: 'UTC',
    snapshotKey: 'out.snapshot',
    outputKey: 'out.csv',
    probeKey: 'out.probe',
    maxLoss: 1
  }, { options, manifestKey: 'out.engine.json', maxStalenessMs: 2000, versionsMaxAgeMs: 60_000 }, { clock: () => now, wallClock: () => now })
  const [first, second] = [open('first'), open('second')]
  t.teardown(async () => {
    await Promise.all([first, second].map((backend) => backend.close()))
    const connection = await Connection.open(options)
    await drop(connection)
    await connection.close()
  })
  const reconcile = async (backend: EngineBackend, last?: BackendReconciled) => {
    lists.length = 0
    const found = await backend.reconcile(last?.state, { retryAll: false, outputKeys: [] }, () => {})
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
