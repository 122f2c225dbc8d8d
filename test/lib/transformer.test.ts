import { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { calendarDay } from '../../lib/base/calendar.js'
import type { Export } from '../../lib/output/exporter.js'
import { planRequest, type ExportQuery } from '../../lib/output/request-plan.js'
import { EtagCache } from '../../lib/source/etag-cache.js'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { UserDataTransformer, type TransformerOptions } from '../../lib/transformer.js'
import { noPause } from '../support/virtual-time.js'
import { csv, CLOCK_START } from '../support/app.js'
import { testFolder } from '../support/test-folder.js'

/** The library without any server: a folder, a cache, a transformer. */
async function setUp (t: Test, options: Partial<TransformerOptions> = {}) {
  const root = testFolder(t, { source_data: { '1.csv': csv('Ann', 'Lee', Date.UTC(1990, 5, 15)), '2.csv': csv('Bob', 'Ray', 0), '1.png': 'x' } })
  const store = new FolderStore(root)
  const transformer = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause, clock: () => CLOCK_START, ...options })
  t.teardown(async () => {
    await transformer.close()
    await store.close()
  })
  return { store, transformer }
}

async function exportOf (transformer: UserDataTransformer, query: ExportQuery): Promise<Export> {
  return await transformer.export(transformer.current, planRequest(transformer.current, query))
}

async function text ({ body }: Export) {
  return Buffer.isBuffer(body) ? body.toString() : await textOf(Readable.from(body))
}

t.test('the library reconciles, selects, computes ages and publishes without a server', async (t) => {
  const { store, transformer } = await setUp(t)
  await t.rejects(transformer.select(), { name: 'NoDataError' })
  await transformer.reconcile()
  t.equal((await transformer.select()).count, 2)
  const filters = transformer.ageFilters({ min: 30, max: 40, asOf: CLOCK_START })
  t.equal(await text(await exportOf(transformer, { filters, columns: ['first_name'], format: 'csv', delimiter: ';' })), 'first_name\r\nAnn\r\n')
  t.equal(await transformer.averageAge({ filters, asOf: Date.UTC(1990, 5, 15) + 31_557_600_000 }), 1)
  t.ok(await transformer.averageAge() > 40, 'the default instant is that of the clock')
  t.match(await transformer.updateOutput({ columns: ['user_id', 'img_path'], emptyValue: 'ø', delimiter: ', ' }), { records: 2, added: 2, skipped: false, rejected: 0 })
  t.match(await store.get('processed_data/output.csv'), { body: Buffer.from('user_id, img_path\r\n1, source_data/1.png\r\n2, ø\r\n') })
  t.match(await transformer.updateOutput({ columns: ['user_id', 'img_path'], filters: [{ column: 'img_path', op: 'exists', value: true }] }), { records: 1 })
})

t.test('what the process holds is known as soon as it has a data version', async (t) => {
  const { transformer } = await setUp(t)
  t.equal(transformer.holdings(), undefined)
  const found: unknown[] = []
  transformer.onReconcile(() => { found.push(transformer.holdings()) })
  await transformer.reconcile()
  t.match(found, [{ records: 2, unserved: { rejects: 0, orphans: 0, ignored: 0 } }], 'the reconcile has not ended yet')
})

t.test('the virtual column of ages needs an instant; an output has no instant, so its ages are empty', async (t) => {
  const { transformer, store } = await setUp(t)
  await transformer.reconcile()
  await transformer.updateOutput({ columns: ['user_id', 'age'] })
  t.match(await store.get('processed_data/output.csv'), { body: Buffer.from('user_id,age\r\n1,\r\n2,\r\n') })
  t.equal(await text(await exportOf(transformer, { columns: ['user_id', 'age'], format: 'csv', asOf: Date.UTC(2026, 0, 1) })), 'user_id,age\r\n1,35\r\n2,56\r\n')
  await t.rejects(transformer.select({ sort: [{ column: 'age' }] }), { name: 'TypeError', message: /needs the instant/ })
})

t.test('a filter may be a function', async (t) => {
  const { transformer } = await setUp(t)
  await transformer.reconcile()
  t.equal((await transformer.select({ filters: [(row) => row.birthts === 0] })).count, 1)
})

t.test('each filter operator selects the records that match, and refuses values and columns that do not fit it', async (t) => {
  const { transformer } = await setUp(t)
  await transformer.reconcile()
  const count = async (filter: any) => (await transformer.select({ filters: [filter] })).count
  t.equal(await count({ column: 'first_name', op: 'equals', value: ['Ann', 'Bob'] }), 2)
  t.equal(await count({ column: 'user_id', op: 'equals', value: ['2', '1', '2'] }), 2, 'an id that is given twice selects one record')
  t.equal(await count({ column: 'first_name', op: 'equals', value: 'ann' }), 0)
  t.equal(await count({ column: 'first_name', op: 'equals', value: 'ann', fold: true }), 1)
  t.equal(await count({ column: 'first_name', op: 'prefix', value: 'A' }), 1)
  t.equal(await count({ column: 'img_path', op: 'prefix', value: '' }), 1, 'a missing value has no prefix')
  t.equal(await count({ column: 'birthts', op: 'range', value: { max: 0 } }), 1)
  const birthDate = calendarDay(Date.UTC(1990, 5, 15), 'UTC')
  t.equal(await count({ op: 'born', unit: 'calendar day', value: { min: birthDate, max: birthDate } }), 1)
  t.equal(await count({ column: 'img_path', op: 'exists', value: false }), 1)
  t.equal(await count({ column: 'first_name', op: 'exists', value: true }), 2)
  await t.rejects(count({ column: 'first_name', op: 'range', value: { min: 0 } }), { name: 'TypeError', message: /is text, and 0 is not/ })
  await t.rejects(count({ column: 'first_name', op: 'like', value: 'x' }), { name: 'TypeError', message: 'Unknown filter operator like' })
  await t.rejects(count({ column: 'fist_name', op: 'exists', value: true }), { name: 'UnknownColumnError', nearest: 'first_name', usedIn: 'filters' })
  await t.rejects(transformer.select({ columns: ['birth_date'] }), { name: 'UnknownColumnError', usedIn: 'columns' })
  await t.rejects(count({ column: 'birth_date', op: 'equals', value: String(birthDate) }), { name: 'UnknownColumnError', usedIn: 'filters' })
})

t.test('filters on an undeclared column ignore case if requested, although its values then have another order', async (t) => {
  const { store, transformer } = await setUp(t)
  const cities = ['rome', 'ROME', 'Paris', '', 'Straße']
  for (const [i, city] of cities.entries()) await store.put(`source_data/1${i}.csv`, Buffer.from(`first_name,last_name,birthts,city\nA,B,${i},${city}\n`))
  await transformer.reconcile()
  const idsOf = async (filter: any) => {
    const rows: unknown[] = []
    for await (const batch of (await transformer.select({ columns: ['user_id'], filters: [filter] })).batches()) rows.push(...batch.map(([id]) => id))
    return rows
  }
  t.same(await idsOf({ column: 'city', op: 'equals', value: 'Rome', fold: true }), ['10', '11'])
  t.same(await idsOf({ column: 'city', op: 'equals', value: 'STRASSE', fold: true }), ['14'])
  t.same(await idsOf({ column: 'city', op: 'prefix', value: 'PA', fold: true }), ['12'])
  t.same(await idsOf({ column: 'city', op: 'prefix', value: 'R' }), ['11'])
  t.same(await idsOf({ column: 'city', op: 'exists', value: true }), ['10', '11', '12', '13', '14'], 'empty text is a value')
  t.same(await idsOf({ column: 'city', op: 'exists', value: false }), ['1', '2'])
})

t.test('a selection is of one version, even if the data changes while it is read', async (t) => {
  const { store, transformer } = await setUp(t)
  await transformer.reconcile()
  const chunks = await exportOf(transformer, { format: 'ndjson', columns: ['first_name'] })
  await store.put('source_data/1.csv', Buffer.from(csv('Amy')))
  await transformer.reconcile({ fresh: true })
  t.equal(await text(chunks), '{"first_name":"Ann"}\n{"first_name":"Bob"}\n')
  t.equal(await text(await exportOf(transformer, { format: 'ndjson', columns: ['first_name'] })), '{"first_name":"Amy"}\n{"first_name":"Bob"}\n')
})

t.test('the options for the prefix, the output key, the delimiter and the extensions of images apply', async (t) => {
  const { store, transformer } = await setUp(t, { sourcePrefix: 'people/', outputKey: 'people/all.csv', inputDelimiter: ';', imageExtensions: ['bmp'] })
  await store.put('people/7.csv', Buffer.from('first_name;last_name;birthts\nJo;"a;b";7\n'))
  await store.put('people/7.bmp', Buffer.from('BM'))
  await store.put('people/7.png', Buffer.from('png'))
  t.match(await transformer.updateOutput(), { records: 1, key: 'people/all.csv', rejected: 0 })
  await transformer.reconcile({ fresh: true })
  t.equal(await text(await exportOf(transformer, { format: 'csv' })), 'user_id,first_name,last_name,birthts,img_path\r\n7,Jo,a;b,7,people/7.bmp\r\n')
  t.match(transformer.quarantine(), { counts: { rejects: 0, orphans: 0, ignored: 1 }, count: 0 })
})

t.test('columns whose names contain a comma or an equals sign are kept, and are not suggested in messages', async (t) => {
  const { store, transformer } = await setUp(t)
  await store.put('source_data/3.csv', Buffer.from('first_name,last_name,birthts,"a,b",a=b\nA,B,0,x,y\n'))
  await transformer.reconcile()
  t.equal(await text(await exportOf(transformer, { columns: ['a,b', 'a=b'], filters: [{ column: 'user_id', op: 'equals', value: '3' }], format: 'ndjson' })), '{"a,b":"x","a=b":"y"}\n')
  t.equal((await transformer.select({ columns: ['a-b'] }).catch((error) => error)).nearest, undefined)
})
