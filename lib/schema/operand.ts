import { foldCase } from '../base/fold-case.js'
import { DAY_MS, parseDateOrInstant } from '../base/instant.js'
import { didYouMean, nearest } from '../base/nearest.js'
import { isNoDay } from './date-pattern.js'
import type { TypeName, Value } from './field-type.js'
import type { Field } from './schema.js'
import { createType } from './types/index.js'

interface OperandSyntax {
  /** What is accepted, after "must be". */
  readonly accepted: string
  readonly parse: (text: string) => NonNullable<Value> | undefined
}

const [NUMBER, BOOLEAN, DATE, DATETIME] = [createType('number'), createType('boolean'), createType('date'), createType('datetime')]

/** In a URL, an unencoded plus sign is a space. */
const number = (text: string) => NUMBER.parse(text.replace(/(?<=[eE]) (?=\d)/, '+')) as number | undefined

const OPERANDS: Readonly<Record<TypeName, OperandSyntax>> = {
  string: { accepted: 'text', parse: (text) => text },
  integer: {
    accepted: `an integer from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
    parse: (text) => {
      const value = number(text)
      return Number.isSafeInteger(value) ? value : undefined
    }
  },
  number: { accepted: 'a finite number such as -1.5', parse: number },
  boolean: { accepted: 'true, false, 1 or 0', parse: (text) => BOOLEAN.parse(text.toLowerCase()) },
  date: { accepted: DATE.accepts, parse: DATE.parse },
  datetime: { accepted: DATETIME.accepts, parse: (text) => DATETIME.parse(text.replace(/ (?=\d\d:\d\d$)/, '+')) }
}

/** The type of a column, and whether ages are computed from it: an integer is then milliseconds since 1970-01-01 UTC. */
export interface OperandType { readonly type: TypeName, readonly isBirth: boolean }

/** What `parseOperand` accepts for a column, after "must be". */
export function acceptedOperand ({ type, isBirth }: OperandType): string {
  return OPERANDS[type].accepted + (isBirth && type === 'integer' ? ' (milliseconds since 1970-01-01 UTC)' : '')
}

/**
 * What to write in place of a rejected text, as the end of a message: for a date or timestamp where milliseconds are needed, a date where a datetime is, a year or month where
 * either is, and a number with a decimal comma; else empty.
 *
 * @param operator that of the condition
 */
export function operandHint ({ type, isBirth }: OperandType, text: string, column: string, operator = '='): string {
  if (type === 'number') return numberHint(text, (number) => parseOperand(type, number) !== undefined)
  if (type === 'date' || type === 'datetime') return dateHint(type, text, column, operator)
  const iso = toIsoDate(text)
  const instant = type === 'integer' && isBirth ? parseDateOrInstant(iso) : undefined
  return instant === undefined ? '' : `; ${iso} is ${instant}`
}

/** What to write in place of a number with a decimal comma or with separators of groups, such as 3.000,50, as the end of a message: empty if it is not one that `isAccepted`. */
export function numberHint (text: string, isAccepted: (number: string) => boolean): string {
  const [, whole, fraction] = /^(-?(?:\d+|\d{1,3}(?:\.\d{3})+)),(\d+)$/.exec(text) ?? /^(-?\d{1,3}(?:,\d{3})+)\.(\d+)$/.exec(text) ?? []
  const number = whole === undefined ? '' : `${whole.replaceAll(/[.,]/g, '')}.${fraction}`
  return isAccepted(number) ? `; use ${number}` : ''
}

function dateHint (type: 'date' | 'datetime', text: string, column: string, operator: string): string {
  const iso = toIsoDate(text)
  const day = DATE.parse(iso)
  if (isNoDay(iso)) return '; there is no such day'
  if (day === undefined) return periodHint(text, column, operator)
  if (type === 'date') return operator === '^=' || operator === '~' ? `; use where=${column}=${iso}` : `; use ${iso}`
  if (/[<>]/.test(operator)) return `; use ${iso}`
  return operator === '!=' ? '' : `; use where=${column}>=${iso}&where=${column}<${DATE.format(Number(day) + 1)} for the whole day in UTC`
}

/** The conditions that one with a year or month means, such as 2020, 2020-05 or 2020*, as the end of a message: empty if the text is neither. */
function periodHint (text: string, column: string, operator: string): string {
  const [, year, month] = /^([1-9]\d{3})(?:-(\d\d))?-?\*?$/.exec(text) ?? []
  const first = DATE.parse(`${year}-${month ?? '01'}-01`)
  if (first === undefined || operator === '!=' || year === '9999') return ''
  const next = DATE.format(Date.UTC(Number(year), Number(month ?? 12)) / DAY_MS)
  switch (operator) {
    case '<': case '>=': return `; use where=${column}${operator}${DATE.format(first)}`
    case '<=': return `; use where=${column}<${next}`
    case '>': return `; use where=${column}>=${next}`
    default: return `; use where=${column}>=${DATE.format(first)}&where=${column}<${next}`
  }
}

/** Whether a text stands for no value: it is empty, null, or one of the missing values of the field. */
export function isMissingText (field: Field | undefined, text: string): boolean {
  return text === '' || text === 'null' || field?.read(text).value === null
}

/** What to write in place of a text that the field has in files and queries do not accept, such as yes for true, as the end of a message; else empty. @param comparison the column and the operator */
export function fileTextHint (field: Field | undefined, text: string, comparison: string): string {
  const { value } = field?.read(text) ?? {}
  return field === undefined || value === undefined || value === null ? '' : `; use ${comparison}${field.type.format(value)}`
}

/** Writes a date such as 31.1.1980 as 1980-01-31, and leaves other texts as they are: where the parts are separated by slashes, either may be the month. */
function toIsoDate (text: string): string {
  const [, day, month, year] = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text) ?? []
  return day === undefined ? text : `${year}-${month!.padStart(2, '0')}-${day.padStart(2, '0')}`
}

/**
 * Reads a value of a column in a query: as responses have it, whatever its format in files. Returns `undefined` if the text is not
 * a value of this type.
 */
export function parseOperand (type: TypeName, text: string): NonNullable<Value> | undefined {
  return OPERANDS[type].parse(text)
}

/** Reads a bound of a range as `parseOperand` does. For a datetime it may also be a date, which is its midnight UTC. */
export function parseBound (type: TypeName, text: string): NonNullable<Value> | undefined {
  const day = type === 'datetime' ? DATE.parse(text) : undefined
  return day === undefined ? parseOperand(type, text) : Number(day) * DAY_MS
}

/** The maximum number of values of an enum, or of columns, that a message lists. */
const MAX_LISTED = 20

/**
 * What is wrong with a value that the enum of a field does not contain, to follow the value in a message; `undefined` if the field allows it.
 *
 * @param fold whether texts are compared ignoring case
 */
export function findEnumMistake ({ type, allowed }: Field, value: NonNullable<Value>, { fold = false } = {}): string | undefined {
  const comparable = (value: NonNullable<Value>) => fold && typeof value === 'string' ? foldCase(value) : value
  if (allowed === undefined || allowed.some((one) => comparable(one) === comparable(value))) return undefined
  const texts = allowed.map((one) => type.format(one))
  return `must be one of ${listFirst(texts.map((text) => JSON.stringify(text)))}${didYouMean(nearest(type.format(value), texts))}`
}

/** The first texts, and the number of the others, for a message. */
export function listFirst (texts: readonly string[]): string {
  const rest = texts.length > MAX_LISTED ? ` and ${texts.length - MAX_LISTED} more, which GET /schema lists` : ''
  return texts.slice(0, MAX_LISTED).join(', ') + rest
}
