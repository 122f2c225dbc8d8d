import { CALENDAR_DAYS_A_YEAR, calendarDay, type CalendarDay } from '../base/calendar.js'
import type { Filter } from './filter.js'

/** The year in which exact ages are counted, in milliseconds: 365.25 days. */
export const YEAR_MS = 31_557_600_000

/** Ages in filters have at most nine decimals: this many units make a year. */
const AGE_UNITS = 1_000_000_000

/** How an age is counted: in completed calendar years, or as elapsed time in years of 365.25 days. */
export type AgeBasis = 'completed' | 'exact'

export interface AgeRange {
  /** Years, at least 0, inclusive; at most nine decimals count. */
  readonly min?: number | undefined
  readonly max?: number | undefined
  /** Default: completed. */
  readonly basis?: AgeBasis | undefined
  /** The instant of the ages, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** IANA name of the zone whose calendar counts, for completed years. */
  readonly timeZone: string
}

/** The filters that select the records in a range of ages: ranges of birth timestamps (exact) or of birth dates (completed). */
export function ageFilters ({ min, max, basis = 'completed', asOf, timeZone }: AgeRange): Filter[] {
  if (basis === 'exact') {
    return [{
      op: 'born',
      unit: 'millisecond',
      value: {
        min: max === undefined ? undefined : asOf - elapsed(max, 'at most'),
        max: min === undefined ? undefined : asOf - elapsed(min, 'at least')
      }
    }]
  }
  const today = calendarDay(asOf, timeZone)
  const dates: Filter = {
    op: 'born',
    unit: 'calendar day',
    value: {
      // A person of at most n years has not completed n + 1 years; a person of at least n years has completed n.
      min: max === undefined ? undefined : today - (Math.floor(max) + 1) * CALENDAR_DAYS_A_YEAR + 1,
      max: min === undefined ? undefined : today - Math.ceil(min) * CALENDAR_DAYS_A_YEAR
    }
  }
  // A person who is born later today is not 0 yet.
  return min === 0 ? [dates, { op: 'born', unit: 'millisecond', value: { max: asOf } }] : [dates]
}

/** Milliseconds in an age, rounded so that whole milliseconds compare as the exact age would. */
function elapsed (years: number, bound: 'at least' | 'at most'): number {
  const scaled = BigInt(Math.round(years * AGE_UNITS)) * BigInt(YEAR_MS)
  const floor = scaled / BigInt(AGE_UNITS) - (scaled < 0n && scaled % BigInt(AGE_UNITS) !== 0n ? 1n : 0n)
  const isWhole = floor * BigInt(AGE_UNITS) === scaled
  return Number(bound === 'at most' || isWhole ? floor : floor + 1n)
}

/**
 * Completed calendar years from a birth to a later day. Negative, rounded down, if the birth is later than that day. A birth on Feb 29 completes
 * a year on Mar 1 in common years.
 */
export function completedYears (birthDate: CalendarDay, today: CalendarDay): number {
  // The same day of consecutive years differs by CALENDAR_DAYS_A_YEAR, because a CalendarDay has 31 numbers for every month.
  return Math.floor((today - birthDate) / CALENDAR_DAYS_A_YEAR)
}
