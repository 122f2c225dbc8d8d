const DAY_MS = 86_400_000

/** How many numbers `calendarDate` has for a year: twelve months of 31 days. */
export const DATES_A_YEAR = 372

/**
 * The calendar date of an instant in a time zone, as a number that grows with the date: (12 * year + month - 1) * 31 + day - 1
 * in the proleptic Gregorian calendar. For any time value of ECMAScript it fits into 32 bits, which yyyymmdd would not.
 */
export function calendarDate (instant: number, timeZone: string): number {
  if (instant === last.instant && timeZone === last.timeZone) return last.date
  const [year, month, day] = civilFromDays(Math.floor((instant + zoneOffset(instant, timeZone)) / DAY_MS))
  last = { instant, timeZone, date: (12 * year + month - 1) * 31 + day - 1 }
  return last.date
}

/** One query asks for the date of its instant several times. */
let last = { instant: NaN, timeZone: '', date: 0 }

const formats = new Map<string, Intl.DateTimeFormat>()

/** Milliseconds to add to UTC for the local time of a zone at an instant. */
function zoneOffset (instant: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    formats.set(timeZone, format)
  }
  // "7/1/2025, GMT+03:00", with seconds before zones had whole minutes, plain "GMT" at no offset
  const offset = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(instant))
  if (offset === null) throw new Error(`No offset for time zone ${timeZone}`)
  const [, sign, hours = 0, minutes = 0, seconds = 0] = offset
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}

/** Year, month and day of a count of days since 1970-01-01; Hinnant's days algorithm, years counted from March. */
function civilFromDays (days: number): [number, number, number] {
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

/** Whether this runtime knows a time zone by that name. */
export function isTimeZone (name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}
