import type { TypeName } from '../schema/field-type.js'
import type { Cell } from '../schema/record.js'
import { toCell } from '../table/cell.js'
import type { ValueStatistics } from './statistics.js'

/** What the statistics of the values of a column are made of, as numbers: dates are days, and datetimes milliseconds, since 1970-01-01 UTC. */
export interface ValueFigures {
  readonly count: number
  /** May be infinite. Not used for dates and datetimes. */
  readonly sum: number
  /** This and the next ones are not used if there are no values. */
  readonly mean: number
  /** The two values in the middle, which are the same one if their number is odd. */
  readonly low: number
  readonly high: number
  readonly min: number
  readonly max: number
}

/** Whether the values of a type are points in time, whose figures are values of the type, too. */
export function isTime (type: TypeName): boolean {
  return type === 'date' || type === 'datetime'
}

/**
 * The statistics of the values of a column.
 *
 * @param bins the largest number of bins of the histogram
 * @param countBelow returns the number of values below an edge; called for `min` and for `possibleEdges` only
 */
export function describeValues (figures: ValueFigures, type: TypeName, bins: number, countBelow: (edge: number) => number): ValueStatistics {
  const { count, sum, mean, low, high, min, max } = figures
  const isWhole = isTime(type)
  // Rounded down: dates and datetimes are whole days and milliseconds.
  const toValue = (value: number): Cell => isWhole ? toCell(type, Math.floor(value)) : value
  const total = isWhole ? {} : { sum: finiteOrNull(sum) }
  if (count === 0) return { count, ...total, mean: null, median: null, min: null, max: null, histogram: [] }
  const edges = edgesOf(figures, bins, isWhole, countBelow)
  const before = edges.map((edge, i) => i === edges.length - 1 ? count : countBelow(edge))
  return {
    count,
    ...total,
    mean: toValue(mean),
    median: toValue(middleOf(low, high)),
    min: toValue(min),
    max: toValue(max),
    histogram: edges.slice(1).map((max, i) => ({ min: toValue(edges[i]!), max: toValue(max), count: before[i + 1]! - before[i]! }))
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

type Bounds = Pick<ValueFigures, 'min' | 'max'>

/** The edges of at most `bins` bins of equal width for these values, ascending, each once; for a single value, this value twice. */
function edgesOf (bounds: Bounds, bins: number, isWhole: boolean, countBelow: (edge: number) => number): number[] {
  const { min, max } = bounds
  if (min === max) return [min, max]
  const inner = innerEdges(bounds, bins, isWhole).map((edge) => {
    const short = isWhole ? edge : withoutRoundingError(edge)
    return short !== edge && countBelow(short) === countBelow(edge) ? short : edge
  })
  // Rounding can change the order of edges that are next to each other.
  return [...new Set([min, ...inner.filter((edge) => edge > min && edge < max).sort((a, b) => a - b), max])]
}

/** All edges between `min` and `max` that `describeValues` may count the values below of. */
export function possibleEdges (bounds: Bounds, type: TypeName, bins: number): number[] {
  if (bounds.min === bounds.max) return []
  const edges = innerEdges(bounds, bins, isTime(type))
  return [...new Set(isTime(type) ? edges : [...edges, ...edges.map(withoutRoundingError)])]
}

function innerEdges ({ min, max }: Bounds, bins: number, isWhole: boolean): number[] {
  return Array.from({ length: bins - 1 }, (_, i) => {
    const share = (i + 1) / bins
    const edge = min * (1 - share) + max * share
    return isWhole ? Math.floor(edge) : edge
  })
}

/** Doubles are exact to 15 significant decimal digits; further ones of a computed number are rounding errors. */
const EXACT_DIGITS = 15

/** An edge such as 17.8 instead of 17.799999999999997, if its text is shorter; it is used if each value is on the same side of both. */
function withoutRoundingError (edge: number): number {
  const short = Number(edge.toPrecision(EXACT_DIGITS))
  return String(short).length < String(edge).length ? short : edge
}
