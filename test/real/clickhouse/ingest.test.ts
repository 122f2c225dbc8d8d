import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compareUtf8 } from '../../../lib/base/utf8.js'
import { LargeLossError } from '../../../lib/base/errors.js'
import { ChangedObjects } from '../../../lib/clickhouse/changed-objects.js'
import { CommitConflictError, Commits } from '../../../lib/clickhouse/commits.js'
import type { Connection } from '../../../lib/clickhouse/connection.js'
import { LakeIngest, type Ingested } from '../../../lib/clickhouse/ingest.js'
import { validIn } from '../../../lib/clickhouse/records.js'
import { identifier, join, sql } from '../../../lib/clickhouse/sql.js'
import { columnsOfRow, toRow } from '../../../lib/clickhouse/stored-record.js'
import { readGroups, readQuarantine } from '../../../lib/clickhouse/stored-quarantine.js'
import { recordsOfTable } from '../../../lib/clickhouse/table-records.js'
import { CHANGED_OBJECTS, RECORDS } from '../../../lib/clickhouse/tables.js'
import type { SchemaDescriptor } from '../../../lib/schema/descriptor.js'
import { compileSchema } from '../../../lib/schema/schema.js'
import { findPosition, keysBetween, lastPosition } from '../../../lib/source/change-log.js'
import { findLakeWarnings } from '../../../lib/source/lake-warnings.js'
import { LossGuard } from '../../../lib/source/loss-guard.js'
import { reconcile, type Reconciled, type ReconcileProgress } from '../../../lib/source/reconcile.js'
import type { SourceRules } from '../../../lib/source/rules.js'
import { EMPTY_NAME, emptyState } from '../../../lib/source/source-state.js'
import { StoreError } from '../../../lib/store/object-store.js'
import { tableFields } from '../../../lib/table/table-field.js'
import { connect, drop, noClickHouse } from '../../support/clickhouse.js'
import { runs } from '../../support/property-runs.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'

const schema: SchemaDescriptor = {
  fields: [
    { name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }, { name: 'born', type: 'date', role: 'birth' }, { name: 'size', type: 'number' }, { name: 'seen', type: 'datetime' },
    { name: 'member', type: 'boolean' }, { name: 'n', type: 'integer' },
    { name: 'front', type: 'string', source: 'image', extensions: ['front.jpg'] }, { name: 'photo', type: 'string', source: 'image', extensions: ['png', 'gif'] }
  ]
}
const OUTPUT = 'out.csv'
const fields = tableFields(compileSchema(schema))
const RULES: SourceRules = { prefix: 'in/', ownKeys: ['in/own.csv'], imageExtensions: [], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema, timeZone: 'Europe/Moscow' }

/** A bucket whose clock advances by one second with each write, and a store over it whose requests fail as the test requires. */
class Lake {
  readonly bucket: S3Bucket
  readonly store: MemoryStore
  /** The keys that cannot be read, with the error. */
  readonly broken = new Map<string, StoreError>()
  /** The keys of objects that are listed with all others, and cannot be found by requests for their keys. */
  readonly hidden = new Set<string>()
  /** What happens to an object after it was listed, when it is read. */
  readonly meanwhile = new Map<string, () => void>()
  gets = 0
  #now = Date.parse('2025-01-01')

  constructor () {
    this.bucket = new S3Bucket(() => { this.#now += 1000; return this.#now })
    const memory = new MemoryStore(this.bucket)
    this.store = wrapStore(memory, {
      list: (prefix, options) => memory.list(this.hidden.has(prefix) ? `${prefix}, which is hidden` : prefix, options),
      get: async (key, options) => {
        this.gets++
        const error = this.broken.get(key)
        if (error !== undefined) throw error
        if (this.hidden.has(key)) return undefined
        this.meanwhile.get(key)?.()
        this.meanwhile.delete(key)
        return await memory.get(key, options)
      }
    }) as MemoryStore
  }
}

interface TwinsOptions { readonly rules?: SourceRules, readonly maxLoss?: number, readonly batchObjects?: number, readonly pageObjects?: number }

/** The same lake twice: one is reconciled in memory, and one in the engine. */
class Twins {
  readonly lakes = [new Lake(), new Lake()] as const
  readonly #rules: SourceRules
  readonly #ingest: LakeIngest
  readonly connection: Connection
  readonly #lossGuard: LossGuard
  time = 1000
  /** The reports of the reconciles in the engine. */
  readonly progress: ReconcileProgress[] = []
  inMemory: Reconciled | undefined
  inEngine: Ingested | undefined

  private constructor (connection: Connection, commits: Commits, { rules, maxLoss, ...options }: Required<TwinsOptions>) {
    this.#rules = rules
    this.connection = connection
    this.#lossGuard = new LossGuard(maxLoss)
    this.#ingest = new LakeIngest(this.lakes[1].store, { connection, commits, rules, clock: () => this.time, maxLoss, ...options })
  }

  static async open (connection: Connection, { rules = RULES, maxLoss = 1, batchObjects = 10_000, pageObjects = 10_000 }: TwinsOptions = {}): Promise<Twins> {
    const commits = await Commits.open({ store: new MemoryStore(new S3Bucket(Date.now)), key: 'out.engine.json', connection, fields, timeZone: rules.timeZone, identity: { lake: 'a', schema: rules.schema }, clock: () => 0, wallClock: Date.now })
    return new Twins(connection, commits, { rules, maxLoss, batchObjects, pageObjects })
  }

  each (change: (lake: Lake) => void): void {
    this.lakes.forEach(change)
  }

  put (key: string, body: string): void {
    this.each(({ bucket }) => { bucket.put(key, body) })
  }

  /** Reconciles both, and compares all that they have. */
  async reconcile (): Promise<Ingested> {
    const last = this.inMemory
    const gets = this.lakes.map(({ gets }) => gets)
    const previous = this.inEngine
    const found = await this.#ingest.reconcile(previous?.committed, { publishedKey: OUTPUT, onProgress: (progress) => this.progress.push(progress) }).catch((error: unknown) => {
      if (error instanceof LargeLossError) return error
      throw error
    })
    const expected = await reconcile(this.lakes[0].store, last?.state ?? emptyState(fields), () => this.time, { rules: this.#rules, quarantine: last?.quarantine, lossGuard: this.#lossGuard, publishedKey: OUTPUT }).catch((error: unknown) => {
      if (found instanceof LargeLossError) assert.deepEqual(error, found)
      throw error
    })
    if (found instanceof LargeLossError) throw found
    assert.deepEqual(found.largeLoss, expected.largeLoss)
    this.inMemory = expected
    this.inEngine = found
    const { committed, summary: { listed, skipped, ignored, coverage } } = found
    const { state, quarantine, warnings } = expected
    assert.deepEqual(await allRecords(this.connection, committed.number), [...recordsOfTable(state.table, state)].map((record) => toRow(fields, record)).map(asRead))
    assert.equal(committed.name, state.table.version)
    assert.equal(committed.records, state.table.length)
    const groups = await readGroups(this.connection, committed.number)
    const stored = await readQuarantine(this.connection, committed.number, ignored, groups)
    assert.deepEqual(stored, { ...quarantine, origin: '' })
    assert.deepEqual(findLakeWarnings({ prefix: this.#rules.prefix, listed, records: committed.records, counts: stored.counts, ignored, groups, skipped, coverage }), warnings)
    assert.deepEqual([coverage, found.failed, found.readAgainAt], [expected.coverage, expected.failed, expected.readAgainAt])
    if (previous !== undefined && last!.state.name !== EMPTY_NAME) assert.deepEqual([...found.touched!].sort(compareUtf8), keysBetween(state.changes, findPosition(state.changes, lastPosition(last!.state.changes))!, state.changes.ends.length - 1))
    const [downloads, inEngine] = this.lakes.map(({ gets: now }, i) => now - gets[i]!)
    // If many files cannot be read, the batches are reconciled twice.
    if (this.lakes[0].broken.size === 0) assert.equal(inEngine, downloads)
    this.each(({ meanwhile }) => { meanwhile.clear() })
    return found
  }
}

/** All records of a version with all their columns. */
async function allRecords (connection: Connection, number: bigint): Promise<unknown[]> {
  const columns = columnsOfRow(fields).map((name) => name === 'hash' ? sql`toString(${identifier(name)})` : identifier(name))
  const rows = await connection.query<unknown[]>(sql`SELECT ${join(columns, ', ')} FROM ${connection.table(RECORDS)} WHERE ${validIn(number)} ORDER BY key`)
  return rows.map(asRead)
}

/** JSON has no -0, and no order of the names of a map. */
function asRead (row: unknown[]): unknown {
  return JSON.parse(JSON.stringify(row), (_, value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).sort() : value)
}

const folder = fc.constantFrom('in/', 'in/', 'in/sub/', 'in/x.')
const id = fc.constantFrom('a', 'a.b', 'a-b', 'A', 'ü', '😀', "it's \\n", '', '.', 'tab\there', '\ue000')
const text = fc.constantFrom('Ann', '', '"a,b"', '__proto__', 'bad')
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('info' as const), folder, id, extension: fc.constantFrom('.csv', '.csv', '.CSV', '.json', '.json.gz'), name: text, size: fc.constantFrom('', '1.5', '-0', '1e300'), born: fc.constantFrom('', '2000-02-29', '1969-12-31'), extra: fc.constantFrom('', 'city', '__proto__', 'a.b') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('image' as const), folder, id, extension: fc.constantFrom('.png', '.gif', '.front.jpg', '.txt', ''), text: fc.constantFrom('x', 'yy') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), nth: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), nth: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('refuse' as const, 'fail' as const, 'vanish' as const, 'replace' as const, 'hide' as const), nth: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repair' as const) }) }
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function apply ({ bucket, broken, hidden, meanwhile }: Lake, step: Step): void {
  const keyAt = (nth: number) => bucket.keys()[nth % Math.max(1, bucket.keys().length)]
  if (step.do === 'info') {
    const { folder, id, extension, name, size, born, extra } = step
    const more = extra === '' ? [] : [[extra, 'Rome']]
    bucket.put(folder + id + extension, extension.toLowerCase() === '.csv'
      ? `name,born,size,seen,member,n${extra && `,${extra}`}\n${name === 'bad' ? '' : `${name},${born},${size},2025-01-02T03:04:05Z,true,-9007199254740991${extra && ',Rome'}\n`}`
      : JSON.stringify({ name, born: born === '' ? null : born, size: null, seen: null, member: null, n: null, ...Object.fromEntries(more) }))
  } else if (step.do === 'image') bucket.put(step.folder + step.id + step.extension, step.text)
  else if (step.do === 'repair') {
    broken.clear()
    hidden.clear()
  } else {
    const key = keyAt(step.nth)
    if (key === undefined) return
    if (step.do === 'delete') bucket.delete(key)
    else if (step.do === 'again') bucket.put(key, bucket.get(key)!.body)
    else if (step.do === 'hide') hidden.add(key)
    else if (step.do === 'vanish') meanwhile.set(key, () => { bucket.delete(key) })
    else if (step.do === 'replace') meanwhile.set(key, () => { bucket.put(key, `name,born,size,seen,member,n\nZoe,,,,,${step.nth}\n`) })
    else broken.set(key, new StoreError('store_error', 'broken', { isRefused: step.do === 'refuse' }))
  }
}

t.test('a lake in the engine has the records, the quarantine and the warnings that it has in memory, after any changes', { skip: noClickHouse }, async (t) => {
  for (const batchObjects of [1, 3, 10_000]) {
    await t.test(`batches of ${batchObjects}`, async (t) => {
      const rounds = fc.array(fc.record({ steps: fc.array(step, { maxLength: 8 }), seconds: fc.constantFrom(1, 30, 700) }), { minLength: 2, maxLength: 6 })
      await fc.assert(fc.asyncProperty(rounds, fc.constantFrom('shortest' as const, 'newest' as const), async (rounds, duplicates) => {
        const connection = await connect({ teardown: () => {} })
        try {
          const twins = await Twins.open(connection, { rules: { ...RULES, duplicates }, batchObjects, pageObjects: batchObjects + 1 })
          for (const { steps, seconds } of rounds) {
            twins.each((lake) => steps.forEach((step) => apply(lake, step)))
            twins.time += seconds * 1000
            await twins.reconcile()
          }
          const [rows] = await connection.query<[number]>(sql`SELECT count() FROM ${connection.table(CHANGED_OBJECTS)}`)
          assert.equal(rows![0], 0, 'changes of listings are removed')
        } finally {
          await drop(connection)
          await connection.close()
        }
      }), { ...runs(6), endOnFailure: true })
      t.pass()
    })
  }
})

const INFO = 'name,born,size,seen,member,n\nAnn,,,,,\n'

t.test('a listing without changes commits no version, and updates the time of the last listing', { skip: noClickHouse }, async (t) => {
  const twins = await Twins.open(await connect(t))
  twins.put('in/a.csv', INFO)
  twins.put('in/b.csv', 'name\n')
  const first = await twins.reconcile()
  t.match(twins.progress.splice(0).at(-1), { listed: 2, toFetch: 2, fetched: 2, isCommitting: true })
  twins.time += 5000
  const second = await twins.reconcile()
  t.equal(second.committed.number, first.committed.number)
  t.equal(second.committed.summary.listedAt, twins.time)
  t.same(second.touched, [])
  t.same(twins.progress.splice(0), [{ listed: 2, requests: 1, toFetch: 0, fetched: 0 }, { listed: 2, requests: 1, toFetch: 0, fetched: 0, isCommitting: true }], 'each page is progress, also without a change')
})

t.test('a file that cannot be found any more after it was listed is read when a later listing has it, even in the same version', { skip: noClickHouse }, async (t) => {
  const twins = await Twins.open(await connect(t))
  twins.put('in/a.csv', INFO)
  twins.put('in/a.png', 'x')
  twins.each(({ hidden }) => hidden.add('in/a.csv'))
  t.equal((await twins.reconcile()).committed.records, 0)
  t.equal((await twins.reconcile()).committed.records, 0)
  twins.each(({ hidden }) => { hidden.clear() })
  t.equal((await twins.reconcile()).committed.records, 1)
  twins.put('in/a.csv', 'bad')
  twins.each(({ hidden }) => hidden.add('in/a.csv'))
  t.equal((await twins.reconcile()).committed.records, 0, 'a record is gone with its file')
  twins.each(({ hidden }) => { hidden.clear() })
  t.equal((await twins.reconcile()).committed.records, 0)
  t.equal((await readGroups(twins.connection, twins.inEngine!.committed.number))[0]!.code, 'missing_column')
})

t.test('a large loss is believed once the next listing agrees, as in memory', { skip: noClickHouse }, async (t) => {
  const twins = await Twins.open(await connect(t), { maxLoss: 0.2, batchObjects: 50, pageObjects: 64 })
  const keys = Array.from({ length: 300 }, (_, i) => `in/${i}.csv`)
  const remove = (from: number, to: number) => twins.each(({ bucket }) => { for (const key of keys.slice(from, to)) bucket.delete(key) })
  twins.each(({ bucket }) => { bucket.put(OUTPUT, '', { 'x-amz-meta-records': '300' }) })
  for (const key of keys.slice(0, 150)) twins.put(key, INFO)
  await t.rejects(twins.reconcile(), new LargeLossError({ lost: 150, before: 300 }), 'of the published records')
  for (const key of keys.slice(150)) twins.put(key, INFO)
  const whole = await twins.reconcile()
  remove(0, 150)
  await t.rejects(twins.reconcile(), new LargeLossError({ lost: 150, before: 300 }))
  for (const key of keys.slice(0, 150)) twins.put(key, INFO)
  remove(150, 300)
  await t.rejects(twins.reconcile(), LargeLossError, 'another half')
  t.equal(twins.inEngine, whole)
  const half = await twins.reconcile()
  t.same(half.largeLoss, { lost: 150, before: 300 })
  t.equal(half.committed.records, 150)
})

t.test('files of the last listing that could not be read count as records that a listing lacks, as in memory', { skip: noClickHouse }, async (t) => {
  const twins = await Twins.open(await connect(t), { maxLoss: 0.2, batchObjects: 50, pageObjects: 64 })
  const keys = Array.from({ length: 300 }, (_, i) => `in/${i}.csv`)
  for (const key of keys) twins.put(key, INFO)
  twins.each(({ broken }) => { for (const key of keys.slice(10)) broken.set(key, new StoreError('timeout', 'slow')) })
  t.equal((await twins.reconcile()).committed.records, 10)
  twins.each(({ bucket, broken }) => {
    for (const key of keys.slice(0, 150)) bucket.delete(key)
    broken.clear()
  })
  twins.time += 3_600_000
  await t.rejects(twins.reconcile(), LargeLossError)
  t.equal((await twins.reconcile()).committed.records, 150)
})

t.test('if half of the info files cannot be read, the lake is the cause, whatever the batches are; if fewer, the files are', { skip: noClickHouse }, async (t) => {
  const refused = new StoreError('access_denied', 'refused', { isRefused: true })
  for (const batchObjects of [1, 10_000]) {
    const connection = await connect(t)
    const twins = await Twins.open(connection, { batchObjects })
    const codes = async (found: Ingested) => (await readGroups(connection, found.committed.number)).map(({ code, count }) => [code, count])
    for (const key of ['a', 'b', 'c', 'd']) twins.put(`in/${key}.csv`, INFO)
    twins.each(({ broken }) => { for (const key of ['a', 'b', 'c']) broken.set(`in/${key}.csv`, refused) })
    const first = await twins.reconcile()
    t.same([await codes(first), first.coverage], [[['download_failed', 3]], { infoFiles: 4, unread: 3 }])
    twins.time += 3_600_000
    twins.each(({ broken }) => { for (const key of ['b', 'c']) broken.delete(`in/${key}.csv`) })
    const second = await twins.reconcile()
    t.same([await codes(second), second.coverage, second.committed.records], [[['unreadable', 1]], { infoFiles: 4, unread: 0 }, 3])
  }
})

t.test('of two processes that find the same change, one commits it; the other one follows, and goes on', { skip: noClickHouse }, async (t) => {
  const connection = await connect(t)
  const { store, bucket } = new Lake()
  const open = async () => await Commits.open({ store, key: 'out.engine.json', connection, fields, timeZone: RULES.timeZone, identity: { lake: 'a', schema: RULES.schema }, clock: () => 0, wallClock: Date.now })
  const [first, second] = await Promise.all([open(), open()])
  const [one, other] = [first, second].map((commits) => new LakeIngest(store, { connection, commits, rules: RULES, clock: () => 0 }))
  bucket.put('in/a.csv', INFO)
  const base = await first.current()
  await one!.reconcile(base)
  await t.rejects(other!.reconcile(base), CommitConflictError)
  bucket.put('in/b.csv', INFO)
  const { committed } = await other!.reconcile(await second.current())
  t.same([committed.number, committed.records], [2n, 2])
})

t.test('changes that the engine has lost before they were read are an error, not a smaller lake', { skip: noClickHouse }, async (t) => {
  const connection = await connect(t)
  await Twins.open(connection)
  const changed = new ChangedObjects(connection)
  await changed.add(['a', 'b', 'c', 'd'].map((id) => ({ key: `in/${id}.csv`, id })))
  const batches = changed.batches(2)
  t.same((await batches.next()).value!.map(({ id }: { id: string }) => id), ['a'])
  await changed.drop()
  await t.rejects(async () => { while ((await batches.next()).done !== true); }, { name: 'EngineError', code: 'engine_incomplete', message: 'The engine has returned 1 of the 4 changes of a listing' })
})
