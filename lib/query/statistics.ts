import { CALENDAR_DAYS_A_YEAR, calendarDay, type CalendarDay } from '../base/calendar.js'
import { LOW } from '../table/birth-order.js'
import type { TableReader } from '../table/table.js'
import { completedYears, YEAR_MS } from './age.js'
import type { BirthIndex, ImageFacet, Run } from './birth-index.js'

/** People of `min_age` to `max_age` completed years, both inclusive. */
export interface AgeBin { readonly min_age: number, readonly max_age: number, readonly count: number }

/** Ages are exact: elapsed time in years of 365.25 days, correct to 1e-9. */
export interface Statistics {
  readonly count: number
  /** Mean age; -1 where nobody matches. */
  readonly average_age: number
  /** The middle age, of an even count the mean of the two middle ones; `null` where nobody matches. */
  readonly median_age: number | null
  readonly youngest_age: number | null
  readonly oldest_age: number | null
  readonly with_image: number
  /** By completed years, youngest first; bins without people are left out. */
  readonly age_histogram: readonly AgeBin[]
}

export interface Ages {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  readonly binWidth: number
  readonly timeZone: string
}

/** The people of whom figures are asked. */
interface People {
  readonly count: number
  readonly withImage: number
  /** The mean of their birth timestamps, where there are any. */
  readonly meanBirthts: number
  /** The birth timestamp of one of them, the oldest first. */
  birthtsAt (index: number): number
  /** Pairs of a bin and how many there are of it, the youngest first, from completed years cut into bins. */
  bins (): readonly (readonly [bin: number, count: number])[]
}

/** The statistics of a part of a run of rows by birth, whose dates ascend: the cost grows with the bins, hardly with the run. */
export function statisticsOfRun (index: BirthIndex, run: Run, part: ImageFacet, ages: Ages): Statistics {
  const before = index.countBefore(run.from, part)
  const count = index.countBefore(run.to, part) - before
  return statistics({
    count,
    withImage: part === 'without image' ? 0 : index.countBefore(run.to, 'with image') - index.countBefore(run.from, 'with image'),
    meanBirthts: index.mean(run, part, count),
    birthtsAt: (i) => index.birthtsAt(index.positionOf(before + i, part)),
    bins: () => binsOfRun(index, run, part, ages)
  }, ages)
}

function binsOfRun (index: BirthIndex, run: Run, part: ImageFacet, { asOf, timeZone, binWidth }: Ages): [number, number][] {
  const today = calendarDay(asOf, timeZone)
  const bins: [number, number][] = []
  let countToEnd = index.countBefore(run.to, part)
  for (let end = run.to; end > run.from;) {
    const years = completedYears(index.dateAt(end - 1), today)
    // Who is born later today is not 0 yet.
    const bin = Math.floor((years === 0 && index.birthtsAt(end - 1) > asOf ? -1 : years) / binWidth)
    // Who has not completed the years of the next bin.
    const start = Math.max(run.from, bin === -1 ? index.bornBetween(-Infinity, asOf).to : index.firstDated(today - (bin + 1) * binWidth * CALENDAR_DAYS_A_YEAR + 1))
    const countToStart = index.countBefore(start, part)
    if (countToEnd > countToStart) bins.push([bin, countToEnd - countToStart])
    end = start
    countToEnd = countToStart
  }
  return bins
}

/** The statistics of these rows, in whatever order. */
export function statisticsOfRows (table: TableReader, rows: Uint32Array, ages: Ages): Statistics {
  const { birthts, birthDates } = table.data
  const born = Float64Array.from(rows, (row) => birthts[row]!).sort()
  return statistics({
    count: rows.length,
    withImage: rows.reduce((images, row) => images + (table.hasImage(row) ? 1 : 0), 0),
    meanBirthts: mean(born),
    birthtsAt: (i) => born[i]!,
    bins: () => {
      const today = calendarDay(ages.asOf, ages.timeZone)
      const counts = new Map<number, number>()
      for (const row of rows) {
        const years = completedYears(birthDates[row]! as CalendarDay, today)
        const bin = Math.floor((birthts[row]! > ages.asOf ? Math.min(years, -1) : years) / ages.binWidth)
        counts.set(bin, (counts.get(bin) ?? 0) + 1)
      }
      return [...counts].sort(([a], [b]) => a - b)
    }
  }, ages)
}

function mean (born: Float64Array): number {
  let high = 0
  let low = 0
  for (const birthts of born) {
    const multiple = Math.floor(birthts / LOW)
    high += multiple
    low += birthts - multiple * LOW
  }
  return high / born.length * LOW + low / born.length
}

/** Doubles are exact for the difference of all times that there are, and their mean is wrong by a few milliseconds at most. */
function statistics ({ count, withImage, meanBirthts, birthtsAt, bins }: People, { asOf, binWidth }: Ages): Statistics {
  const ageOf = (birthts: number) => (asOf - birthts) / YEAR_MS
  const last = count - 1
  const median = () => (ageOf(birthtsAt(Math.floor(last / 2))) + ageOf(birthtsAt(Math.ceil(last / 2)))) / 2
  return {
    count,
    average_age: count === 0 ? -1 : ageOf(meanBirthts),
    median_age: count === 0 ? null : median(),
    youngest_age: count === 0 ? null : ageOf(birthtsAt(last)),
    oldest_age: count === 0 ? null : ageOf(birthtsAt(0)),
    with_image: withImage,
    age_histogram: bins().map(([bin, count]) => ({ min_age: bin * binWidth, max_age: (bin + 1) * binWidth - 1, count }))
  }
}
