import { DAY_MS } from './instant.js'

declare const brand: unique symbol

/**
 * A date of the proleptic Gregorian calendar as an integer: (12 * year + month - 1) * 31 + day - 1. It increases with the date but is not a
 * count of days, because every month has 31 numbers. The same day of consecutive years differs by CALENDAR_DAYS_A_YEAR, so that completed
 * years are computed by one division. It fits into 32 bits for every time value of ECMAScript; yyyymmdd would not.
 */
export type CalendarDay = number & { readonly [brand]: 'CalendarDay' }

/** The difference between the numbers of the same day in two consecutive years: twelve months of 31 days. */
export const CALENDAR_DAYS_A_YEAR = 372

/** The date of an instant (milliseconds since 1970-01-01 UTC) in a time zone (IANA name). */
export function calendarDay (instant: number, timeZone: string): CalendarDay {
  if (instant === last.instant && timeZone === last.timeZone) return last.day
  const [year, month, day] = civilFromDays(Math.floor((instant + zoneOffset(instant, timeZone)) / DAY_MS))
  last = { instant, timeZone, day: (12 * year + month - 1) * 31 + day - 1 as CalendarDay }
  return last.day
}

/** The last result, because a query needs the day of the same instant several times. */
let last = { instant: NaN, timeZone: '', day: 0 as CalendarDay }

const formats = new Map<string, Intl.DateTimeFormat>()

/** Milliseconds to add to UTC to get the local time of a zone at an instant. */
function zoneOffset (instant: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    formats.set(timeZone, format)
  }
  // "7/1/2025, GMT+03:00"; with seconds for old dates, whose offsets were not whole minutes; plain "GMT" for offset 0.
  const offset = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(instant))
  if (offset === null) throw new Error(`No offset for time zone ${timeZone}`)
  const [, sign, hours = 0, minutes = 0, seconds = 0] = offset
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}

/** Year, month and day of a number of days since 1970-01-01; Hinnant's civil_from_days, which begins years in March. */
export function civilFromDays (days: number): [number, number, number] {
  const shifted = days + 719_468 // days since 0000-03-01
  const era = Math.floor(shifted / 146_097) // 400 years
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day]
}

/** Whether this runtime supports a time zone with this IANA name. */
export function isTimeZone (name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}
