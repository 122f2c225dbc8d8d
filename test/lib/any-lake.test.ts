import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { parquet } from '../../lib/output/parquet.js'
import { render } from '../../lib/output/render.js'
import type { SelectQuery } from '../../lib/query/data-version.js'
import { TableVersion } from '../../lib/query/table-version.js'
import type { Cell, RecordRow } from '../../lib/schema/record.js'
import { parseSchema } from '../../lib/schema/schema.js'
import { decodeSnapshot, encodeSnapshot } from '../../lib/snapshot/snapshot.js'
import { EtagCache } from '../../lib/source/etag-cache.js'
import { emptyState, type SourceState } from '../../lib/source/source-state.js'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { toCell } from '../../lib/table/cell.js'
import { tableFields, type TableField } from '../../lib/table/table-field.js'
import { TableReader, type Table } from '../../lib/table/table.js'
import { UserDataTransformer, type TransformerOptions } from '../../lib/transformer.js'
import { noPause } from '../support/virtual-time.js'
import { readParquet } from '../support/parquet.js'
import { runs } from '../support/property-runs.js'
import { mapInfo, wrapStore } from '../support/stores.js'
import { tableOfAny, utf8ColumnOf, type AnyRow } from '../support/tables.js'
import { testFolder } from '../support/test-folder.js'

const DAY = Date.UTC(2024, 0, 26) / 86_400_000
const NOON = Date.UTC(2024, 0, 26, 12)

/** A column of every type, the key in the middle, and a birth date. */
const SCHEMA = parseSchema(JSON.stringify({
  fields: [
    { name: 'model', type: 'string' },
    { name: 'id', type: 'string', source: 'key' },
    { name: '__count', type: 'integer' },
    { name: 'weight', type: 'number' },
    { name: 'on', type: 'boolean' },
    { name: 'born', type: 'date', role: 'birth' },
    { name: 'seen', type: 'datetime' },
    { name: 'photo', type: 'string', source: 'image' }
  ]
}))
const FIELDS = tableFields(SCHEMA)
const WITHOUT_BIRTH = tableFields(parseSchema(JSON.stringify({ fields: [{ name: 'height', type: 'number' }] })))

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 })
const row: fc.Arbitrary<AnyRow> = fc.record({
  key: fc.nat(30).map(String),
  values: fc.tuple(
    orNull(fc.constantFrom('', 'a', 'A', 'é"', '\n')),
    orNull(fc.constantFrom(0, -1, 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER)),
    orNull(fc.constantFrom(0, -0.5, 1e21, 5e-324, Number.MAX_VALUE)),
    orNull(fc.boolean()),
    orNull(fc.constantFrom(0, -719_162, DAY, DAY + 1)),
    orNull(fc.constantFrom(0, NOON, NOON + 1, Date.UTC(9999, 11, 31)))
  ),
  images: fc.tuple(orNull(fc.constantFrom('a.png', 'b.png'))),
  undeclared: fc.dictionary(fc.constantFrom('city', '__proto__', '__birth_date'), fc.constantFrom('', 'Rome'), { noNullPrototype: false })
})
const rows = fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 14 })

/** The values of the columns of a row, as responses have them. */
function expectedRow (fields: readonly TableField[], { key, values, images = [], undeclared = {} }: AnyRow): RecordRow {
  const ofFiles = [...values]
  const ofImages = [...images]
  const declared = fields.map(({ name, source, type }): [string, Cell] =>
    [name, source === 'key' ? key : source === 'image' ? ofImages.shift() ?? null : toCell(type, ofFiles.shift()!)])
  return { ...Object.fromEntries(declared), ...undeclared }
}

const rowsIn = (data: Table) => {
  const table = new TableReader(data)
  return Array.from({ length: table.length }, (_, row) => ({ ...table.row(row) }))
}

function stateOf (table: Table): SourceState {
  const texts = utf8ColumnOf(Array.from({ length: table.length }, () => 'x'))
  const numbers = new Float64Array(table.length)
  return {
    ...emptyState(table.fields),
    table,
    files: { keys: texts, etags: texts, sizes: new Uint32Array(table.length), racy: new Uint8Array(table.length) },
    images: table.images.map(() => ({ etags: texts, sizes: numbers, modified: numbers }))
  }
}

t.test('a table of any schema has its values, and is the same whether it was built at once, in steps or from a snapshot', async () => {
  fc.assert(fc.property(fc.array(rows, { minLength: 1, maxLength: 3 }), (versions) => {
    let table = tableOfAny(FIELDS, versions[0]!)
    for (const rows of versions) {
      table = tableOfAny(FIELDS, rows, { previous: table })
      const ordered = [...rows].sort((a, b) => a.key < b.key ? -1 : 1)
      const expected = ordered.map((row) => expectedRow(FIELDS, row))
      assert.deepEqual(rowsIn(table), expected)
      const declared = FIELDS.map(({ name }) => name)
      assert.equal(Buffer.from(table.json.bytes).toString(), JSON.stringify(ordered.map((row) => Object.fromEntries(Object.entries(expectedRow(FIELDS, { ...row, undeclared: {} })).filter(([name]) => declared.includes(name))))))
      const atOnce = tableOfAny(FIELDS, rows)
      const restored = decodeSnapshot(encodeSnapshot(stateOf(table), 'x'), 'x') as SourceState
      for (const other of [atOnce, restored.table]) {
        assert.equal(other.version, table.version)
        assert.deepEqual(rowsIn(other), expected)
        assert.deepEqual([...other.births!.rows], [...table.births!.rows])
        assert.deepEqual([...other.births!.dates], [...table.births!.dates])
      }
    }
  }), runs(300))
})

/** The keys that a query selects, all at once and page by page. */
async function select (version: TableVersion, query: SelectQuery): Promise<unknown[]> {
  const keysOf = async ({ page }: Pick<SelectQuery, 'page'>) => {
    const selection = await version.select({ ...query, page, columns: ['id'] })
    const keys: unknown[] = []
    for await (const batch of selection.batches()) keys.push(...batch.map(([key]) => key))
    return { keys, next: selection.next }
  }
  const { keys: all } = await keysOf({})
  const paged: unknown[] = []
  for (let page = await keysOf({ page: { limit: 2 } }); ; page = await keysOf({ page: { limit: 2, after: page.next } })) {
    paged.push(...page.keys)
    if (page.next === undefined) break
  }
  assert.deepEqual(paged, all, JSON.stringify(query))
  return all
}

t.test('records are sorted by any column, missing values last in both directions', async () => {
  await fc.assert(fc.asyncProperty(rows, fc.constantFrom(...FIELDS.map(({ name }) => name)), fc.boolean(), async (rows, column, isReversed) => {
    const table = new TableReader(tableOfAny(FIELDS, rows))
    const version = new TableVersion(table.data, 'UTC')
    const values = Array.from({ length: table.length }, (_, row) => ({ key: table.keys.at(row), value: table.value(row, column) }))
    const compare = (a: unknown, b: unknown) => typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) : Number(a) - Number(b)
    const direction = isReversed ? -1 : 1
    const expected = values.sort((a, b) => a.value === null || b.value === null
      ? Number(a.value === null) - Number(b.value === null) || direction * compare(a.key, b.key)
      : direction * (compare(a.value, b.value) || compare(a.key, b.key)))
    assert.deepEqual(await select(version, { sort: [{ column, isReversed }] }), expected.map(({ key }) => key))
  }), runs(500))
})

t.test('filters compare values of any type, and a missing value matches no filter except exists: false', async () => {
  const bound = fc.option(fc.constantFrom(-1, 0, 1, 7, DAY, NOON), { nil: undefined })
  await fc.assert(fc.asyncProperty(rows, fc.constantFrom('__count', 'weight', 'on', 'born', 'seen'), bound, bound, fc.boolean(), async (rows, column, min, max, hasImage) => {
    const table = new TableReader(tableOfAny(FIELDS, rows))
    const version = new TableVersion(table.data, 'UTC')
    const keysWhere = (holds: (row: number) => boolean) => Array.from({ length: table.length }, (_, row) => row).filter(holds).map((row) => table.keys.at(row))
    const value = (row: number) => table.value(row, column)
    const inRange = (row: number) => value(row) !== null && Number(value(row)) >= (min ?? -Infinity) && Number(value(row)) <= (max ?? Infinity)
    const image = { column: 'photo', op: 'exists', value: hasImage } as const
    assert.deepEqual(await select(version, { filters: [{ column, op: 'range', value: { min, max } }] }), keysWhere(inRange))
    assert.deepEqual(await select(version, { filters: [image] }), keysWhere((row) => table.hasImage(row) === hasImage), 'also records without a birth')
    assert.deepEqual(await select(version, { filters: [{ column, op: 'exists', value: hasImage }] }), keysWhere((row) => (value(row) !== null) === hasImage))
    const born = { op: 'born', unit: 'millisecond', value: { min: min === undefined ? undefined : min * 86_400_000 } } as const
    const birth = (row: number) => table.value(row, 'born')
    const isBorn = (row: number) => birth(row) !== null && Number(birth(row)) >= (min ?? -Infinity)
    assert.deepEqual(await select(version, { filters: [born, image] }), keysWhere((row) => isBorn(row) && table.hasImage(row) === hasImage))
    const { count, average_age: average } = await version.statistics({ filters: [image], asOf: 0, binWidth: 10 })
    assert.equal(count, keysWhere((row) => table.hasImage(row) === hasImage).length)
    const births = keysWhere((row) => table.hasImage(row) === hasImage && birth(row) !== null)
    assert.equal(average === -1, births.length === 0)
  }), runs(300))
})

t.test('CSV and Parquet have the types of the schema', async (t) => {
  const table = tableOfAny(FIELDS, [
    { key: '1', values: ['X', 5, 1.5, true, DAY, NOON], images: ['1.png'], undeclared: { city: 'Rome' } },
    { key: '2', values: [null, null, null, false, null, null] }
  ])
  const version = new TableVersion(table, 'UTC')
  const selection = await version.select({ columns: version.columns })
  t.equal(await text(Readable.from(render(selection, 'csv') as AsyncIterable<string>)),
    'model,id,__count,weight,on,born,seen,photo,city\r\nX,1,5,1.5,true,2024-01-26,2024-01-26T12:00:00.000Z,1.png,Rome\r\n,2,,,false,,,,\r\n')
  const { types, rows } = await readParquet(await parquet(selection, version.fields))
  t.same(types, ['UTF8', 'UTF8', 'INT64', 'DOUBLE', 'BOOLEAN', 'DATE', 'TIMESTAMP_MILLIS', 'UTF8', 'UTF8'])
  t.same(rows, [['X', '1', 5n, 1.5, true, new Date(DAY * 86_400_000), new Date(NOON), '1.png', 'Rome'], [null, '2', null, null, false, null, null, null, null]])
})

t.test('a lake without a birth field and images has statistics without ages, no attachments, and no filters by birth', async (t) => {
  const version = new TableVersion(tableOfAny(WITHOUT_BIRTH, [{ key: 'b', values: [null] }, { key: 'a', values: [1.5] }]), 'UTC')
  t.same(await version.statistics({ asOf: 0, binWidth: 10 }), { count: 2, average_age: -1, median_age: null, youngest_age: null, oldest_age: null, with_image: 0, age_histogram: [] })
  t.equal(await version.attachment('a', 'photo'), undefined)
  await t.rejects(version.select({ filters: [{ op: 'born', unit: 'millisecond', value: {} }] }), { name: 'TypeError' })
  t.same(rowsIn(tableOfAny(WITHOUT_BIRTH, [])), [])
})

async function openLake (t: Test, files: NonNullable<Parameters<Test['testdir']>[0]>, descriptor: object, options: Partial<TransformerOptions> = {}) {
  const root = testFolder(t, { source_data: files })
  // No file is racy: a racy one, which was written just now, would be read again by the next reconcile.
  const store = mapInfo(new FolderStore(root), ({ racy, ...info }) => info as never)
  const transformer = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause, schema: parseSchema(JSON.stringify(descriptor)).descriptor, ...options })
  t.teardown(() => transformer.close())
  await transformer.reconcile()
  return { store, transformer }
}

t.test('dates of birth give ages, are written to the output, and are restored from the snapshot, but not with another schema', async (t) => {
  const files = { 'rex.csv': 'Name;Geburtstag\n', 'tom.csv': 'Name,Geburtstag\nTom,2020-02-29\n', 'kim.csv': 'Name,Geburtstag\nKim,\n', 'kim.png': 'x' }
  const fields = [
    { name: 'pet', type: 'string', source: 'key' },
    { name: 'name', type: 'string', header: 'Name' },
    { name: 'born', type: 'date', header: ['born', 'Geburtstag'], role: 'birth' },
    { name: 'photo', type: 'string', source: 'image' }
  ]
  const { transformer, store } = await openLake(t, files, { fields })
  const all = await transformer.select()
  t.same(all.columns, ['pet', 'name', 'born', 'photo'])
  const ages = transformer.ageFilters({ min: 3, max: 3, asOf: Date.UTC(2024, 1, 28) })
  t.equal((await transformer.select({ filters: ages })).count, 1, 'the day before the birthday')
  t.equal((await transformer.select({ filters: transformer.ageFilters({ min: 0, asOf: Date.UTC(2024, 1, 29) }) })).count, 1, 'a record without a birth is in no range of ages')
  const report = await transformer.updateOutput()
  t.match(report, { records: 2, rejected: 1, added: 2 })
  const output = await store.get('processed_data/output.csv') as { body: Buffer }
  t.equal(String(output.body), 'pet,name,born,photo\r\nkim,Kim,,source_data/kim.png\r\ntom,Tom,2020-02-29,\r\n')
  t.match(transformer.quarantine().entries().map(({ code }) => code), ['missing_column'])
  await transformer.flush()
  const restart = async (schema: object) => {
    const failures: string[] = []
    const next = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause, schema: parseSchema(JSON.stringify(schema)).descriptor, onColdStart: (failure) => failures.push(failure) })
    t.teardown(() => next.close())
    await next.reconcile()
    return failures
  }
  t.same(await restart({ fields }), [], 'the snapshot is used')
  t.same(await restart({ fields: fields.slice(0, 2) }), ['foreign'], 'with another schema the start is cold')
})

t.test('several image fields each have images of their own, also after a restart from the snapshot', async (t) => {
  const png = (text: string) => '\x89PNG\r\n\x1a\n' + text
  const fields = [
    { name: 'sku', type: 'string', source: 'key' },
    { name: 'name', type: 'string' },
    { name: 'photo', type: 'string', source: 'image' },
    { name: 'front', type: 'string', source: 'image', extensions: ['front.png', 'jpg'] }
  ]
  const files = {
    'a.csv': 'name\nA\n',
    'a.png': Buffer.from(png('photo'), 'latin1'),
    'a.FRONT.png': Buffer.from(png('front'), 'latin1'),
    'b.csv': 'name\nB\n',
    'b.jpg': 'not a photo',
    'c.front.png': '',
    'c.back.png': ''
  }
  const { transformer, store } = await openLake(t, files, { fields })
  const rows = async (lake: UserDataTransformer) => {
    const found: unknown[] = []
    for await (const batch of (await lake.select()).batches()) found.push(...batch)
    return found
  }
  const expected = [['a', 'A', 'source_data/a.png', 'source_data/a.FRONT.png'], ['b', 'B', null, 'source_data/b.jpg']]
  t.same(await rows(transformer), expected)
  t.same(transformer.quarantine().entries().map(({ key, user_id: id, code }) => [key, id, code]), [['source_data/c.back.png', 'c.back', 'orphan'], ['source_data/c.front.png', 'c', 'orphan']])
  const open = async (lake: UserDataTransformer, key: string, field?: string) => {
    const image = await lake.openImage(lake.current, key, () => 'all', { field })
    return image?.body && (await buffer(image.body)).subarray(8).toString()
  }
  t.same([await open(transformer, 'a'), await open(transformer, 'a', 'photo'), await open(transformer, 'a', 'front')], ['photo', 'photo', 'front'])
  t.same([await open(transformer, 'b'), await open(transformer, 'b', 'name'), await open(transformer, 'c', 'front')], [undefined, undefined, undefined])
  t.equal((await transformer.select({ filters: [{ column: 'front', op: 'equals', value: ['source_data/a.FRONT.png'] }] })).count, 1)
  t.equal((await transformer.select({ filters: [{ column: 'photo', op: 'exists', value: false }] })).count, 1)
  const { version } = transformer.current
  await store.put('source_data/a.FRONT.png', Buffer.from(png('other'), 'latin1'))
  await transformer.reconcile({ fresh: true })
  t.equal(transformer.current.version, version, 'the bytes of images are not part of the version')
  t.equal(await open(transformer, 'a', 'front'), 'other')
  await transformer.updateOutput()
  await transformer.flush()
  const restarted = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause, schema: parseSchema(JSON.stringify({ fields })).descriptor, onColdStart: t.fail })
  t.teardown(() => restarted.close())
  await restarted.reconcile()
  t.same(await rows(restarted), expected)
  t.equal(await open(restarted, 'a', 'front'), 'other')
})

t.test('info files of every format become records, one with the id of another is a duplicate, and a restart downloads none of them again', async (t) => {
  const fields = [{ name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }, { name: 'n', type: 'number' }]
  const files = {
    'a.csv': 'name,n\nCSV,1\n',
    'a.json': '{"name": "other", "n": 9}',
    'b.TSV': 'name\tn\nTSV\t2\n',
    'c.csv.gz': gzipSync('name,n\nGZ,3\n'),
    'd.json': '{"name": "JSON", "n": 4, "city": "Rome"}',
    'd.csv.GZ': gzipSync('name,n\nother,9\n'),
    'e.json': '[]',
    'f.csv.gz': gzipSync(Buffer.alloc(2 ** 21)),
    'g.gz': '',
    'h.jsonl': ''
  }
  const { transformer, store } = await openLake(t, files, { fields })
  const rows = async (lake: UserDataTransformer) => {
    const found: unknown[] = []
    for await (const batch of (await lake.select({ columns: lake.current.columns })).batches()) found.push(...batch)
    return found
  }
  const expected = [['a', 'CSV', 1, null], ['b', 'TSV', 2, null], ['c', 'GZ', 3, null], ['d', 'JSON', 4, 'Rome']]
  t.same(await rows(transformer), expected)
  const { entries, ignored } = transformer.quarantine()
  t.same(entries().map(({ key, user_id: id, code }) => [key, id, code]), [
    ['source_data/a.json', 'a', 'duplicate_id'],
    ['source_data/d.csv.GZ', 'd', 'duplicate_id'],
    ['source_data/e.json', 'e', 'malformed_json'],
    ['source_data/f.csv.gz', 'f', 'too_large']
  ])
  t.same(ignored, [{ extension: 'gz', count: 1, example: 'source_data/g.gz' }, { extension: 'jsonl', count: 1, example: 'source_data/h.jsonl' }])
  await transformer.updateOutput()
  await transformer.flush()
  const gets: string[] = []
  const counting = wrapStore(store, {
    get: (key, options) => {
      gets.push(key)
      return store.get(key, options)
    }
  })
  const restarted = new UserDataTransformer({ store: counting, cache: new EtagCache(), pause: noPause, schema: parseSchema(JSON.stringify({ fields })).descriptor, onColdStart: t.fail })
  t.teardown(() => restarted.close())
  await restarted.reconcile()
  t.same(await rows(restarted), expected)
  t.same(gets.filter((key) => key.startsWith('source_data/')), [])
})

t.test('the encoding and the rule for duplicates apply to a lake, and a start with others does not use the snapshot', async (t) => {
  const fields = [{ name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }]
  const files = { 'a.csv': Buffer.from('name\nZo\xeb\n', 'latin1'), old: { 'a.csv': 'name\nNew\n' } }
  const { transformer, store } = await openLake(t, files, { fields }, { inputEncoding: 'windows-1252', duplicates: 'newest' })
  const names = async (lake: UserDataTransformer) => {
    const found: unknown[] = []
    for await (const batch of (await lake.select({ columns: ['name'] })).batches()) found.push(...batch.flat())
    return found
  }
  await store.put('source_data/old/a.csv', Buffer.from('name\nNewer\n'))
  await transformer.reconcile({ fresh: true })
  t.same(await names(transformer), ['Newer'])
  t.match(transformer.quarantine().entries(), [{ key: 'source_data/a.csv', code: 'duplicate_id', detail: /^source_data\/old\/a\.csv has the same id and is served: it is newer/, hint: /^If the two files are the same record, nothing has to be done; this one can be deleted\. / }])
  await transformer.updateOutput()
  await transformer.flush()
  const restart = async (options: Partial<TransformerOptions>) => {
    const failures: string[] = []
    const next = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause, schema: parseSchema(JSON.stringify({ fields })).descriptor, onColdStart: (failure) => failures.push(failure), ...options })
    t.teardown(() => next.close())
    await next.reconcile()
    return [...failures, ...await names(next)]
  }
  t.same(await restart({ inputEncoding: 'windows-1252', duplicates: 'newest' }), ['Newer'])
  t.same(await restart({ inputEncoding: 'windows-1252' }), ['foreign', 'Zoë'])
  t.same(await restart({ duplicates: 'newest' }), ['foreign', 'Newer'])
})
