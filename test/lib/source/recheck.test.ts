import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { SchemaDescriptor } from '../../../lib/schema/descriptor.js'
import { compileSchema } from '../../../lib/schema/schema.js'
import { findPosition, keysBetween, lastPosition } from '../../../lib/source/change-log.js'
import { recheck, recordFinder } from '../../../lib/source/recheck.js'
import { reconcile, type Reconciled } from '../../../lib/source/reconcile.js'
import type { SourceRules } from '../../../lib/source/rules.js'
import { emptyState } from '../../../lib/source/source-state.js'
import { StoreError } from '../../../lib/store/object-store.js'
import { unpackEtag } from '../../../lib/store/packed-etag.js'
import { tableFields } from '../../../lib/table/table-field.js'
import { TableReader } from '../../../lib/table/table.js'
import { runs } from '../../support/property-runs.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'
import { contentOf } from '../../support/view-content.js'

const schema: SchemaDescriptor = {
  fields: [
    { name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }, { name: 'born', type: 'date', role: 'birth' },
    { name: 'front', type: 'string', source: 'image', extensions: ['front.jpg'] }, { name: 'photo', type: 'string', source: 'image', extensions: ['png', 'gif'] }
  ]
}
const RULES: SourceRules = { prefix: 'in/', ownKeys: ['in/own.csv'], imageExtensions: [], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema, timeZone: 'UTC' }

/** A bucket whose clock advances by a second with each write, and a store over it that counts requests. */
function setUp () {
  let now = Date.parse('2025-01-01')
  const bucket = new S3Bucket(() => { now += 1000; return now })
  const memory = new MemoryStore(bucket)
  const counts = { LIST: 0, GET: 0, HEAD: 0 }
  const store = wrapStore(memory, {
    list: async function * (prefix, options) { counts.LIST++; yield * memory.list(prefix, options) },
    get: async (key, options) => { counts.GET++; return await memory.get(key, options) },
    head: async (key) => { counts.HEAD++; return await memory.head(key) }
  })
  let time = 0
  const clock = () => ++time
  const list = async (last?: Reconciled, rules = RULES) => await reconcile(store, last?.state ?? emptyState(tableFields(compileSchema(schema))), clock, { rules, quarantine: last?.quarantine })
  const check = async (last: Reconciled, keys: readonly string[], rules = RULES) => {
    const found = await recheck(store, last, keys, clock, rules)
    return found && { ...last, ...found }
  }
  return { bucket, store, counts, list, check }
}

const info = (name: string, more: Record<string, string> = {}) => `name,born${Object.keys(more).map((column) => `,${column}`).join('')}\n${name},2000-01-02${Object.values(more).map((value) => `,${value}`).join('')}\n`
const namesOf = ({ state }: Reconciled) => { const table = new TableReader(state.table); return Array.from({ length: table.length }, (_, row) => table.value(row, 'name')) }

const id = fc.constantFrom('a', 'a.b', 'ü', '😀', 'z')
const change = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('in/', 'in/', 'in/sub/'), id, fc.constantFrom('.csv', '.csv', '.CSV', '.json'), fc.constantFrom('Ann', 'Bob', 'bad'), fc.constantFrom('', 'city', '__proto__')) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('in/', 'in/sub/'), id, fc.constantFrom('.png', '.gif', '.front.jpg', '.txt'), fc.constantFrom('x', 'yy'), fc.constant('')) },
  { weight: 4, arbitrary: fc.nat() }
)
/** What becomes of an event: how many times it arrives, and when. */
const event = fc.record({ times: fc.constantFrom(0, 1, 1, 1, 2), order: fc.nat() })
const forged = fc.constantFrom('in/a.csv', 'in/missing.csv', 'in/z.png', 'out/a.csv', 'in/own.csv', 'in/.csv', 'in/x.txt', '', 'in/a\0.csv', 'in/../a.csv')

function apply (bucket: S3Bucket, step: number | readonly [string, string, string, string, string]): string {
  if (typeof step === 'number') {
    const key = bucket.keys()[step % Math.max(1, bucket.keys().length)] ?? ''
    bucket.delete(key)
    return key
  }
  const [folder, id, extension, text, column] = step
  const key = folder + id + extension
  const body = text === 'bad' ? 'name\n' : extension.toLowerCase() === '.csv' ? info(text, column === '' ? {} : { [column]: 'Rome' }) : extension === '.json' ? JSON.stringify({ name: text, born: '2000-01-02' }) : text
  bucket.put(key, body)
  return key
}

for (const duplicates of ['shortest', 'newest'] as const) {
  t.test(`re-checks in any order, repeated, lost and forged, find what a listing finds (${duplicates})`, async (t) => {
    const rules = { ...RULES, duplicates }
    let decided = 0
    let asked = 0
    await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.tuple(change, event), { maxLength: 5 }), { minLength: 2, maxLength: 6 }), fc.array(forged, { maxLength: 4 }), async (rounds, forgeries) => {
      const { bucket, list, check } = setUp()
      bucket.put('in/first.csv', info('First'))
      let view = await list(undefined, rules)
      let twin = view
      for (const round of rounds) {
        const events = round.flatMap(([step, { times, order }]) => Array.from({ length: times }, () => ({ key: apply(bucket, step), order })))
        for (const [step, { times }] of round) if (times === 0) apply(bucket, step)
        const keys = [...events.sort((a, b) => a.order - b.order).map(({ key }) => key), ...forgeries]
        const isLossless = round.every(([, { times }]) => times > 0)
        // Some in one call, some in calls of their own.
        for (const batch of [keys.slice(0, 2), ...keys.slice(2).map((key) => [key])]) {
          asked++
          const found = await check(view, batch, rules)
          if (found !== undefined) decided++
          const before = lastPosition(view.state.changes)
          const next = found ?? await list(view, rules)
          const changed = new Set([...contentKeys(view), ...contentKeys(next)].filter((id) => contentKeys(view, id) !== contentKeys(next, id)))
          const logged = keysBetween(next.state.changes, findPosition(next.state.changes, before)!, next.state.changes.ends.length - 1)
          assert.deepEqual(logged, [...changed].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))), 'the change log has the records that differ')
          view = next
        }
        const listed = await list(view, rules)
        if (isLossless) assert.deepEqual(withoutIgnored(view), withoutIgnored(listed), 'a listing finds no more')
        twin = await list(twin, rules)
        // If a file moves to another key and is bad there, its last good record remains only if the move is seen at once, as with listings.
        if (listed.quarantine.counts.rejects === 0) assert.deepEqual(contentOf(listed), contentOf(twin), 'a listing after re-checks finds what one without re-checks finds')
        if (!isLossless) view = listed
      }
    }), runs(150))
    t.ok(decided > 0.5 * asked, `${decided} of ${asked} without a listing`)
  })
}

/** The ids of the records; with an id, the record as text, with the versions of its images. */
function contentKeys ({ state }: Reconciled): string[]
function contentKeys ({ state }: Reconciled, id: string): string | undefined
function contentKeys ({ state }: Reconciled, id?: string): string[] | string | undefined {
  const table = new TableReader(state.table)
  if (id === undefined) return Array.from({ length: table.length }, (_, row) => table.keys.at(row))
  const row = table.keys.find(id)
  return row === -1 ? undefined : JSON.stringify([table.row(row), state.images.map(({ modified, sizes }) => [modified[row], sizes[row]])])
}

/** Re-checks do not count ignored objects. */
function withoutIgnored (view: Reconciled): unknown {
  const { quarantine, ...content } = contentOf(view) as { quarantine: { counts: object, json: { bytes: Uint8Array } } }
  return { ...content, counts: { ...quarantine.counts, ignored: 0 }, json: Buffer.from(quarantine.json.bytes).toString() }
}

t.test('a re-check of a changed file takes a HEAD of each object of its record and one GET; of an unchanged one, no GET', async (t) => {
  const { bucket, counts, list, check } = setUp()
  for (const name of ['a', 'b']) bucket.put(`in/${name}.csv`, info(name))
  bucket.put('in/a.png', 'x')
  const first = await list()
  bucket.put('in/a.csv', info('Ann'))
  Object.assign(counts, { LIST: 0, GET: 0, HEAD: 0 })
  const second = await check(first, ['in/a.csv'])
  t.same(namesOf(second!), ['Ann', 'b'])
  t.same(counts, { LIST: 0, GET: 1, HEAD: 2 })
  t.equal((await check(second!, ['in/a.csv', 'in/b.csv']))!.state, second!.state, 'nothing has changed')
  t.equal(counts.GET, 1)
})

t.test('a re-check returns nothing if only a listing can decide', async (t) => {
  const { bucket, list, check, store } = setUp()
  const empty = await list()
  bucket.put('in/a.csv', info('Ann'))
  t.equal(await check(empty, ['in/a.csv']), undefined, 'the first record of a lake')
  for (let i = 0; i < 150; i++) bucket.put(`in/${i}.csv`, info(String(i)))
  bucket.put('in/a.png', 'old')
  bucket.put('in/a.gif', 'new')
  const full = await list()
  bucket.delete('in/a.gif')
  t.equal(await check(full, ['in/a.gif']), undefined, 'a record with an older image loses the newer one')
  const after = await list(full)
  const gone = Array.from({ length: 101 }, (_, i) => `in/${i}.csv`)
  for (const key of gone) bucket.delete(key)
  const most = await check(after, gone.slice(0, 99))
  t.equal(most!.state.table.length, 52)
  t.equal(await check(most!, gone.slice(99)), undefined, 'only a listing may remove so many records')
  bucket.put('in/a.csv', info('Amy'))
  await t.rejects(recheck(wrapStore(store, { head: async () => { throw new StoreError('timeout', 'late') } }), after, ['in/a.csv'], () => 0, RULES), { code: 'timeout' })
  const failing = wrapStore(store, { get: async () => { throw new StoreError('unreachable', 'away') } })
  t.equal(await recheck(failing, after, ['in/a.csv'], () => 0, RULES), undefined, 'a file cannot be downloaded')
})

t.test('records that re-checks remove count together until the next listing, also if others are added', async (t) => {
  const { bucket, list, check } = setUp()
  for (let i = 0; i < 300; i++) bucket.put(`in/${i}.csv`, info(String(i)))
  const full = await list()
  const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `in/${from + i}.csv`)
  for (const key of keys(0, 60)) bucket.delete(key)
  const fewer = await check(full, keys(0, 60))
  t.equal(fewer!.removedSince, 60)
  for (const key of keys(300, 360)) bucket.put(key, info('new'))
  const more = await check(fewer!, keys(300, 360))
  t.equal(more!.state.table.length, 300)
  for (const key of keys(60, 100)) bucket.delete(key)
  t.equal((await check(more!, keys(60, 99)))!.removedSince, 99)
  t.equal(await check(more!, keys(60, 100)), undefined)
  t.match(await check(await list(more), keys(60, 100)), { removedSince: 0 })
})

t.test('an object that is deleted between the HEAD and the GET is removed; one that is listed and cannot be found is left to a listing', async (t) => {
  const { bucket, counts, list, store } = setUp()
  for (const name of ['a', 'b', 'c', 'd']) bucket.put(`in/${name}.csv`, info(name))
  const first = await list()
  for (const name of ['a', 'b', 'c']) bucket.put(`in/${name}.csv`, info(name.toUpperCase()))
  const keys = ['in/a.csv', 'in/b.csv', 'in/c.csv']
  counts.LIST = 0
  const missing = wrapStore(store, { get: async (key, options) => key === 'in/a.csv' ? undefined : await store.get(key, options) })
  t.equal(await recheck(missing, first, keys, () => 0, RULES), undefined)
  t.equal(counts.LIST, 1, 'the listing of the missing key')
  const deleting = wrapStore(store, {
    get: async (key, options) => {
      if (key === 'in/a.csv') bucket.delete(key)
      return await store.get(key, options)
    }
  })
  const next = await recheck(deleting, first, keys, () => 0, RULES)
  t.same(namesOf({ ...first, ...next! }), ['B', 'C', 'd'])
})

t.test('the image of a record whose info file is deleted while it is read is an orphan, and belongs to the next info file', async (t) => {
  const { bucket, list, check, store } = setUp()
  for (const name of ['a', 'b']) bucket.put(`in/${name}.csv`, info(name))
  bucket.put('in/a.png', 'x')
  const first = await list()
  const deleting = wrapStore(store, {
    get: async (key, options) => {
      bucket.delete(key)
      return await store.get(key, options)
    }
  })
  const imagesOf = ({ state }: Reconciled) => new TableReader(state.table).keys.find('a') === -1 ? undefined : unpackEtag(state.images[1]!.etags, 0)
  for (const read of [async () => ({ ...first, ...(await recheck(deleting, first, ['in/a.csv'], () => 0, RULES))! }), async () => await reconcile(deleting, first.state, () => 0, { rules: RULES, quarantine: first.quarantine })]) {
    bucket.put('in/a.csv', info('A'))
    const without = await read()
    t.same(namesOf(without), ['b'])
    t.equal(without.quarantine.counts.orphans, 1)
    bucket.put('in/a.csv', info('Amy'))
    const again = await check(without, ['in/a.csv'])
    t.same(namesOf(again as Reconciled), ['Amy', 'b'])
    t.equal(imagesOf(again as Reconciled), bucket.get('in/a.png')!.etag)
    t.equal(again!.quarantine.counts.orphans, 0)
  }
})

t.test('a listing decides whether a refused file is a reject; a re-check of one that is a reject already needs none', async (t) => {
  const { bucket, list, check, store, counts } = setUp()
  for (const name of ['a', 'b', 'c', 'd']) bucket.put(`in/${name}.csv`, info(name))
  const first = await list()
  for (const name of ['a', 'b', 'c']) bucket.put(`in/${name}.csv`, info(name.toUpperCase()))
  const refusing = wrapStore(store, {
    get: async (key, options) => {
      if (key === 'in/a.csv') throw new StoreError('access_denied', 'HTTP 403', { isRefused: true })
      return await store.get(key, options)
    }
  })
  t.equal(await recheck(refusing, first, ['in/a.csv', 'in/b.csv', 'in/c.csv'], () => 0, RULES), undefined)
  const listed = await reconcile(refusing, first.state, () => 0, { rules: RULES })
  t.match(listed, { quarantine: { counts: { rejects: 1 } }, failed: { length: 0 } })
  t.same(namesOf(listed), ['a', 'B', 'C', 'd'])
  counts.GET = 0
  t.equal((await check(listed, ['in/a.csv']))!.state, listed.state)
  t.equal(counts.GET, 0)
  bucket.put('in/a.csv', info('Amy'))
  t.same(namesOf((await check(listed, ['in/a.csv']))!), ['Amy', 'B', 'C', 'd'], 'a new version is read at once')
})

t.test('if HEAD of an object is refused, a listing of its key decides whether the object exists', async (t) => {
  const { bucket, list, store, counts } = setUp()
  for (const name of ['a', 'b', 'c', 'd']) bucket.put(`in/${name}.csv`, info(name))
  const first = await list()
  bucket.put('in/a.csv', info('A'))
  bucket.delete('in/b.csv')
  bucket.delete('in/c.csv')
  counts.LIST = 0
  const denying = wrapStore(store, {
    head: async (key) => {
      if (key === 'in/c.csv') return await store.head(key)
      throw new StoreError('access_denied', 'HTTP 403', { isRefused: true })
    }
  })
  const next = await recheck(denying, first, ['a', 'b', 'c', 'd', 'new'].map((name) => `in/${name}.csv`), () => 0, RULES)
  t.same(namesOf({ ...first, ...next! }), ['A', 'd'])
  t.equal(counts.LIST, 4, 'not for what HEAD has not found')
  t.equal(next!.listRequests, counts.LIST)
  const expired = wrapStore(store, { head: async () => { throw new StoreError('access_denied', 'HTTP 403') } })
  await t.rejects(recheck(expired, first, ['in/a.csv'], () => 0, RULES), { code: 'access_denied' }, 'a refusal that is not about the object')
})

t.test('a lake at the limit of its columns leaves new columns to a listing', async (t) => {
  const { bucket, list, check } = setUp()
  const columns = (first: number, count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${first + i}`, 'x']))
  for (let i = 0; i < 4; i++) bucket.put(`in/${i}.csv`, info(String(i), columns(64 * i, 64)))
  const first = await list()
  bucket.put('in/0.csv', info('0', columns(0, 64)).replace('0,2000', 'zero,2000'))
  t.same(namesOf((await check(first, ['in/0.csv']))!)[0], 'zero')
  bucket.put('in/new.csv', info('new', { one: 'more' }))
  t.equal(await check(first, ['in/new.csv']), undefined)
  const second = await list(first)
  t.equal(second.quarantine.counts.rejects, 1)
  t.equal(await check(second, ['in/1.csv']), undefined, 'a change of any file could admit the rejected one')
})

t.test('the key of an info file or image leads to its record; other keys, and those that a proxy may resolve, lead to none', async (t) => {
  const recordOf = recordFinder(RULES)
  const table: [string, string | undefined][] = [
    ['in/a.csv', 'a'], ['in/sub/a.b.JSON', 'a.b'], ['in/a.front.jpg', 'a'], ['in/ü.png', 'ü'],
    ['in/../a.csv', undefined], ['in/./a.csv', undefined], [`in/${'x/'.repeat(508)}a.csv`, 'a'], [`in/${'x/'.repeat(508)}aa.csv`, undefined], ['in/..a/b..csv', 'b.'],
    ['in/own.csv', undefined], ['in/a.txt', undefined], ['in/a', undefined], ['a.csv', undefined], ['in/.csv', undefined], ['in/...csv', undefined], ['in/a\n.csv', undefined], ['in/a\0.csv', undefined], ['in/\ud800.csv', undefined], ['', undefined]
  ]
  for (const [key, id] of table) t.equal(recordOf(key), id, JSON.stringify(key))
})
