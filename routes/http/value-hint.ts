import { DAY_MS, parseDateOrInstant } from '../../lib/base/instant.js'
import { isImpossibleDay } from '../../lib/schema/date-pattern.js'
import type { TypeName } from '../../lib/schema/field-type.js'
import { parseBound, parseOperand, type OperandType } from '../../lib/schema/operand.js'
import type { Field } from '../../lib/schema/schema.js'
import { createType } from '../../lib/schema/types/index.js'

// What to write in place of a value that a parameter does not accept: the ends of messages.

const DATE = createType('date')

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
  if (isImpossibleDay(iso)) return '; there is no such day'
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

/** What is wrong with a value of an image field that is no key of an object, such as `true`: no record has it. `undefined` if it may be one. */
export function findKeyMistake ({ name, source }: Field, value: string): string | undefined {
  return source !== 'image' || value.includes('.') ? undefined : `must be ${acceptedKey(name)}`
}

/** What an image field accepts, after "must be". */
export function acceptedKey (name: string): string {
  return `the key of an object, which has an extension: use where=${name} for records that have one, where=!${name} for those that have none`
}

/** The two conditions that a range such as 30-40 or 30..40 stands for; `undefined` if the text is not a range of values of the type, as the month 2024-05 is not. */
export function rangeOf (column: string, text: string, type: TypeName): string | undefined {
  const [, low, high] = /^(\d+(?:\.\d+)?)\s*(?:-|\.\.|:)\s*(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (low === undefined || high === undefined) return undefined
  const isRange = [low, high].every((bound) => parseBound(type, bound) !== undefined) && Number(low) <= Number(high)
  return isRange ? `where=${column}>=${low}&where=${column}<=${high}` : undefined
}

/** The condition that a value of a parameter such as >1000 stands for; `undefined` if the text is not an operator with a value of the type. */
export function comparisonOf (column: string, text: string, type: TypeName): string | undefined {
  const [, operator = '', value = ''] = /^([<>]=?|!?=)\s*(.+)$/.exec(text) ?? []
  const parse = /[<>]/.test(operator) ? parseBound : parseOperand
  return operator === '' || parse(type, value) === undefined ? undefined : `where=${column}${operator}${value}`
}
