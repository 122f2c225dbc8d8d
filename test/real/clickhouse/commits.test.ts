import t, { type Test } from 'tap'
import { monotonicNow } from '../../../lib/base/clock.js'
import { EngineError } from '../../../lib/base/errors.js'
import { findApplied } from '../../../lib/clickhouse/apply.js'
import type { Commits, Committed } from '../../../lib/clickhouse/commits.js'
import type { Connection } from '../../../lib/clickhouse/connection.js'
import { parameter, sql, text } from '../../../lib/clickhouse/sql.js'
import type { StoredRecord } from '../../../lib/clickhouse/stored-record.js'
import { changesUntil } from '../../../lib/clickhouse/stored-changes.js'
import { RECORDS_OF_SHARD } from '../../../lib/clickhouse/tables.js'
import { render } from '../../../lib/output/render.js'
import type { Selection } from '../../../lib/query/data-version.js'
import type { FieldDescriptor, SchemaDescriptor } from '../../../lib/schema/descriptor.js'
import { compileSchema } from '../../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { decodeLog, startLog } from '../../../lib/source/change-log.js'
import { StoreError, type ObjectStore } from '../../../lib/store/object-store.js'
import { S3Store } from '../../../lib/store/s3/s3-store.js'
import { tableFields } from '../../../lib/table/table-field.js'
import { allOf, connect, drop, noClickHouse, openVersion } from '../../support/clickhouse.js'
import { deltaOf, EMPTY, IDENTITY, MANIFEST, openCommits, readAll, type Content } from '../../support/commits.js'
import { interleave } from '../../support/interleave.js'
import { runs } from '../../support/property-runs.js'
import { startS3Endpoint } from '../../support/s3-endpoint.js'
import { wrapStore } from '../../support/stores.js'
import { until } from '../../support/until.js'
import { USER_FIELDS } from '../../support/user-fields.js'

const skip = noClickHouse

/** A bucket of its own, which ends with the test. */
async function bucketOf (t: Pick<Test, 'teardown'>): Promise<ObjectStore> {
  const endpoint = await startS3Endpoint()
  endpoint.bucket('lake')
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
  t.teardown(async () => {
    await store.close()
    await endpoint.stop()
  })
  return store
}

t.test('whatever is interrupted, fails or comes late: each version that can be read is exactly one that was committed', { skip, timeout: 36_000_000 }, async (t) => {
  const { numRuns } = runs(20)
  for (let run = 0; run < numRuns; run++) {
    const seed = Math.floor(Math.random() * 2 ** 32)
    const start = performance.now()
    const connection = await connect(t)
    const found = await interleave({ connection, store: await bucketOf(t), seed })
    t.comment(`seed ${seed}: ${JSON.stringify(found)} ${Math.round(performance.now() - start)} ms`)
  }
})

t.test('a seed determines the whole interleaving', { skip, timeout: 600_000 }, async (t) => {
  const linesOf = async (seed: number) => {
    const lines: string[] = []
    await interleave({ connection: await connect(t), store: await bucketOf(t), seed, rounds: 1, trace: (line) => lines.push(line) })
    return lines
  }
  const lines = await linesOf(3)
  t.same(await linesOf(3), lines)
  t.not((await linesOf(4)).join(), lines.join())
})

const CONTENTS: readonly Content[] = [5, 2, 3].map((value) => ({ records: { a: value, b: 1, [`only ${value}`]: 1 }, objects: { 'a.csv': value }, rejects: {} }))
const HEIGHT: FieldDescriptor = { name: 'height', type: 'number' }
const openWith = async (store: ObjectStore, connection: Connection, schema: SchemaDescriptor) => await openCommits(store, connection, { fields: tableFields(compileSchema(schema)), identity: { ...IDENTITY, schema } })
const countOf = async (selection: Selection) => (await allOf(selection.batches())).flat().length
const summaryOf = (content: Content, listedAt = monotonicNow()) => ({ records: Object.keys(content.records).length, listedAt, source: null })

async function commitNext (commits: Commits, base: Committed | undefined, from: Content, to: Content): Promise<Committed> {
  const stage = await commits.begin(base)
  await stage.put(deltaOf(from, to))
  return await commits.commit(stage, summaryOf(to))
}

/** A connection on which no change can be applied. */
function failing (connection: Connection): Connection {
  return new Proxy(connection, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target)
      if (property === 'commandOn') return () => Promise.reject(new EngineError('engine_unavailable', 'The change cannot be applied'))
      return typeof value === 'function' ? value.bind(target) as unknown : value
    }
  })
}

t.test('a database serves one lake, schema and time zone, and the manifest one database', { skip }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const commits = await openCommits(store, connection)
  await openCommits(store, connection)
  const wrong = (message: RegExp) => ({ name: 'EngineError', code: 'engine_wrong_database', message })
  await t.rejects(openCommits(store, connection, { timeZone: 'Europe/Berlin' }), wrong(/is for another time zone$/))
  await t.rejects(openCommits(store, connection, { identity: { ...IDENTITY, lake: 'other' } }), wrong(/is for another lake, or for other rules of reading it$/))
  t.equal(await commits.current(), undefined, 'the lake has no manifest')
  await commitNext(commits, undefined, EMPTY, CONTENTS[0]!)
  await t.rejects((await openCommits(store, await connect(t))).current(), wrong(/is for the database .*remove the manifest/))
  await t.rejects(openCommits(store, await connect(t), { timeZone: 'Europe/Berlin' }), wrong(/^The manifest .* is for another time zone$/))
  await store.put(MANIFEST, Buffer.from('{}'))
  await t.rejects(openCommits(store, connection), wrong(/is not a manifest that this release of Userlake can read/))
})

t.test('a schema with more columns loads the lake again into the same database', { skip }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const wrong = { code: 'engine_wrong_database', message: /^The manifest .* is for another schema \(SCHEMA may only add columns to it\)$/ }
  const old = await openCommits(store, connection)
  const one = await commitNext(old, undefined, EMPTY, CONTENTS[0]!)
  const { fields } = USERS_SCHEMA
  for (const schema of [
    { ...USERS_SCHEMA, fields: fields.slice(0, -1) },
    { ...USERS_SCHEMA, fields: [...fields.slice(0, -1), HEIGHT] },
    { ...USERS_SCHEMA, missingValues: ['-'], fields: [...fields, HEIGHT] },
    { ...USERS_SCHEMA, fields: [...fields.map((field) => field.name === 'birthts' ? { ...field, constraints: {} } : field), HEIGHT] }
  ]) await t.rejects(openWith(store, connection, schema), wrong)
  const columns = async () => await connection.query<[string]>(sql`SELECT name FROM system.columns WHERE database = ${text(connection.database)} AND name = 'f:height'`)
  t.same(await columns(), [], 'a schema that is refused has changed nothing')
  t.equal((await (await openWith(store, connection, { ...USERS_SCHEMA, description: 'other words' })).current())!.number, one.number, 'descriptions have no effect')

  const wider = { ...USERS_SCHEMA, fields: [fields[0]!, HEIGHT, ...fields.slice(1)] }
  const [first, second] = [await openWith(store, connection, wider), await openWith(store, connection, wider)]
  t.same([await first.current(), await second.current()], [undefined, undefined], 'the lake has to be loaded by each process with the new schema')
  await t.rejects(old.current(), wrong)
  await t.rejects(old.touch(one, summaryOf(CONTENTS[0]!)), { name: 'CommitConflictError' })
  const row = ({ key, values, json, ...others }: StoredRecord): StoredRecord => ({ key, values: [values[0]!, 1.75, ...values.slice(1)], json: json.replace(',', ',"height":1.75,'), ...others })
  const load = async (commits: Commits) => {
    const stage = await commits.begin(undefined)
    const { records, ...others } = deltaOf(EMPTY, CONTENTS[1]!)
    await stage.put({ ...others, records: records.map(row) })
    return await commits.commit(stage, summaryOf(CONTENTS[1]!))
  }
  const two = await load(first)
  await t.rejects(load(second), { name: 'CommitConflictError' })
  t.match(await second.current(), { number: two.number, name: two.name })
  t.equal(two.number, one.number + 1n)
  const version = await openVersion(connection, two.number, { fields: tableFields(compileSchema(wider)) })
  t.same((await allOf((await version.select({ columns: ['user_id', 'height'] })).batches())).flat().map((cells) => cells[1]), [1.75, 1.75, 1.75])
  t.equal(await countOf(await (await openVersion(connection, one.number, { fields: USER_FIELDS })).select({})), 3, 'the previous version can still be read')
  await t.rejects(openCommits(store, connection), wrong)
})

t.test('new columns are announced in the manifest, also if another process writes it first or the response is lost', { skip }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const old = await openCommits(store, connection)
  const one = await commitNext(old, undefined, EMPTY, CONTENTS[0]!)
  const puts = [
    async () => { await old.touch(one, summaryOf(CONTENTS[0]!)) },
    async (...args: Parameters<ObjectStore['put']>) => {
      await store.put(...args)
      throw new StoreError('timeout', 'The response was lost')
    }
  ]
  const racing = wrapStore(store, {
    put: async (...args) => {
      await puts.shift()?.(...args)
      return await store.put(...args)
    }
  })
  const commits = await openWith(racing, connection, { ...USERS_SCHEMA, fields: [...USERS_SCHEMA.fields, HEIGHT] })
  t.equal(await commits.current(), undefined)
  t.equal(puts.length, 0, 'both have happened')
  await t.rejects(old.current(), { code: 'engine_wrong_database' })
  const stage = await commits.begin(undefined)
  t.equal((await commits.commit(stage, summaryOf(EMPTY))).number, one.number + 1n)
})

t.test('a version that a process without the new columns has committed, and not applied, is applied before the lake is loaded again', { skip }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const killed = await openCommits(store, failing(connection))
  const stage = await killed.begin(undefined)
  await stage.put(deltaOf(EMPTY, CONTENTS[0]!))
  await t.rejects(killed.commit(stage, summaryOf(CONTENTS[0]!)), /cannot be applied/)
  t.equal((await readAll(connection)).versions.size, 0)
  const commits = await openWith(store, connection, { ...USERS_SCHEMA, fields: [...USERS_SCHEMA.fields, HEIGHT] })
  t.equal(await commits.current(), undefined)
  t.same([...(await readAll(connection)).versions.keys()], [stage.number])
  const next = await commits.begin(undefined)
  t.equal(next.number, stage.number + 1n)
  await next.put(deltaOf(EMPTY, EMPTY))
  await commits.commit(next, summaryOf(EMPTY))
  await openCommits(store, connection).catch(() => {})
  t.same((await readAll(connection)).versions.get(next.number)!.content, EMPTY, 'nothing that was committed late is part of it')
})

t.test('of two processes one commits, and the other follows; a listing without a change is noted in the manifest', { skip }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  let now = 1_000_000
  let wall = 5_000_000
  const first = await openCommits(store, connection, { clock: () => now, wallClock: () => wall })
  // Its monotonic clock has another origin.
  const second = await openCommits(store, connection, { clock: () => now + 123_456, wallClock: () => wall })
  const one = await commitNext(first, undefined, EMPTY, CONTENTS[0]!)
  const seen = await second.current()
  t.match(seen, { number: one.number, name: one.name, records: 3, undeclared: ['more'] })
  const stage = await second.begin(seen)
  const two = await commitNext(first, one, CONTENTS[0]!, CONTENTS[1]!)
  await stage.put(deltaOf(CONTENTS[0]!, CONTENTS[2]!))
  await t.rejects(second.commit(stage, summaryOf(CONTENTS[2]!)), { name: 'CommitConflictError' })
  await t.rejects(second.begin(seen), { name: 'CommitConflictError' }, 'the base is no longer the last version')
  await t.rejects(second.touch(seen!, summaryOf(CONTENTS[0]!)), { name: 'CommitConflictError' })
  const followed = await second.current()
  t.equal(followed!.name, two.name)
  now += 5000
  wall += 5000
  const touched = await first.touch(two, { records: 3, listedAt: now - 700, source: { x: 1 } })
  now += 300
  wall += 300
  const after = await second.current()
  t.equal(after!.name, two.name)
  t.same(after!.summary, { records: 3, listedAt: now + 123_456 - 1000, source: { x: 1 } }, 'the age of the listing is the same on the clock of each process')
  t.equal(touched.summary.listedAt, now - 1000)
  // However wrong the wall clock is, a manifest was written after its predecessor, and that one after `second` had last read the one before, at 1,000,000.
  wall -= 60_000
  await first.touch(touched, { records: 3, listedAt: now - 700, source: null })
  wall += 3_600_000
  t.equal((await second.current())!.summary.listedAt, 1_000_000 + 123_456 - 700)
})

t.test('a version cannot be read after it was forgotten, and readings that have begun fail', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const commits = await openCommits(store, connection)
  const open = async (number: bigint) => await openVersion(connection, number, { fields: USER_FIELDS })
  const one = await commitNext(commits, undefined, EMPTY, CONTENTS[0]!)
  const old = await open(one.number)
  const all = await old.select({})
  const two = await commitNext(commits, one, CONTENTS[0]!, CONTENTS[1]!)
  await commits.forget(3_600_000)
  t.same(await countOf(all), 3, 'it is not old enough')
  const batches = all.batches()[Symbol.asyncIterator]()
  await commits.forget(0)
  const forgotten = { name: 'VersionForgottenError' }
  await t.rejects(async () => { while ((await batches.next()).done !== true); }, forgotten)
  await t.rejects(countOf(all), forgotten)
  await t.rejects(allOf(render(all, 'json') as AsyncIterable<string>), forgotten)
  await t.rejects(old.select({ page: { limit: 1 } }), forgotten)
  await t.rejects(old.statistics({ asOf: 0, binWidth: 1 }), forgotten)
  await t.rejects(old.undeclared(), forgotten)
  await t.rejects(old.attachment('a', 'img_path'), forgotten)
  t.equal(await findApplied(connection, one.number), undefined)
  t.equal(await countOf(await (await open(two.number)).select({})), 3, 'the current version stays')
  const rows = await connection.query<[number]>(sql`SELECT count() FROM ${connection.table('records')}`)
  t.same(rows, [[3]], 'the rows of the old version are removed')
})

t.test('the changes since a version that is being forgotten are not known, although the tables still have its name', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const commits = await openCommits(store, connection)
  const one = await commitNext(commits, undefined, EMPTY, CONTENTS[0]!)
  const two = await commitNext(commits, one, CONTENTS[0]!, CONTENTS[1]!)
  const three = await commitNext(commits, two, CONTENTS[1]!, CONTENTS[2]!)
  const since = ({ number, name }: Committed) => ({ number, changes: startLog(name) })
  const keys = async (from?: Committed) => decodeLog(await changesUntil(connection, USER_FIELDS, three, from && since(from))).keys
  t.same(await keys(), ['a', 'only 2', 'only 5', 'a', 'only 2', 'only 3'])
  t.same(await keys(one), ['a', 'only 2', 'only 5', 'a', 'only 2', 'only 3'])
  // The tables are now as if `forget` had been interrupted before it removed the names of the versions.
  await connection.command(sql`INSERT INTO ${connection.table('forgotten')} SELECT 2`)
  await connection.command(sql`ALTER TABLE ${connection.table('records_local')} DELETE WHERE valid_to <= 2 SETTINGS mutations_sync = 1`)
  t.same(await keys(), ['a', 'only 2', 'only 3'])
  t.same(await keys(two), ['a', 'only 2', 'only 3'])
  t.same(await keys(one), [], 'the log begins anew')
})

t.test('tables that have nothing of the past are not rewritten to forget it', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const commits = await openCommits(store, connection)
  const one = await commitNext(commits, undefined, EMPTY, CONTENTS[0]!)
  await commitNext(commits, await commitNext(commits, one, CONTENTS[0]!, CONTENTS[1]!), CONTENTS[1]!, CONTENTS[2]!)
  const read = async () => await connection.queryOn<[table: string, mutations: number, keys: number]>(0, sql`
    SELECT table, count(), (SELECT count() FROM ${connection.table('staged_keys_local')} WHERE stage != 0) FROM system.mutations
    WHERE database = ${parameter(connection.database, 'String')} AND table IN ('records_local', 'objects_local', 'rejects_local') GROUP BY table ORDER BY table`)
  const before = await read()
  await commits.forget(3_600_000)
  const after = await read()
  t.ok(after[0]![2] < before[0]![2], 'the keys of the stage before were removed')
  t.same(after.map(([table, mutations]) => [table, mutations]), before.map(([table, mutations]) => [table, mutations]))
})

t.test('a change whose rows the engine has received twice is not committed', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const commits = await openCommits(store, connection)
  const one = await commitNext(commits, undefined, EMPTY, CONTENTS[0]!)
  // Sends each insert twice, as a proxy that repeats requests would: the engine removes no duplicates.
  const twice = new Proxy(connection, {
    get: (target, property) => {
      if (property === 'insert') return async (...args: Parameters<Connection['insert']>) => { for (let i = 0; i < 2; i++) await target.insert(...args) }
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    }
  })
  const repeating = await openCommits(store, twice)
  await t.rejects(commitNext(repeating, await repeating.current(), CONTENTS[0]!, CONTENTS[1]!), { code: 'engine_incomplete' })
  t.same([...(await readAll(connection)).versions.keys()], [one.number])
  t.equal((await commitNext(commits, await commits.current(), CONTENTS[0]!, CONTENTS[1]!)).records, 3, 'the next change does not see them')
})

t.test('a change that takes longer to apply than the time limit of a statement is waited for, and committed once', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t, { timeoutMs: 5000 }), await bucketOf(t)]
  const commits = await openCommits(store, connection)
  const one = await commitNext(commits, undefined, EMPTY, CONTENTS[0]!)
  const records = connection.table(RECORDS_OF_SHARD)
  await connection.command(sql`SYSTEM STOP MERGES ${records}`)
  let isOver = false
  const next = commitNext(commits, one, CONTENTS[0]!, CONTENTS[1]!).finally(() => { isOver = true })
  next.catch(() => {})
  try {
    // The first attempt to apply it is over: another one has begun.
    await until(async () => isOver || (await connection.queryNodes(sql`SELECT 1 FROM system.mutations WHERE database = ${text(connection.database)} AND table = ${text(RECORDS_OF_SHARD)} AND NOT is_done`)).some(({ rows }) => rows.length > 1))
  } finally {
    await connection.command(sql`SYSTEM START MERGES ${records}`)
  }
  t.equal((await next).number, one.number + 1n)
  const { versions } = await readAll(connection)
  t.same([...versions.values()].map(({ content }) => content), CONTENTS.slice(0, 2))
})

t.test('rows of a version that was not committed are removed when it can no longer be committed', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const [first, second] = [await openCommits(store, connection), await openCommits(store, connection)]
  const one = await commitNext(first, undefined, EMPTY, CONTENTS[0]!)
  const left = await second.begin(await second.current())
  await left.put(deltaOf(CONTENTS[0]!, CONTENTS[2]!))
  const staged = async () => (await connection.query<[number]>(sql`SELECT countIf(stage != 0) FROM ${connection.table('records')}`))[0]![0]
  await first.forget(0)
  t.equal(await staged(), 2, 'it may still be committed')
  await first.touch(one, summaryOf(CONTENTS[0]!))
  await first.forget(0)
  t.equal(await staged(), 0)
  await t.rejects(second.commit(left, summaryOf(CONTENTS[2]!)), { name: 'CommitConflictError' }, 'its rows are gone')
  const incomplete = await first.begin(await first.current())
  await incomplete.put(deltaOf(CONTENTS[0]!, CONTENTS[1]!))
  await connection.command(sql`ALTER TABLE ${connection.table('objects_local')} DELETE WHERE stage != 0 SETTINGS mutations_sync = 1`)
  await t.rejects(first.commit(incomplete, summaryOf(CONTENTS[1]!)), { code: 'engine_incomplete' })
  const wrong = await first.begin(await first.current())
  await wrong.put(deltaOf(CONTENTS[0]!, CONTENTS[1]!))
  await t.rejects(first.commit(wrong, { ...summaryOf(CONTENTS[1]!), records: 4 }), { code: 'engine_incomplete', message: 'Version 2 would have 3 records instead of 4' })
  t.equal((await first.current())!.number, one.number)
})

t.test('an engine that has lost its tables, and a lake that has lost its manifest, are loaded again', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const first = await openCommits(store, connection)
  const one = await commitNext(first, undefined, EMPTY, CONTENTS[0]!)
  const two = await commitNext(first, one, CONTENTS[0]!, CONTENTS[1]!)
  await drop(connection)
  const second = await openCommits(store, connection)
  t.equal(await second.current(), undefined)
  const three = await commitNext(second, undefined, EMPTY, CONTENTS[2]!)
  t.equal(three.number, two.number + 1n, 'no number is used twice')
  const other = await bucketOf(t)
  const third = await openCommits(other, connection)
  t.equal(await third.current(), undefined)
  const four = await commitNext(third, undefined, EMPTY, CONTENTS[0]!)
  t.equal(four.number, three.number + 1n)
  t.same((await readAll(connection)).versions.get(four.number)!.content, CONTENTS[0], 'what the tables had before has ended')
  await t.rejects(second.begin(await second.current()), { code: 'engine_wrong_database', message: /of the older version 3; remove the object/ })
})

t.test('a version that is forgotten while another process is about to follow it is not taken for one that the engine has lost', { skip, timeout: 120_000 }, async (t) => {
  const [connection, store] = [await connect(t), await bucketOf(t)]
  const first = await openCommits(store, connection)
  let base = await commitNext(first, undefined, EMPTY, CONTENTS[0]!)
  let isReplaced = false
  // Between the manifest and the tables, two more versions are committed.
  const get: ObjectStore['get'] = async (...args) => {
    const found = await store.get(...args)
    if (!isReplaced) {
      isReplaced = true
      base = await commitNext(first, base, CONTENTS[0]!, CONTENTS[1]!)
      base = await commitNext(first, base, CONTENTS[1]!, CONTENTS[2]!)
      await first.forget(0)
    }
    return found
  }
  const second = await openCommits({ get, put: store.put.bind(store), url: store.url }, connection)
  t.equal((await second.current())?.number, base.number)
})
