import { firstIndex } from '../base/bytes.js'
import { rowRanges, runSteps } from '../base/steps.js'
import type { TypeName } from '../schema/field-type.js'
import { hasValue, type FixedColumn } from '../table/column.js'
import { isCheapToSort } from './costs.js'
import type { Match } from './match.js'
import type { ValueStatistics } from './statistics.js'
import { IntegerSums, NumberSums } from './sum.js'
import type { TableIndex } from './table-index.js'
import { describeValues, isTime } from './value-figures.js'

/** The types of the columns that have statistics. */
export const STATISTICS_TYPES: readonly TypeName[] = ['integer', 'number', 'date', 'datetime']

/** Rows in groups. */
export interface GroupedRows {
  /** Ascending. */
  readonly rows: Uint32Array
  /** The number of groups. */
  readonly groups: number
  /** The group of a row of the table; -1 if it is in none of them. */
  readonly groupOf: Int16Array
}

/** The statistics of a column in the rows of a match. */
export async function valueStatisticsOfMatch (index: TableIndex, column: FixedColumn, type: TypeName, match: Match, bins: number): Promise<ValueStatistics> {
  const values = await valuesOfMatch(index, column, match)
  const sums = type === 'number' ? new NumberSums(1) : new IntegerSums(1)
  await runSteps(rowRanges(values.length, (from, to) => sums.addAll(0, values.subarray(from, to))))
  return valueStatistics(values, sums, 0, type, bins)
}

/** The values of the matching rows, in ascending order. */
async function valuesOfMatch (index: TableIndex, column: FixedColumn, match: Match): Promise<Float64Array> {
  const { kind, values } = column
  if (isCheapToSort(match.count, index.table.length)) return Float64Array.from(match.rows, (row) => values[row]!).filter((value) => hasValue(kind, value)).sort()
  const all = await index.orderedValues(column)
  if (match.count === index.table.length) return all.values
  const { bitmap } = match
  // As in `keepRowsIn`: each value is written, and the next one overwrites it unless its row matches.
  const ordered = new Float64Array(Math.min(match.count, all.values.length) + 1)
  let length = 0
  await runSteps(rowRanges(all.values.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const row = all.rows[i]!
      ordered[length] = all.values[i]!
      length += bitmap[row >>> 5]! >>> (row & 31) & 1
    }
  }))
  return ordered.subarray(0, length)
}

/** The statistics of a column in each group, in the order of the groups. */
export async function valueStatisticsOfGroups (index: TableIndex, column: FixedColumn, type: TypeName, grouped: GroupedRows, bins: number): Promise<ValueStatistics[]> {
  const { kind, values } = column
  const { rows, groups, groupOf } = grouped
  const sums = type === 'number' ? new NumberSums(groups) : new IntegerSums(groups)
  const starts = new Uint32Array(groups + 1)
  await runSteps(rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      const group = groupOf[row]!
      if (group === -1 || !hasValue(kind, values[row]!)) continue
      starts[group + 1]!++
      sums.add(group, values[row]!)
    }
  }))
  for (let group = 0; group < groups; group++) starts[group + 1]! += starts[group]!
  const ordered = await valuesInOrder(index, column, grouped, starts)
  return Array.from({ length: groups }, (_, group) => valueStatistics(ordered.subarray(starts[group], starts[group + 1]), sums, group, type, bins))
}

/** The values of each group in ascending order, group after group. */
async function valuesInOrder (index: TableIndex, column: FixedColumn, { rows, groups, groupOf }: GroupedRows, starts: Uint32Array): Promise<Float64Array> {
  const { kind, values } = column
  const length = starts[groups]!
  const next = starts.slice()
  if (isCheapToSort(rows.length, index.table.length)) {
    const ordered = new Float64Array(length)
    for (const row of rows) if (groupOf[row] !== -1 && hasValue(kind, values[row]!)) ordered[next[groupOf[row]!]!++] = values[row]!
    for (let group = 0; group < groups; group++) ordered.subarray(starts[group], starts[group + 1]).sort()
    return ordered
  }
  const all = await index.orderedValues(column)
  const ordered = new Float64Array(length)
  await runSteps(rowRanges(all.values.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const group = groupOf[all.rows[i]!]!
      if (group !== -1) ordered[next[group]!++] = all.values[i]!
    }
  }))
  return ordered
}

/** @param values the values of the group, in ascending order */
function valueStatistics (values: Float64Array, sums: IntegerSums | NumberSums, group: number, type: TypeName, bins: number): ValueStatistics {
  const { length } = values
  const figures = {
    count: length,
    sum: sums.total(group),
    mean: isTime(type) && sums instanceof IntegerSums && length > 0 ? sums.wholeMean(group, length) : sums.mean(group, length),
    low: values[(length - 1) >>> 1]!,
    high: values[length >>> 1]!,
    min: values[0]!,
    max: values[length - 1]!
  }
  return describeValues(figures, type, bins, (edge) => firstIndex(0, length, (place) => values[place]! >= edge))
}
