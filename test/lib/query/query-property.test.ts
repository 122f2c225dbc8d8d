import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Filter } from '../../../lib/query/filter.js'
import { columnType } from '../../../lib/query/age-column.js'
import { completedYears } from '../../../lib/query/age.js'
import { calendarDay } from '../../../lib/base/calendar.js'
import type { Sort, SelectQuery } from '../../../lib/query/data-version.js'
import { STATISTICS_TYPES } from '../../../lib/query/value-statistics.js'
import type { ValueStatistics } from '../../../lib/query/statistics.js'
import { IndexCache } from '../../../lib/query/index-cache.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import type { TypeName, Value } from '../../../lib/schema/field-type.js'
import { toCell } from '../../../lib/table/column-types.js'
import type { TableField } from '../../../lib/table/table-field.js'
import { runs } from '../../support/property-runs.js'
import { valueStatisticsOf, groupsOf, matches, sorted, type AnyLake, type AnyRecord } from '../../support/query-reference.js'
import { tableOfAny, type AnyRow } from '../../support/tables.js'

const DAY = 86_400_000
const NOON = Date.UTC(2024, 0, 26, 12)
const TODAY = Math.floor(NOON / DAY)

const texts = fc.constantFrom('', 'a', 'A', 'ab', 'aB', 'Straße', 'STRASSE', 'é"', 'e\u0301"', '😀', '\uffff', 'x y', 'b,c=d', 'source')
const VALUES: Readonly<Record<TypeName, fc.Arbitrary<NonNullable<Value>>>> = {
  string: texts,
  integer: fc.constantFrom(0, -1, 1, 7, 8, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53 - 2),
  number: fc.constantFrom(0, -0.5, 0.5, 0.1, 1e21, -1e21, 3, 4),
  boolean: fc.boolean(),
  date: fc.constantFrom(0, -719_162, TODAY, TODAY + 1, TODAY - 366, TODAY - 3653),
  datetime: fc.constantFrom(0, NOON, NOON - 1, NOON + 1, NOON - 12 * 3_600_000 + 1, NOON - 3653 * DAY, Date.UTC(9999, 11, 31))
}

interface RandomLake { readonly fields: readonly TableField[], readonly rows: readonly AnyRow[] }

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 })

const lake: fc.Arbitrary<RandomLake> = fc.record({
  types: fc.array(fc.constantFrom<TypeName>('string', 'string', 'integer', 'number', 'boolean', 'date', 'datetime'), { minLength: 1, maxLength: 5 }),
  keyAt: fc.nat(5),
  hasImage: fc.boolean(),
  birth: fc.nat(6)
}).chain(({ types, keyAt, hasImage, birth }) => {
  const files = types.map((type, i): TableField => ({ name: `f${i}`, source: 'file', type, isBirth: i === birth && (type === 'date' || type === 'datetime') }))
  const fields: TableField[] = [...files]
  fields.splice(keyAt, 0, { name: 'key', source: 'key', type: 'string', isBirth: false })
  if (hasImage) fields.push({ name: 'photo', source: 'image', type: 'string', isBirth: false })
  const row: fc.Arbitrary<AnyRow> = fc.record({
    key: fc.oneof(fc.nat(60).map(String), texts.filter((text) => text !== '')),
    values: fc.tuple(...types.map((type) => orNull(VALUES[type]))),
    images: fc.tuple(orNull(fc.constantFrom('z/a.png', 'B.png', 'ab.png'))),
    undeclared: fc.dictionary(fc.constantFrom('city', '__proto__', 'Age'), texts, { noNullPrototype: false })
  })
  return fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 60, size: 'max' }).map((rows) => ({ fields, rows }))
})

/** What is random about a query, before the columns of the lake are known. */
const choice = fc.record({
  column: fc.nat(),
  op: fc.constantFrom('equals', 'in', 'not equals', 'less', 'at most', 'more', 'at least', 'between', 'contains', 'prefix', 'fold', 'exists', 'none', 'words'),
  values: fc.record(Object.fromEntries(Object.entries(VALUES).map(([type, value]) => [type, fc.tuple(value, value)])) as { [T in TypeName]: fc.Arbitrary<[NonNullable<Value>, NonNullable<Value>]> })
})
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never

function filterOf ({ column: n, op, values }: Choice, columns: readonly string[], typeOf: (column: string) => TypeName): Filter {
  const column = columns[n % columns.length]!
  const type = typeOf(column)
  const [a, b] = values[type]
  const isText = type === 'string'
  switch (op) {
    case 'in': return { column, op: 'equals', value: [a, b] }
    case 'not equals': return { op: 'not', filter: { column, op: 'equals', value: a } }
    case 'less': return { column, op: 'range', value: { max: a, isMaxExcluded: true } }
    case 'at most': return { column, op: 'range', value: { max: a } }
    case 'more': return { column, op: 'range', value: { min: a, isMinExcluded: true } }
    case 'at least': return { column, op: 'range', value: { min: a } }
    case 'between': return { column, op: 'range', value: { min: a, max: b, isMinExcluded: true } }
    case 'exists': return { column, op: 'exists', value: true }
    case 'none': return { column, op: 'exists', value: false }
    case 'words': return { op: 'words', value: values.string.map(String).filter((word) => word !== '') }
    case 'contains': case 'prefix': return isText ? { column, op, value: String(a) } : { column, op: 'equals', value: b }
    case 'fold': return { column, op: 'equals', value: [a, b], fold: true }
    default: return { column, op: 'equals', value: a }
  }
}

const question = fc.record({
  filters: fc.array(choice, { maxLength: 2 }),
  sort: fc.array(fc.record({ column: fc.nat(), isReversed: fc.boolean() }), { maxLength: 3 }),
  groupBy: fc.nat(),
  maxGroups: fc.integer({ min: 1, max: 4 }),
  bins: fc.integer({ min: 1, max: 5 })
})

/** The records of a lake with the ages that they have in the virtual column, if there is one. */
function recordsOf ({ fields, rows }: RandomLake): AnyLake {
  const birth = fields.find(({ isBirth }) => isBirth)
  const records = rows.map(({ key, values, images = [], undeclared = {} }): AnyRecord => {
    const ofFiles = [...values]
    const declared = fields.map(({ name, source }): [string, Value] => [name, source === 'key' ? key : source === 'image' ? images[0] ?? null : ofFiles.shift()!])
    const record: Record<string, Value> = Object.assign(Object.create(null), Object.fromEntries(declared))
    for (const [name, value] of Object.entries(undeclared)) record[name] = value
    if (birth !== undefined && record['age'] === undefined) record['age'] = ageOf(record[birth.name]!, birth.type)
    return record
  })
  const textColumns = ['key', 'city', '__proto__', 'Age', ...fields.filter(({ type, source }) => type === 'string' && source === 'file').map(({ name }) => name)]
  return { key: 'key', records, textColumns }
}

function ageOf (value: Value, type: TypeName): Value {
  if (value === null) return null
  const instant = type === 'date' ? Number(value) * DAY : Number(value)
  const years = completedYears(calendarDay(instant, 'UTC'), calendarDay(NOON, 'UTC'))
  return years === 0 && instant > NOON ? -1 : years
}

async function keysOf (version: TableVersion, query: SelectQuery): Promise<unknown[]> {
  const selection = await version.select({ ...query, columns: ['key'] })
  const keys: unknown[] = []
  for await (const batch of selection.batches()) keys.push(...batch.map(([key]) => key))
  assert.equal(selection.count >= keys.length, true)
  return keys
}

async function pagedKeysOf (version: TableVersion, query: SelectQuery, limit: number): Promise<unknown[]> {
  const keys: unknown[] = []
  for (let after: SelectQuery['page'] = { limit }; ;) {
    keys.push(...await keysOf(version, { ...query, page: after }))
    const { next } = await version.select({ ...query, page: after })
    if (next === undefined) return keys
    after = { limit, after: next }
  }
}

function checkValueStatistics (actualStatistics: ValueStatistics | undefined, records: readonly AnyRecord[], column: string, type: TypeName, bins: number): void {
  const { values, sum, ...expected } = valueStatisticsOf(records, column, type)
  const cell = (value: number | null) => toCell(type, value)
  assert.ok(actualStatistics)
  const { histogram, sum: actual, mean, ...others } = actualStatistics
  const isTime = type === 'date' || type === 'datetime'
  assert.deepEqual(others, { count: expected.count, median: cell(expected.median), min: cell(expected.min), max: cell(expected.max) })
  if (isTime) assert.deepEqual([actual, mean], [undefined, cell(expected.mean)])
  else {
    // Between numbers of such different magnitudes, the plain sum of the reference has an error.
    const tolerance = type === 'integer' ? 1e-15 : 1e-9
    const scale = values.reduce((scale, value) => Math.max(scale, Math.abs(value)), 0)
    assert.ok(Math.abs(actual! - sum) <= (type === 'integer' ? 0 : tolerance * scale), `${column}: sum ${actual} for ${sum}`)
    if (expected.mean !== null) assert.ok(Math.abs(Number(mean) - expected.mean) <= tolerance * scale, `${column}: mean ${mean} for ${expected.mean}`)
  }
  assert.equal(histogram.reduce((sum, bin) => sum + bin.count, 0), expected.count)
  assert.ok(histogram.length <= bins)
  if (expected.count === 0) return
  assert.deepEqual([histogram[0]!.min, histogram.at(-1)!.max], [others.min, others.max])
  histogram.forEach(({ min, max, count }, i) => {
    const isLast = i === histogram.length - 1
    if (!isLast) assert.equal(histogram[i + 1]!.min, max)
    assert.equal(count, values.map(cell).filter((value) => value! >= min! && (value! < max! || isLast)).length, `${column}: bin ${String(min)} to ${String(max)}`)
  })
}

t.test('conditions, orders, pages, groups and statistics of any lake are those of the reference', async () => {
  const indexes = fc.constantFrom<[maxBytes: number, maxScannedRows: number]>([Infinity, 0], [2000, 0], [0, 0], [Infinity, 1000])
  await fc.assert(fc.asyncProperty(lake, fc.array(question, { minLength: 1, maxLength: 4 }), indexes, async (lake, questions, indexes) => {
    const reference = recordsOf(lake)
    const version = new TableVersion(tableOfAny(lake.fields, lake.rows), 'UTC', undefined, undefined, new IndexCache(...indexes))
    const columns = [...version.columns, ...columnType(version, 'age') === undefined ? [] : ['age']]
    const typeOf = (column: string) => columnType(version, column)!
    const numeric = columns.filter((column) => STATISTICS_TYPES.includes(typeOf(column)))
    for (const { filters: choices, sort: sorts, groupBy: n, maxGroups, bins } of questions) {
      const filters = choices.map((choice) => filterOf(choice, columns, typeOf))
      const sort: Sort = sorts.map(({ column, isReversed }) => ({ column: columns[column % columns.length]!, isReversed }))
      const query = { filters, sort, asOf: NOON }
      const found = sorted(reference, reference.records.filter((record) => filters.every((filter) => matches(reference, record, filter))), sort)
      const keys = found.map(({ key }) => key)
      assert.deepEqual(await keysOf(version, query), keys, JSON.stringify(query))
      assert.deepEqual(await pagedKeysOf(version, query, maxGroups), keys, `pages of ${JSON.stringify(query)}`)
      const groupBy = columns[n % columns.length]!
      const statistics = await version.statistics({ filters, asOf: NOON, binWidth: 10, columns: numeric, groupBy, maxGroups, bins })
      assert.equal(statistics.count, found.length)
      const groups = groupsOf(found, groupBy)
      const shown = groups.slice(0, maxGroups)
      assert.deepEqual(statistics.groups!.map(({ value, count }) => ({ value, count })), shown.map(({ value, records }) => ({ value: toCell(typeOf(groupBy), value), count: records.length })), JSON.stringify({ filters, groupBy }))
      assert.deepEqual(statistics.other, { groups: groups.length - shown.length, count: groups.slice(maxGroups).reduce((sum, { records }) => sum + records.length, 0) })
      for (const column of numeric) {
        checkValueStatistics(statistics.columns![column], found, column, typeOf(column), bins)
        shown.forEach(({ records }, i) => checkValueStatistics(statistics.groups![i]!.columns![column], records, column, typeOf(column), bins))
      }
    }
  }), runs(600))
})
