export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000
/** The greatest absolute value of a time in JavaScript, in milliseconds. */
export const MAX_TIME_MS = 8.64e15

/** The range of RFC 3339, whose years have four digits. Milliseconds since 1970-01-01 UTC, both inclusive. */
const EARLIEST = Date.parse('0000-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Parses an RFC 3339 timestamp to milliseconds since 1970-01-01 UTC; `undefined` if the text is not one. Digits after the millisecond are
 * ignored. Two deviations are accepted: a space for the plus sign of the offset (an unencoded plus sign in a URL), and an offset without
 * a colon (as written by Python's strftime). Leap seconds are not supported.
 */
export function parseInstant (text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+ -]\d\d:?\d\d)$/.exec(text)
  if (parts === null) return undefined
  const [, date, time, fraction = '', zone] = parts
  const local = `${date}T${time}${fraction.slice(0, 4)}`
  const utc = Date.parse(local + 'Z')
  // Date.parse accepts Feb 30 as Mar 1 or 2, and 24:00:00 as the next day.
  if (Number.isNaN(utc) || new Date(utc).getUTCDate() !== Number(date!.slice(-2))) return undefined
  const offset = offsetMs(zone!)
  if (offset === undefined) return undefined
  const instant = utc - offset
  return instant >= EARLIEST && instant <= LATEST ? instant : undefined
}

/** Parses a date, which is its midnight UTC, or an RFC 3339 timestamp, as `parseInstant` does. */
export function parseDateOrInstant (text: string): number | undefined {
  return parseInstant(text) ?? parseInstant(`${text}T00:00:00Z`)
}

function offsetMs (zone: string): number | undefined {
  if (zone.toUpperCase() === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS
}

/** The last full minute before or at an instant, both in milliseconds since 1970-01-01 UTC. */
export function wholeMinute (instant: number): number {
  return Math.floor(instant / MINUTE_MS) * MINUTE_MS
}
