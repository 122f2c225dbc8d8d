import { DEFAULT_BINS, type StatisticsQuery } from '../query/data-version.js'
import type { ValueStatistics } from '../query/statistics.js'
import { floorOfMean } from '../query/sum.js'
import { describeValues, isTime, possibleEdges, type ValueFigures } from '../query/value-figures.js'
import type { TypeName, Value } from '../schema/field-type.js'
import type { EngineColumn } from './columns.js'
import { from, type EngineRecords } from './records.js'
import { exactSum, toDouble, sumParts, type SumParts } from './exact-sum.js'
import { join, parameter, raw, sql, text, type Sql } from './sql.js'

/** A column of numbers, dates or datetimes. */
export interface StatisticsColumn extends EngineColumn { readonly fold?: never }

/** The groups of records that have one of these values in a column. */
export interface Grouping { readonly column: EngineColumn, readonly values: readonly Value[] }

/** The number of values, their sum (of integers as text, of other numbers in parts), the minimum, the maximum, and the two values in the middle. */
export type FiguresRow = [count: number, sum: string | SumParts | null, min: number | null, max: number | null, low: number | null, high: number | null]
/** The number of elements of a FiguresRow. */
const FIGURES = 6

type Query = Pick<StatisticsQuery, 'filters' | 'asOf' | 'bins' | 'signal'>

/** The maximum number of UTF-16 code units that the edges of the bins of a column take as a parameter: for each bin, `possibleEdges` has up to two edges, each of at most 24 and a comma. */
export function maxEdgesLength ({ bins = DEFAULT_BINS }: Query): number {
  return 2 * 25 * bins
}

/** The statistics of columns by group, and in each group in the order of the columns. Without groups, all records are one group. */
export async function valueStatistics (records: EngineRecords, query: Query, columns: readonly StatisticsColumn[], grouping?: Grouping): Promise<ValueStatistics[][]> {
  const { bins = DEFAULT_BINS, signal } = query
  const group = groupNumber(grouping)
  const rows = await records.connection.query<[group: number, ...figures: never[]]>(sql`
    SELECT ${group} AS group_number, ${join(columns.map(figuresOf), ', ')} ${from(records, query, sql`${group} > 0`)} GROUP BY group_number`, signal)
  const figures = Array.from(grouping?.values ?? [null], (_, group) => {
    const [, ...row] = rows.find(([number]) => number === group + 1) ?? []
    return columns.map(({ type }, i) => readFigures(row.slice(i * FIGURES, (i + 1) * FIGURES) as unknown as FiguresRow, type))
  })
  const counts = await Promise.all(columns.map(async (column, i) => await countByEdge(records, query, column, figures.map((ofColumns) => ofColumns[i]!), bins, grouping)))
  return figures.map((ofColumns, group) => ofColumns.map((figures, i) => describeValues(figures, columns[i]!.type, bins, counts[i]![group]!)))
}

/** The number of the group of a record, from 1 on; 0 if it is in none of them. */
function groupNumber (grouping: Grouping | undefined): Sql {
  if (grouping === undefined) return raw('1')
  const { column: { type, value, exists }, values } = grouping
  if (values.length > 1) return sql`indexOf(${parameter(values, `Array(Nullable(${PARAMETER_TYPES[type]}))`)}, ${value})`
  const [only] = values
  if (only === null || only === undefined) return sql`toUInt8(NOT ${exists})`
  return sql`ifNull(${value} = ${typeof only === 'string' ? text(only) : parameter(only, PARAMETER_TYPES[type])}, 0)`
}

const PARAMETER_TYPES: Readonly<Record<TypeName, string>> = { string: 'String', integer: 'Int64', number: 'Float64', boolean: 'Bool', date: 'Int64', datetime: 'Int64' }

/**
 * The figures of a column. Integers are summed as Int128, because a sum of Int64 would overflow without an error. The middle values are exact, which takes memory for all values in the engine.
 */
export function figuresOf ({ type, value }: Pick<EngineColumn, 'type' | 'value'>): Sql {
  const sum = type === 'number' ? sumParts(value) : sql`toString(sum(toInt128(${value})))`
  return sql`count(${value}), ${sum}, min(${value}), max(${value}), quantileExactLow(0.5)(${value}), quantileExactHigh(0.5)(${value})`
}

/** @param row without elements if no record is in the group */
export function readFigures ([count = 0, sum, min, max, low, high]: FiguresRow | [], type: TypeName): ValueFigures {
  return { count, ...count === 0 ? { sum: 0, mean: 0 } : sumAndMean(sum ?? '0', count, type), min: min ?? 0, max: max ?? 0, low: low ?? 0, high: high ?? 0 }
}

function sumAndMean (sum: string | SumParts, count: number, type: TypeName): Pick<ValueFigures, 'sum' | 'mean'> {
  if (typeof sum !== 'string') {
    const exact = exactSum(sum)
    return { sum: toDouble(exact), mean: toDouble(exact / BigInt(count)) }
  }
  const total = BigInt(sum)
  return { sum: Number(total), mean: isTime(type) ? floorOfMean(total, count) : Number(total) / count }
}

/** Returns, for each group, a function that returns the number of values below an edge: see `describeValues`. */
async function countByEdge (records: EngineRecords, query: Query, { type, value, exists }: StatisticsColumn, figures: readonly ValueFigures[], bins: number, grouping?: Grouping): Promise<((edge: number) => number)[]> {
  const edges = figures.map((figures) => figures.count === 0 ? [] : [...new Set([figures.min, ...possibleEdges(figures, type, bins)])].sort((a, b) => a - b))
  const group = groupNumber(grouping)
  // The number of edges that are not above the value. `roundDown` is faster, and needs the same edges for all records.
  const place = grouping === undefined
    ? sql`indexOf(${parameter(edges[0], 'Array(Float64)')}, roundDown(toFloat64(${value}), ${parameter(edges[0], 'Array(Float64)')}))`
    : sql`arrayCount(edge -> edge <= toFloat64(${value}), ${parameter(edges, 'Array(Array(Float64))')}[${group}])`
  const isNeeded = edges.some(({ length }) => length > 1)
  const rows = !isNeeded
    ? []
    : await records.connection.query<[group: number, place: number, count: number]>(sql`
      SELECT ${group} AS group_number, ${place} AS place, count() ${from(records, query, sql`${group} > 0`, exists)} GROUP BY group_number, place`, query.signal)
  return edges.map((edges, group) => {
    const counts = new Map(rows.filter(([number]) => number === group + 1).map(([, place, count]) => [place, count]))
    let below = 0
    const countBelow = new Map(edges.map((edge, i) => {
      below += counts.get(i) ?? 0
      return [edge, below]
    }))
    return (edge) => countBelow.get(edge)!
  })
}
