import { DAY_MS } from '../../base/instant.js'
import { patternReader } from '../date-pattern.js'
import type { FieldType, TypeOptions } from '../field-type.js'

const DEFAULT_PATTERN = '%Y-%m-%d'

/** Calendar dates from year 1 to 9999, as days since 1970-01-01. */
export function dateType ({ format = 'default' }: TypeOptions): FieldType {
  const pattern = format === 'default' ? DEFAULT_PATTERN : format
  const read = patternReader(pattern, { isLocal: true })
  return {
    name: 'date',
    accepts: format === 'default' ? 'a date such as 2024-01-26' : `a date as ${pattern}`,
    parse: (text) => {
      const ms = read(text)
      return ms === undefined ? undefined : Math.floor(ms / DAY_MS)
    },
    fromJson: () => undefined,
    format: formatDate,
    toJson: (value) => `"${formatDate(value)}"`,
    compare: (a, b) => Number(a) - Number(b)
  }
}

function formatDate (days: unknown): string {
  return new Date(Number(days) * DAY_MS).toISOString().slice(0, 10)
}
