/** RFC 3339 has four digits for the year. */
const EARLIEST = Date.parse('0000-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * The instant that an RFC 3339 text names, in milliseconds since 1970-01-01 UTC; `undefined` where it names none. Digits
 * beyond the millisecond are cut. A space is taken for the plus sign of an offset, which it is in a URL that was not
 * encoded, and the colon within an offset may be missing, as Python's strftime and the clients that use it write it; leap
 * seconds are not known.
 */
export function parseInstant (text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+ -]\d\d:?\d\d)$/.exec(text)
  if (parts === null) return undefined
  const [, date, time, fraction = '', zone] = parts
  const local = `${date}T${time}${fraction.slice(0, 4)}`
  const utc = Date.parse(local + 'Z')
  // Date.parse takes Feb 30 for Mar 1 or 2, and 24:00:00 for the next day
  if (Number.isNaN(utc) || !new Date(utc).toISOString().startsWith(`${date}T${time}`)) return undefined
  const offset = offsetMs(zone!)
  if (offset === undefined) return undefined
  const instant = utc - offset
  return instant >= EARLIEST && instant <= LATEST ? instant : undefined
}

function offsetMs (zone: string): number | undefined {
  if (zone.toUpperCase() === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** The beginning of the minute that an instant lies in. */
export function wholeMinute (instant: number): number {
  return Math.floor(instant / 60_000) * 60_000
}
