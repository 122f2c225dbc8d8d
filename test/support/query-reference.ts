import { foldCase } from '../../lib/base/fold-case.js'
import type { Filter, Operand } from '../../lib/query/filter.js'
import type { Sort } from '../../lib/query/data-version.js'
import type { TypeName, Value } from '../../lib/schema/field-type.js'

// A reference implementation of conditions, orders, groups and statistics on columns of any type, as simple as possible.

/** The values of a record by column: dates as days, datetimes as milliseconds. A missing value is `null` or absent. */
export type AnyRecord = Readonly<Record<string, Value>>

/** What the reference needs to know of a lake. */
export interface AnyLake { readonly key: string, readonly records: readonly AnyRecord[], readonly textColumns: readonly string[] }

function compareValues (a: NonNullable<Value>, b: NonNullable<Value>): number {
  return typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) : Number(a) - Number(b)
}

export function matches (lake: AnyLake, record: AnyRecord, filter: Filter): boolean {
  switch (filter.op) {
    case 'any': return filter.filters.some((filter) => matches(lake, record, filter))
    case 'not': return !matches(lake, record, filter.filter)
    case 'words': return filter.value.every((word) => lake.textColumns.some((column) => contains(record[column] ?? null, word)))
    case 'born': throw new Error('the reference has no filter `born`')
  }
  const value = record[filter.column] ?? null
  if (filter.op === 'exists') return (value !== null) === filter.value
  if (value === null) return false
  switch (filter.op) {
    case 'equals': return ([filter.value].flat() as Operand[]).some((other) => filter.fold ? foldCase(String(value)) === foldCase(String(other)) : value === other)
    case 'prefix': return filter.fold ? foldCase(String(value)).startsWith(foldCase(filter.value)) : String(value).startsWith(filter.value)
    case 'contains': return contains(value, filter.value)
    case 'range': {
      const { min, max, isMinExcluded, isMaxExcluded } = filter.value
      const fromMin = min === undefined ? 1 : compareValues(value, min)
      const toMax = max === undefined ? -1 : compareValues(value, max)
      return (isMinExcluded ? fromMin > 0 : fromMin >= 0) && (isMaxExcluded ? toMax < 0 : toMax <= 0)
    }
  }
}

function contains (value: Value, text: string): boolean {
  return value !== null && foldCase(String(value)).includes(foldCase(text))
}

export function sorted ({ key }: AnyLake, records: readonly AnyRecord[], sort: Sort): AnyRecord[] {
  const last = sort.some(({ column }) => column === key) ? [] : [{ column: key, isReversed: sort.at(-1)?.isReversed }]
  return [...records].sort((a, b) => {
    for (const { column, isReversed } of [...sort, ...last]) {
      const [x, y] = [a[column] ?? null, b[column] ?? null]
      const order = x === null || y === null ? Number(x === null) - Number(y === null) : (isReversed ? -1 : 1) * compareValues(x, y)
      if (order !== 0) return order
    }
    return 0
  })
}

/** The groups of a column, the largest first, ties by value, `null` last. */
export function groupsOf (records: readonly AnyRecord[], column: string): { value: Value, records: AnyRecord[] }[] {
  const groups = new Map<Value, AnyRecord[]>()
  for (const record of records) {
    const value = record[column] ?? null
    groups.set(value, [...groups.get(value) ?? [], record])
  }
  return [...groups].map(([value, records]) => ({ value, records })).sort((a, b) => b.records.length - a.records.length ||
    (a.value === null || b.value === null ? Number(a.value === null) - Number(b.value === null) : compareValues(a.value, b.value)))
}

/** The statistics of a column. Sums are exact, except those of the type number. */
export function valueStatisticsOf (records: readonly AnyRecord[], column: string, type: TypeName) {
  const values = records.map((record) => record[column] ?? null).filter((value) => value !== null).map(Number).sort((a, b) => a - b)
  const isTime = type === 'date' || type === 'datetime'
  const count = values.length
  if (count === 0) return { count, sum: 0, mean: null, median: null, min: null, max: null, values }
  const [low, high] = [values[(count - 1) >> 1]!, values[count >> 1]!]
  const exact = type === 'number' ? 0n : values.reduce((sum, value) => sum + BigInt(value), 0n)
  const total = type === 'number' ? values.reduce((sum, value) => sum + value, 0) : Number(exact)
  const cut = (value: number) => isTime ? Math.floor(value) : value
  const wholeMean = () => Number((exact - ((exact % BigInt(count)) + BigInt(count)) % BigInt(count)) / BigInt(count))
  return { count, sum: total, mean: isTime ? wholeMean() : total / count, median: cut((low + high) / 2), min: values[0]!, max: values.at(-1)!, values }
}
