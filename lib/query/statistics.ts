import { calendarDate } from '../calendar.js'
import type { UserRow } from '../record.js'
import { completedYears, YEAR_MS } from './age.js'

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

/** The statistics of these rows. */
export function statisticsOf (rows: readonly UserRow[], { asOf, binWidth, timeZone }: Ages): Statistics {
  const born = Float64Array.from(rows, (row) => row.birthts).sort()
  const count = born.length
  const age = (birthts: number) => quotient(BigInt(asOf) - BigInt(birthts), BigInt(YEAR_MS))
  return {
    count,
    average_age: count === 0 ? -1 : quotient(BigInt(asOf) * BigInt(count) - sum(born), BigInt(YEAR_MS) * BigInt(count)),
    median_age: count === 0 ? null : median(born, asOf),
    youngest_age: count === 0 ? null : age(born[count - 1]!),
    oldest_age: count === 0 ? null : age(born[0]!),
    with_image: rows.reduce((images, row) => images + (row.img_path === null ? 0 : 1), 0),
    age_histogram: histogram(rows, calendarDate(asOf, timeZone), binWidth)
  }
}

function median (born: Float64Array, asOf: number): number {
  const last = born.length - 1
  const middle = BigInt(born[Math.floor(last / 2)]!) + BigInt(born[Math.ceil(last / 2)]!)
  return quotient(2n * BigInt(asOf) - middle, 2n * BigInt(YEAR_MS))
}

/** Exact: doubles hold the high and the low parts of far more timestamps than fit into memory. */
function sum (born: Float64Array): bigint {
  const low = 2 ** 26
  let highs = 0
  let lows = 0
  for (const birthts of born) {
    const high = Math.floor(birthts / low)
    highs += high
    lows += birthts - high * low
  }
  return BigInt(highs) * BigInt(low) + BigInt(lows)
}

/** The nearest double to within a few units in the last place, however large the terms. */
function quotient (dividend: bigint, divisor: bigint): number {
  return Number(dividend / divisor) + Number(dividend % divisor) / Number(divisor)
}

function histogram (rows: readonly UserRow[], today: number, binWidth: number): AgeBin[] {
  const counts = new Map<number, number>()
  for (const row of rows) {
    const bin = Math.floor(completedYears(row.birth_date, today) / binWidth)
    counts.set(bin, (counts.get(bin) ?? 0) + 1)
  }
  return [...counts].sort(([a], [b]) => a - b)
    .map(([bin, count]) => ({ min_age: bin * binWidth, max_age: (bin + 1) * binWidth - 1, count }))
}
