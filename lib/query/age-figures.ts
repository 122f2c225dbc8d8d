import { YEAR_MS } from './age.js'
import type { AgeBin, Statistics } from './statistics.js'

/** What the statistics of ages are made of. Births are in milliseconds since 1970-01-01 UTC. */
export interface AgeFigures {
  /** The number of all records, and of those with a birth. */
  readonly count: number
  readonly births: number
  readonly withImage: number
  /** This and the next ones are not used if there are no births. */
  readonly meanBirth: number
  readonly youngest: number
  readonly oldest: number
  /** The two births in the middle, which are the same one if their number is odd. */
  readonly low: number
  readonly high: number
  /** The bins of completed years that are not empty, youngest first, with the number of records in each. Bin i begins at the age of i times the bin width. */
  readonly bins: readonly (readonly [bin: number, count: number])[]
}

/**
 * The statistics of ages. The difference of a birth and an instant of the years 0 to 9999 is exact as a double; the error of the mean is at most a few milliseconds.
 *
 * @param asOf the instant of the ages, in milliseconds since 1970-01-01 UTC
 * @param binWidth in years
 */
export function describeAges ({ count, births, withImage, meanBirth, youngest, oldest, low, high, bins }: AgeFigures, asOf: number, binWidth: number): Statistics {
  const ageOf = (birth: number) => (asOf - birth) / YEAR_MS
  return {
    count,
    average_age: births === 0 ? -1 : ageOf(meanBirth),
    median_age: births === 0 ? null : (ageOf(low) + ageOf(high)) / 2,
    youngest_age: births === 0 ? null : ageOf(youngest),
    oldest_age: births === 0 ? null : ageOf(oldest),
    with_image: withImage,
    age_histogram: bins.map(([bin, count]) => ({ min_age: bin * binWidth, max_age: (bin + 1) * binWidth - 1, count }))
  }
}

/** Adds the empty bins between the others; `undefined` if there would be more than `maxBins`. */
export function withEmptyBins (bins: readonly AgeBin[], binWidth: number, maxBins: number): AgeBin[] | undefined {
  const [first, last] = [bins[0], bins.at(-1)]
  if (first === undefined || last === undefined) return []
  const length = (last.min_age - first.min_age) / binWidth + 1
  if (length > maxBins) return undefined
  const counts = new Map(bins.map(({ min_age: min, count }) => [min, count]))
  return Array.from({ length }, (_, i) => {
    const min = first.min_age + i * binWidth
    return { min_age: min, max_age: min + binWidth - 1, count: counts.get(min) ?? 0 }
  })
}
