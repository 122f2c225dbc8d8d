import { CALENDAR_DAYS_A_YEAR, calendarDay, type CalendarDay } from '../base/calendar.js'
import { rowRanges, runSteps } from '../base/steps.js'
import { SUM_RADIX } from '../table/birth-order.js'
import { completedYears } from './age.js'
import { describeAges, type AgeFigures } from './age-figures.js'
import type { BirthIndex, ImageFacet, PositionCounter, Run } from './birth-index.js'
import { isCheapToSort } from './costs.js'
import { BitmapPositions } from './bitmap-positions.js'
import { countCommonRows } from './bitmap.js'
import type { Match } from './match.js'
import type { Statistics } from './statistics.js'
import type { TableIndex } from './table-index.js'

interface Ages {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** Years. */
  readonly binWidth: number
  /** IANA name of the zone whose calendar counts. */
  readonly timeZone: string
}

/** What the statistics of some records are computed from. */
interface Summary extends Pick<AgeFigures, 'count' | 'births' | 'withImage' | 'meanBirth'> {
  /** The birth timestamp with this index in ascending order. */
  birthAt (index: number): number
  bins (): AgeFigures['bins']
}

/** The statistics of the rows of a match. If the dates of birth ascend in the order of the births, those of a run or of all rows take hardly any time. */
export async function ageStatistics (index: TableIndex, match: Match, ages: Ages): Promise<Statistics> {
  const { births, table } = index
  if (births?.datesAscend !== true) return await statisticsOfRows(index, match.rows, ages)
  if (match.run !== undefined) return statistics(summaryOfFacet(births, match.run.run, match.run.facet, ages), ages)
  if (match.isAll) return statistics({ ...summaryOfFacet(births, allOf(births), 'all', ages), count: match.count, withImage: index.imageCount }, ages)
  return isCheapToSort(match.count, table.length) ? await statisticsOfRows(index, match.rows, ages) : await statisticsOfBitmap(index, births, match, ages)
}

function allOf (births: BirthIndex): Run {
  return { from: 0, to: births.length }
}

/** The statistics of many rows. The dates of birth must ascend in the order of the births. */
async function statisticsOfBitmap ({ table, imageBitmap }: TableIndex, index: BirthIndex, { count, bitmap, rows }: Match, ages: Ages): Promise<Statistics> {
  const all = allOf(index)
  const positions = await BitmapPositions.find(index.rows(all.from, all.to), bitmap)
  const meanBirth = await computeMeanBirth(table.data.births!.instants, rows)
  return statistics({ ...summaryOfRun(index, all, positions, ages), count, withImage: countCommonRows(bitmap, imageBitmap), meanBirth }, ages)
}

/** The cost depends on the number of bins, and hardly on that of rows. */
function summaryOfFacet (index: BirthIndex, run: Run, facet: ImageFacet, ages: Ages): Summary {
  const summary = summaryOfRun(index, run, index.facet(facet), ages)
  return {
    ...summary,
    count: summary.births,
    withImage: facet === 'without image' ? 0 : index.countBefore(run.to, 'with image') - index.countBefore(run.from, 'with image'),
    meanBirth: index.mean(run, facet, summary.births)
  }
}

function summaryOfRun (index: BirthIndex, run: Run, positions: PositionCounter, ages: Ages): Pick<Summary, 'births' | 'birthAt' | 'bins'> {
  const before = positions.countBefore(run.from)
  return {
    births: positions.countBefore(run.to) - before,
    birthAt: (i) => index.birthAt(positions.positionOf(before + i)),
    bins: () => binsOfRun(index, run, positions, ages)
  }
}

function binsOfRun (index: BirthIndex, run: Run, positions: PositionCounter, { asOf, timeZone, binWidth }: Ages): [number, number][] {
  const today = calendarDay(asOf, timeZone)
  const bins: [number, number][] = []
  let countToEnd = positions.countBefore(run.to)
  for (let end = run.to; end > run.from;) {
    const years = completedYears(index.dateAt(end - 1), today)
    // A birth later today has age -1.
    const bin = Math.floor((years === 0 && index.birthAt(end - 1) > asOf ? -1 : years) / binWidth)
    // The first birth that has not completed the years of the next bin.
    const start = Math.max(run.from, bin === -1 ? index.bornBetween(-Infinity, asOf).to : index.firstDated(today - (bin + 1) * binWidth * CALENDAR_DAYS_A_YEAR + 1))
    const countToStart = positions.countBefore(start)
    if (countToEnd > countToStart) bins.push([bin, countToEnd - countToStart])
    end = start
    countToEnd = countToStart
  }
  return bins
}

/** The statistics of these rows, in ascending order. */
async function statisticsOfRows (index: TableIndex, rows: Uint32Array, { asOf, timeZone, binWidth }: Ages): Promise<Statistics> {
  const { table } = index
  const { instants, dates } = table.data.births ?? NO_BIRTHS
  const ordered = await rowsByBirth(index, rows, instants)
  const today = calendarDay(asOf, timeZone)
  const counts = new Map<number, number>()
  let withImage = 0
  await runSteps(rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) if (table.hasImage(rows[i]!)) withImage++
  }))
  await runSteps(rowRanges(ordered.length, (from, to) => {
    // Rows in this order mostly have the bin of the row before.
    let [bin, count] = [NaN, 0]
    const addBin = () => { if (count > 0) counts.set(bin, (counts.get(bin) ?? 0) + count) }
    for (let i = from; i < to; i++) {
      const row = ordered[i]!
      const years = completedYears(dates[row]! as CalendarDay, today)
      const next = Math.floor((instants[row]! > asOf ? Math.min(years, -1) : years) / binWidth)
      if (next !== bin) {
        addBin()
        ;[bin, count] = [next, 0]
      }
      count++
    }
    addBin()
  }))
  return statistics({
    count: rows.length,
    births: ordered.length,
    withImage,
    meanBirth: await computeMeanBirth(instants, ordered),
    birthAt: (i) => instants[ordered[i]!]!,
    bins: () => [...counts].sort(([a], [b]) => a - b)
  }, { asOf, timeZone, binWidth })
}

/** The mean birth timestamp of those rows that have a birth. */
async function computeMeanBirth (instants: Float64Array, rows: Uint32Array): Promise<number> {
  let [high, low, count] = [0, 0, 0]
  await runSteps(rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const birth = instants[rows[i]!]!
      if (Number.isNaN(birth)) continue
      const multiple = Math.floor(birth / SUM_RADIX)
      high += multiple
      low += birth - multiple * SUM_RADIX
      count++
    }
  }))
  return high / count * SUM_RADIX + low / count
}

const NO_BIRTHS = { instants: new Float64Array(), dates: new Int32Array() }

/** The given rows that have a birth, in the order of births. */
async function rowsByBirth ({ births, table }: TableIndex, rows: Uint32Array, instants: Float64Array): Promise<Uint32Array> {
  if (births === undefined) return new Uint32Array()
  if (isCheapToSort(rows.length, table.length)) {
    return rows.filter((row) => !Number.isNaN(instants[row]!)).sort((a, b) => instants[a]! - instants[b]! || a - b)
  }
  const isIncluded = new Uint8Array(table.length)
  for (const row of rows) isIncluded[row] = 1
  const all = births.rows(0, births.length)
  const ordered = new Uint32Array(rows.length)
  let count = 0
  await runSteps(rowRanges(all.length, (from, to) => {
    for (let i = from; i < to; i++) if (isIncluded[all[i]!] === 1) ordered[count++] = all[i]!
  }))
  return ordered.subarray(0, count)
}

function statistics ({ birthAt, bins, ...figures }: Summary, { asOf, binWidth }: Ages): Statistics {
  const { births } = figures
  const last = births - 1
  const [youngest, oldest, low, high] = births === 0 ? [0, 0, 0, 0] : [birthAt(last), birthAt(0), birthAt(Math.floor(last / 2)), birthAt(Math.ceil(last / 2))]
  return describeAges({ ...figures, youngest, oldest, low, high, bins: bins() }, asOf, binWidth)
}
