import { DAY_MS, isInstant, stepOf, type Column } from './columns.js'
import { toNumber, type Range } from './conditions.js'
import { formatDecimals, formatNumber, formatTime } from './format.js'
import type { Entry } from './query-state.js'
import type { Statistics } from './types.js'

// The bars of a histogram.

export interface Bin {
  /** The lowest value, and the end: excluded, except in the last bin of numbers. Milliseconds for times. */
  readonly from: number
  readonly to: number
  readonly count: number
}

/** The bins of a column; empty ones included. */
export function binsOf (column: Column, { age_histogram: ages = [], columns = {} }: Statistics): readonly Bin[] {
  if (column.kind === 'age') return withEmptyBins(ages.map(({ min_age: from, max_age: max, count }) => ({ from, to: max + 1, count })))
  const histogram = columns[column.name]?.histogram ?? []
  // The last bin includes its end. Edges of integers have fractions.
  return histogram.map(({ min, max, count }, i) => {
    const [from, to] = [toNumber(column, min), toNumber(column, max)]
    if (column.type === 'number') return { from, to, count }
    return { from: Math.ceil(from), to: i === histogram.length - 1 ? to + stepOf(column) : Math.ceil(to), count }
  })
}

/** The maximum number of bars for ages. There could be more only if the ages reach much further than those that the width was chosen for: see statistics.ts. */
const MAX_BARS = 1000

function withEmptyBins (bins: readonly Bin[]): readonly Bin[] {
  const [first, last] = [bins[0], bins.at(-1)]
  if (first === undefined || last === undefined) return []
  const width = first.to - first.from
  const counts = new Map(bins.map(({ from, count }) => [from, count]))
  return Array.from({ length: Math.min(MAX_BARS, (last.to - first.from) / width) }, (_, i) => {
    const from = first.from + i * width
    return { from, to: from + width, count: counts.get(from) ?? 0 }
  })
}

/** The filters that select the bins from one to another one. */
export function binFilters (column: Column, bins: readonly Bin[], first: number, last: number): readonly Entry[] {
  const { from } = bins[first]!
  const { to } = bins[last]!
  if (column.kind === 'age') return [['min_age', String(from)], ['max_age', String(to - 1)]]
  const isEnd = column.type === 'number' && last === bins.length - 1
  return [['where', `${column.name}>=${toText(column, from)}`], ['where', `${column.name}${isEnd ? '<=' : '<'}${toText(column, to)}`]]
}

/** A number as the API writes it for a column. */
function toText ({ type }: Column, value: number): string {
  if (type === 'date') return new Date(value).toISOString().slice(0, 10)
  return type === 'datetime' ? new Date(value).toISOString() : String(value)
}

/** The first and the last bin that a range includes; `undefined` if it includes none. */
export function selectedBins (bins: readonly Bin[], range: Range | undefined): readonly [first: number, last: number] | undefined {
  if (range === undefined) return undefined
  const isIn = ({ from, to }: Bin) => from === to ? from >= range.min && from <= range.max : from < range.max && to > range.min
  const first = bins.findIndex(isIn)
  return first === -1 ? undefined : [first, bins.findLastIndex(isIn)]
}

/** The range of neighbouring bins. */
export function rangeOfBins (bins: readonly Bin[], first: number, last: number): Range {
  return { min: bins[first]!.from, max: bins[last]!.to }
}

/** A range as text: `20 – 29`, `from 20`, or `up to 29`. */
export function describeRange (column: Column, { min, max }: Range): string {
  const from = min === -Infinity ? undefined : formatEdge(column, min)
  // Whole numbers and days are named by the last one that is included.
  const to = max === Infinity ? undefined : formatEdge(column, isInstant(column) ? max : max - stepOf(column))
  if (from === undefined) return `up to ${to}`
  if (to === undefined) return `from ${from}`
  return from === to ? from : `${from} – ${to}`
}

function formatEdge (column: Column, value: number): string {
  if (column.type === 'date') return formatTime(value).slice(0, 10)
  if (isInstant(column)) return formatTime(value).slice(0, 16)
  return formatNumber(value)
}

/** The text of an edge below the plot, where there is less room. Numbers have as many digits as their distance needs. */
export function formatTick (column: Column, value: number, range: number): string {
  if (column.type !== 'date' && !isInstant(column)) return formatDecimals(value, range > 0 ? Math.max(0, Math.ceil(1.5 - Math.log10(range))) : 3)
  const text = formatTime(value)
  if (range > 10 * 365 * DAY_MS) return text.slice(0, 4)
  if (range > 90 * DAY_MS) return text.slice(0, 7)
  return range > 2 * DAY_MS ? text.slice(5, 10) : text.slice(11, 16)
}

/** The width in years of age bins with which a histogram from one age to another one has 10 to 27 bins; fewer if it spans less than 10 years, more beyond 25,000 years. */
export function ageBinWidth (lowest: number, highest: number): number {
  return [1, 2, 5, 10, 20, 50, 100, 200, 500].find((width) => (highest - lowest) / width <= 25) ?? 999
}
