import type { Column } from './columns.js'
import type { TypeName, Value } from './types.js'

// Values as text for people.

const integer = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const decimal = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 })

export function formatCount (count: number): string {
  return integer.format(count)
}

/** "1 record", "1,200 records". */
export function countOf (count: number, one: string, several = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`
}

export function formatNumber (value: number): string {
  return decimal.format(value)
}

export function formatDecimals (value: number, decimals: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(decimals, 20) })
}

export function formatPercent (part: number, whole: number): string {
  if (whole === 0) return '0 %'
  const percent = 100 * part / whole
  return `${percent > 0 && percent < 1 ? '< 1' : percent > 99 && percent < 100 ? '> 99' : Math.round(percent)} %`
}

/** A value of a column; `undefined` if it has none. */
export function formatValue (column: Pick<Column, 'type' | 'isTime'>, value: Value | undefined): string | undefined {
  if (value === null || value === undefined) return undefined
  if (column.isTime) return formatTime(Number(value))
  switch (column.type) {
    case 'boolean': return value === true ? 'yes' : 'no'
    case 'datetime': return formatTime(Date.parse(String(value)))
    // Without separators: identifiers and years are numbers as well.
    case 'integer': return String(value)
    case 'number': return typeof value === 'number' ? String(Number(value.toPrecision(12))) : value as string
    default: return String(value)
  }
}

/** A figure that is computed from values of a column, such as a mean. */
export function formatFigure (column: Pick<Column, 'type' | 'isTime'>, value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (column.isTime) return formatTime(Number(value)).slice(0, 10)
  if (column.type === 'datetime') return formatTime(Date.parse(String(value)))
  return typeof value === 'number' ? formatNumber(value) : value
}

/** A mean with the digits that a comparison of groups needs; of times, the day. */
export function formatMean (column: Pick<Column, 'type' | 'isTime'>, mean: string | number | null | undefined): string {
  if (typeof mean === 'string') return mean.slice(0, 'yyyy-mm-dd'.length)
  return formatFigure(column, typeof mean !== 'number' || Math.abs(mean) >= 1000 ? mean : Number(mean.toPrecision(3)))
}

/** Minutes, in UTC; seconds if there are any. */
export function formatTime (ms: number): string {
  if (Number.isNaN(ms)) return '–'
  const text = new Date(ms).toISOString().replace('T', ' ')
  return text.replace(/(:00)?\.\d+Z$/, '')
}

/** "just now", "20 s ago", "5 min ago", "3 h ago", or days. */
export function formatAgo (seconds: number): string {
  if (seconds < 3) return 'just now'
  if (seconds < 100) return `${Math.round(seconds)} s ago`
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
}

/** Whether the values of a type are numbers. */
export function isNumeric (type: TypeName): boolean {
  return type === 'integer' || type === 'number'
}
