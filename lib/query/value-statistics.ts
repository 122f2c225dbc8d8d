import { firstIndex } from '../base/bytes.js'
import { rowRanges, runSteps } from '../base/steps.js'
import type { TypeName } from '../schema/field-type.js'
import type { Cell } from '../schema/record.js'
import { toCell } from '../table/column-types.js'
import { hasValue, type FixedColumn } from '../table/column.js'
import { isCheapToSort } from './costs.js'
import type { Match } from './match.js'
import type { ValueStatistics } from './statistics.js'
import { IntegerSums, NumberSums } from './sum.js'
import type { TableIndex } from './table-index.js'

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

/** In ascending order. */
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

/** @param values those of the group, in ascending order */
function valueStatistics (values: Float64Array, sums: IntegerSums | NumberSums, group: number, type: TypeName, bins: number): ValueStatistics {
  const isTime = type === 'date' || type === 'datetime'
  // Cut: dates and datetimes are whole days and milliseconds.
  const toValue = (value: number): Cell => isTime ? toCell(type, Math.floor(value)) : value
  const total = isTime ? {} : { sum: finiteOrNull(sums.total(group)) }
  const { length } = values
  if (length === 0) return { count: 0, ...total, mean: null, median: null, min: null, max: null, histogram: [] }
  const [min, max] = [values[0]!, values[length - 1]!]
  const [low, high] = [values[(length - 1) >>> 1]!, values[length >>> 1]!]
  return {
    count: length,
    ...total,
    mean: toValue(isTime && sums instanceof IntegerSums ? sums.wholeMean(group, length) : sums.mean(group, length)),
    median: toValue(middleOf(low, high)),
    min: toValue(min),
    max: toValue(max),
    histogram: histogramOf(values, edgesOf(values, bins, isTime)).map(({ min, max, count }) => ({ min: toValue(min), max: toValue(max), count }))
  }
}

/** The sum of two doubles may exceed the largest one. */
function middleOf (low: number, high: number): number {
  const middle = (low + high) / 2
  return Number.isFinite(middle) ? middle : low / 2 + high / 2
}

function finiteOrNull (value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** The edges of at most `bins` bins of equal width for ascending values, ascending, each once; for a single value, this value twice. */
function edgesOf (values: Float64Array, bins: number, isWhole: boolean): number[] {
  const [min, max] = [values[0]!, values[values.length - 1]!]
  if (min === max) return [min, max]
  const inner = Array.from({ length: bins - 1 }, (_, i) => {
    const share = (i + 1) / bins
    const edge = min * (1 - share) + max * share
    return isWhole ? Math.floor(edge) : withoutRoundingError(edge, values)
  })
  // Rounding can change the order of edges that are next to each other.
  return [...new Set([min, ...inner.filter((edge) => edge > min && edge < max).sort((a, b) => a - b), max])]
}

/** Doubles are exact to 15 significant decimal digits; further ones of a computed number are rounding errors. */
const EXACT_DIGITS = 15

/** An edge such as 17.8 instead of 17.799999999999997, if each value is on the same side of both and the text is shorter. */
function withoutRoundingError (edge: number, values: Float64Array): number {
  const short = Number(edge.toPrecision(EXACT_DIGITS))
  return String(short).length < String(edge).length && indexOfEdge(values, short) === indexOfEdge(values, edge) ? short : edge
}

/** The index of the first value that is not below an edge. */
function indexOfEdge (values: Float64Array, edge: number): number {
  return firstIndex(0, values.length, (place) => values[place]! >= edge)
}

function histogramOf (values: Float64Array, edges: readonly number[]): { min: number, max: number, count: number }[] {
  const before = edges.map((edge, i) => i === edges.length - 1 ? values.length : indexOfEdge(values, edge))
  return edges.slice(1).map((max, i) => ({ min: edges[i]!, max, count: before[i + 1]! - before[i]! }))
}
