import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { render } from '../../../lib/output/render.js'
import { ageFilters } from '../../../lib/query/age.js'
import { columnNames, columnType } from '../../../lib/query/age-column.js'
import type { DataVersion, SelectQuery, Sort } from '../../../lib/query/data-version.js'
import type { Filter } from '../../../lib/query/filter.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { STATISTICS_TYPES } from '../../../lib/query/value-statistics.js'
import { Utf8Builder, sliceAt, takeUtf8 } from '../../../lib/table/utf8-column.js'
import { nameRecords } from '../../../lib/clickhouse/name-records.js'
import { compareUtf8 } from '../../../lib/base/utf8.js'
import { connect, drop, noClickHouse, openStored } from '../../support/clickhouse.js'
import { runs } from '../../support/property-runs.js'
import { filterOf, lake, NOON, question } from '../../support/query-arbitraries.js'
import { tableOfAny, utf8ColumnOf } from '../../support/tables.js'

const ages = fc.record({ min: fc.option(fc.integer({ min: -2, max: 40 }), { nil: undefined }), max: fc.option(fc.integer({ min: -2, max: 40 }), { nil: undefined }), basis: fc.constantFrom('completed' as const, 'exact' as const) })
const shape = fc.record({ columns: fc.option(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), { nil: undefined }), limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }), isNegated: fc.boolean(), isEither: fc.boolean(), ages: fc.option(ages, { nil: undefined }) })

async function textOf (chunks: Buffer | AsyncIterable<string | Buffer>): Promise<string> {
  if (Buffer.isBuffer(chunks)) return chunks.toString()
  let text = ''
  for await (const chunk of chunks) text += chunk.toString()
  return text
}

/** Everything that a query returns. */
async function resultOf (version: DataVersion, query: SelectQuery, ids: readonly string[]): Promise<unknown> {
  const selection = await version.select(query)
  const cells: unknown[] = []
  for await (const batch of selection.batches()) cells.push(...batch)
  const texts: string[] = []
  for (const format of ['json', 'ndjson', 'csv'] as const) texts.push(await textOf(render(selection, format)))
  return { columns: selection.columns, count: selection.count, next: selection.next, cells, texts, among: await selection.countAmong(utf8ColumnOf(ids)) }
}

/** Compares numbers to 1e-9 of the expected one, or to 1e-9 if its absolute value is less than 1, and all else exactly. */
function assertClose (actual: unknown, expected: unknown, path = ''): void {
  if (typeof actual === 'number' && typeof expected === 'number') {
    assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${path}: ${actual} for ${expected}`)
  } else if (typeof actual === 'object' && typeof expected === 'object' && actual !== null && expected !== null) {
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), path)
    for (const [name, value] of Object.entries(expected)) assertClose((actual as Record<string, unknown>)[name], value, `${path}.${name}`)
  } else {
    assert.equal(actual, expected, path)
  }
}

t.test('everything that the two engines return is equal, byte for byte, and statistics to 1e-9', { skip: noClickHouse }, async (t) => {
  const connection = await connect(t)
  const zones = fc.constantFrom('UTC', 'America/St_Johns')
  await fc.assert(fc.asyncProperty(lake, fc.array(fc.tuple(question, shape), { minLength: 1, maxLength: 3 }), zones, async ({ fields, rows }, questions, timeZone) => {
    const table = tableOfAny(fields, rows, { timeZone })
    await drop(connection)
    const [inProcess, engine] = [new TableVersion(table, timeZone), await openStored(connection, table, { timeZone })]
    const { version, columns } = inProcess
    assert.deepEqual({ version: engine.version, fields: engine.fields, columns: engine.columns }, { version, fields, columns })
    assert.equal(await nameRecords({ connection, fields, columns, timeZone, number: 1n }, rows.length), version, 'the name of the stored records')
    assert.deepEqual(await engine.undeclared(), await inProcess.undeclared())
    const names = columnNames(inProcess)
    const nameOf = (n: number) => names[n % names.length]!
    const ids = rows.filter((_, i) => i % 3 === 0).map(({ key }) => key).concat('unknown').sort(compareUtf8)
    for (const [{ filters: choices, sort: sorts, groupBy, maxGroups, bins }, { columns: selected, limit, isNegated, isEither, ages }] of questions) {
      const plain = choices.map((choice) => filterOf(choice, names, (column) => columnType(inProcess, column)!))
      const combined: Filter[] = isEither && plain.length > 0 ? [{ op: 'any', filters: plain }] : plain
      const hasBirth = fields.some(({ isBirth }) => isBirth)
      const ofAges = hasBirth && ages !== undefined ? ageFilters({ ...ages, asOf: NOON, timeZone }) : []
      const filters: Filter[] = [...combined, ...ofAges].map((filter) => isNegated ? { op: 'not', filter } : filter)
      const sort: Sort = sorts.map(({ column, isReversed }) => ({ column: nameOf(column), isReversed }))
      const query: SelectQuery = { filters, sort, asOf: NOON, columns: selected?.map(nameOf).concat('unknown') ?? undefined, page: limit === undefined ? undefined : { limit } }
      const expected = await resultOf(inProcess, query, ids)
      assert.deepEqual(await resultOf(engine, query, ids), expected, JSON.stringify(query))
      const { next } = await inProcess.select(query)
      if (next !== undefined) {
        const nextQuery = { ...query, page: { after: next } }
        assert.deepEqual(await resultOf(engine, nextQuery, ids), await resultOf(inProcess, nextQuery, ids), JSON.stringify(nextQuery))
      }
      const figures = { filters, asOf: NOON, binWidth: 7, columns: names.filter((name) => STATISTICS_TYPES.includes(columnType(inProcess, name)!)), groupBy: nameOf(groupBy), maxGroups, bins }
      assertClose(await engine.statistics(figures), await inProcess.statistics(figures), JSON.stringify(figures))
    }
  }), runs(60))
})

t.test('the attachments of a record are those of the listing', { skip: noClickHouse }, async (t) => {
  const connection = await connect(t)
  const fields = [
    { name: 'key', source: 'key', type: 'string', isBirth: false },
    { name: 'front', source: 'image', type: 'string', isBirth: false },
    { name: 'back.side', source: 'image', type: 'string', isBirth: false }
  ] as const
  const table = tableOfAny(fields, [{ key: 'a', values: [], images: ['x/a.png', null] }, { key: 'b', values: [], images: [null, 'b.jpg'] }])
  const etags = (...texts: string[]) => {
    const builder = new Utf8Builder()
    for (const text of texts) builder.push(text)
    return takeUtf8(texts.length, (row) => sliceAt(builder, row))
  }
  const images = [
    { etags: etags('"odd"', ''), sizes: Float64Array.of(5, 0), modified: Float64Array.of(1_700_000_000_000, 0) },
    { etags: etags('', 'e2'), sizes: Float64Array.of(0, 2 ** 40), modified: Float64Array.of(0, 1) }
  ]
  const engine = await openStored(connection, table, { images })
  const inProcess = new TableVersion(table, 'UTC', images)
  for (const key of ['a', 'b', 'c']) {
    for (const field of ['front', 'back.side', 'key', 'unknown']) t.same(await engine.attachment(key, field), await inProcess.attachment(key, field), `${key} ${field}`)
  }
  t.match(await engine.attachment('b', 'back.side'), { key: 'b.jpg', etag: 'e2', size: 2 ** 40, lastModified: 1 })
})
