import assert from 'node:assert/strict'
import fc from 'fast-check'
import { columnType } from '../../lib/query/age-column.js'
import { completedYears } from '../../lib/query/age.js'
import { calendarDay } from '../../lib/base/calendar.js'
import type { DataVersion, Sort, SelectQuery } from '../../lib/query/data-version.js'
import { STATISTICS_TYPES } from '../../lib/query/value-statistics.js'
import type { ValueStatistics } from '../../lib/query/statistics.js'
import type { TypeName, Value } from '../../lib/schema/field-type.js'
import { toCell } from '../../lib/table/cell.js'
import { DAY, filterOf, lake, NOON, question, type RandomLake } from './query-arbitraries.js'
import { valueStatisticsOf, groupsOf, matches, sorted, type AnyLake, type AnyRecord } from './query-reference.js'

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

async function keysOf (version: DataVersion, query: SelectQuery): Promise<unknown[]> {
  const selection = await version.select({ ...query, columns: ['key'] })
  const keys: unknown[] = []
  for await (const batch of selection.batches()) keys.push(...batch.map(([key]) => key))
  assert.equal(selection.count >= keys.length, true)
  return keys
}

async function pagedKeysOf (version: DataVersion, query: SelectQuery, limit: number): Promise<unknown[]> {
  const keys: unknown[] = []
  for (let page: SelectQuery['page'] = { limit }; ;) {
    keys.push(...await keysOf(version, { ...query, page }))
    const { next } = await version.select({ ...query, page })
    if (next === undefined) return keys
    page = { limit, after: next }
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
    // The plain sum of the reference has a rounding error, because the numbers have very different magnitudes.
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

/** Opens an engine with the records of a lake, in UTC. */
export type OpenLake = (lake: RandomLake) => DataVersion | Promise<DataVersion>

/** The property that conditions, orders, pages, groups and statistics of any lake are those of the reference. */
export function queriesAreThoseOfTheReference (open: fc.Arbitrary<OpenLake>) {
  return fc.asyncProperty(lake, fc.array(question, { minLength: 1, maxLength: 4 }), open, async (lake, questions, open) => {
    const reference = recordsOf(lake)
    const version = await open(lake)
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
  })
}
