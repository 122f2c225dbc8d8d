import { patternReader } from '../date-pattern.js'
import type { FieldType, TypeOptions } from '../field-type.js'

/** XML Schema's dateTime, with an optional fraction of a second and an optional offset. Of the fraction, `%f` reads at most six digits, and the milliseconds are kept. */
const DATETIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)?$/
const readDatetime = patternReader('%Y-%m-%dT%H:%M:%S.%f%z')

/** The years 1 to 9999 in UTC, both inclusive: an offset can move a text of these years out of them. */
const MIN_MS = Date.parse('0001-01-01T00:00:00Z')
const MAX_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** Instants of the years 1 to 9999, as milliseconds since 1970-01-01 UTC. A text without an offset is UTC. */
export function datetimeType ({ format = 'default' }: TypeOptions): FieldType {
  const read = format === 'default' ? readDefault : patternReader(format)
  return {
    name: 'datetime',
    accepts: format === 'default' ? 'a date and time such as 2024-01-26T15:00:00Z' : `a date and time as ${format}`,
    parse: (text) => {
      const ms = read(text)
      return ms !== undefined && ms >= MIN_MS && ms <= MAX_MS ? ms : undefined
    },
    fromJson: () => undefined,
    format: formatDatetime,
    toJson: (value) => `"${formatDatetime(value)}"`,
    compare: (a, b) => Number(a) - Number(b)
  }
}

function readDefault (text: string): number | undefined {
  const [, seconds, fraction = '.0', offset = 'Z'] = DATETIME.exec(text) ?? []
  return seconds === undefined ? undefined : readDatetime(seconds + fraction + offset)
}

function formatDatetime (ms: unknown): string {
  return new Date(Number(ms)).toISOString()
}
