import { foldCase } from '../base/fold-case.js'
import { DAY_MS } from '../base/instant.js'
import { didYouMean, nearest } from '../base/nearest.js'
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
