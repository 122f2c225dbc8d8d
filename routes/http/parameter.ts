import { parseDateOrInstant } from '../../lib/base/instant.js'
import { isImpossibleDay } from '../../lib/schema/date-pattern.js'
import type { TypeName, Value } from '../../lib/schema/field-type.js'
import { acceptedOperand, parseOperand, type OperandType } from '../../lib/schema/operand.js'
import { toCell } from '../../lib/table/cell.js'
import { numberHint } from './value-hint.js'

/** A parameter of a URL: its only definition, for the OpenAPI document, for error messages and for reading requests. */
export interface Parameter<T> {
  /** Its schema in the document. */
  readonly schema: Readonly<Record<string, unknown>>
  /** What it means, for the document. */
  readonly description: string
  /** What is accepted, for error messages, after "must be". */
  readonly accepted: string
  /** What to do about a text that is not accepted, as the end of the message: empty if it is not a known mistake. */
  readonly hint?: ((text: string) => string) | undefined
  /** Whether the document leaves the parameter out. */
  readonly isHidden?: boolean
  /** May be given more than once. */
  readonly isList: boolean
  /** The value if the parameter is not given. */
  readonly absent: T
  /** Reads the text of a URL, or several texts if it is a list; returns `undefined` if a text is not accepted. */
  readonly parse: (given: string | readonly string[]) => T | undefined
  /** Writes a value as texts that `parse` reads. */
  readonly format: (value: T) => readonly string[]
}

/** Parameters by their names. */
export type Parameters = Readonly<Record<string, Parameter<any>>>

/** What a parameter means, for the document, and its default. */
interface Meaning<D> {
  readonly description: string
  readonly default?: D | undefined
  readonly example?: unknown
}

/** How one text of a parameter is read and written. */
interface Kind<T> {
  readonly schema: Readonly<Record<string, unknown>>
  readonly accepted: string
  readonly hint?: ((text: string) => string) | undefined
  readonly parse: (text: string) => T | undefined
  readonly format?: (value: T) => string
}

function scalar<T, D> ({ schema, accepted, hint, parse, format = String }: Kind<T>, { description, default: absent, example }: Meaning<D>): Parameter<T | D> {
  return {
    schema: { ...schema, ...absent !== undefined && { default: absent }, ...example !== undefined && { examples: [example] } },
    description,
    accepted,
    hint,
    isList: false,
    absent: absent as D,
    parse: (given) => typeof given === 'string' ? parse(given) : undefined,
    format: (value) => [format(value as T)]
  }
}

/** true or false in upper or lower case, or 1 or 0. */
export function booleanParameter<const D extends boolean | undefined = undefined> (meaning: Meaning<D>): Parameter<boolean | D> {
  return scalar({ schema: { type: 'boolean' }, accepted: 'true, false, 1 or 0', parse: (text) => BOOLEANS.get(text.toLowerCase()) }, meaning)
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([['true', true], ['1', true], ['false', false], ['0', false]])

interface Range {
  readonly minimum: number
  readonly maximum: number
}

/** An integer; 30.0 and 3e1 are 30. */
export function integerParameter<const D extends number | undefined = undefined> ({ minimum, maximum, ...meaning }: Meaning<D> & Range): Parameter<number | D> {
  return scalar({
    schema: { type: 'integer', format: 'int32', minimum, maximum },
    accepted: `an integer from ${minimum} to ${maximum}`,
    parse: (text) => {
      const number = parseNumber(text)
      return number !== undefined && Number.isInteger(number) && number >= minimum && number <= maximum ? number : undefined
    }
  }, meaning)
}

/** The number of decimal places to which numbers are rounded. */
const DECIMALS = 9

/** A number, rounded to nine decimals, so that requests of clients that write the same number in different ways share cached responses. */
export function numberParameter ({ minimum, maximum, ...meaning }: Meaning<undefined> & Range): Parameter<number | undefined> {
  const parse = (text: string) => {
    const number = parseNumber(text)
    if (number === undefined || number < minimum || number > maximum) return undefined
    return Math.round(number * 10 ** DECIMALS) / 10 ** DECIMALS + 0 // -0 is 0
  }
  return scalar({
    schema: { type: 'number', format: 'double', minimum, maximum },
    accepted: `a number from ${minimum} to ${maximum}`,
    hint: (text) => numberHint(text, (number) => parse(number) !== undefined),
    parse
  }, meaning)
}

/**
 * A finite number in the syntax of JSON; leading zeros are allowed. A space in the exponent is a plus sign that was not
 * percent-encoded.
 */
function parseNumber (text: string): number | undefined {
  if (!/^-?\d+(\.\d+)?([Ee][+ -]?\d+)?$/.test(text)) return undefined
  const number = Number(text.replace(' ', '+'))
  return Number.isFinite(number) ? number : undefined
}

/** An instant as RFC 3339 text, or a date, which is its midnight UTC; its value is in milliseconds since 1970-01-01 UTC. */
export function instantParameter (meaning: Meaning<undefined>): Parameter<number | undefined> {
  return scalar({
    schema: { type: 'string', format: 'date-time' },
    accepted: 'an RFC 3339 time such as 2025-06-01T12:00:00Z, or a date such as 2025-06-01, which means 00:00 UTC',
    hint: (text) => isImpossibleDay(text) ? '; there is no such day' : '',
    parse: parseDateOrInstant,
    format: (instant) => new Date(instant).toISOString()
  }, meaning)
}

/** One of the values of a string enum, in upper or lower case; its `default` is that of the parameter. `schema` has a name in the document. */
export function choiceParameter<const T extends string, const D extends T | undefined = undefined> (
  { schema, ...meaning }: Omit<Meaning<D>, 'default'> & { readonly schema: { readonly enum: readonly T[], readonly default?: D } }
): Parameter<T | D> {
  const kind = { schema: {}, accepted: `one of ${schema.enum.join(', ')}`, parse: (text: string) => schema.enum.find((value) => value === text.toLowerCase()) }
  return { ...scalar(kind, { ...meaning, default: schema.default as D }), schema }
}

interface TextRules {
  readonly accepted?: string
  /** What the text must match, beyond not being empty. */
  readonly pattern?: RegExp
  readonly hint?: (text: string) => string
}

function text ({ accepted = 'non-empty text', pattern, hint }: TextRules): Kind<string> {
  return {
    schema: { type: 'string', ...pattern === undefined ? { minLength: 1 } : { pattern: pattern.source } },
    accepted,
    hint,
    parse: (text) => text !== '' && (pattern === undefined || pattern.test(text)) ? text : undefined
  }
}

/** A text that is not empty. */
export function textParameter ({ accepted, pattern, hint, ...meaning }: Meaning<undefined> & TextRules): Parameter<string | undefined> {
  return scalar(text({ ...accepted !== undefined && { accepted }, ...pattern && { pattern }, ...hint && { hint } }), meaning)
}

/** Texts that are not empty. The parameter may be repeated; with a `separator`, one text may contain several. */
export function listParameter (
  { accepted, pattern, ...meaning }: Meaning<undefined> & Omit<TextRules, 'hint'> & { readonly separator?: string }
): Parameter<readonly string[] | undefined> {
  return list(text({ ...accepted !== undefined && { accepted }, ...pattern && { pattern } }), meaning)
}

/** Values of a column, as responses have them; the parameter may be repeated. `acceptedText`: what a column of texts accepts, after "must be". */
export function columnParameter (
  { type, isBirth, acceptedText, hint }: OperandType & { readonly acceptedText: string, readonly hint: (text: string) => string }, meaning: Meaning<undefined>
): Parameter<readonly NonNullable<Value>[] | undefined> {
  return list<NonNullable<Value>>({
    schema: COLUMN_SCHEMAS[type],
    accepted: type === 'string' ? acceptedText : acceptedOperand({ type, isBirth }),
    hint: (text) => {
      if (type === 'string') return ''
      const found = hint(text)
      // A comma is that of a list as often as that of a fraction.
      return found === '' || text.includes(',') ? `${found}; for several values, repeat the parameter` : found
    },
    parse: (text) => text === '' ? undefined : parseOperand(type, text),
    format: (value) => String(toCell(type, value))
  }, meaning)
}

const COLUMN_SCHEMAS: Readonly<Record<TypeName, Readonly<Record<string, unknown>>>> = {
  string: { type: 'string', minLength: 1 },
  integer: { type: 'integer', format: 'int64', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  number: { type: 'number', format: 'double' },
  boolean: { type: 'boolean' },
  date: { type: 'string', format: 'date' },
  datetime: { type: 'string', format: 'date-time' }
}

/** A parameter that may be repeated; with a `separator`, one text may contain several values. */
function list<T> (
  { schema, accepted, hint, parse, format = String }: Kind<T>, { description, example, separator }: Meaning<undefined> & { readonly separator?: string }
): Parameter<readonly T[] | undefined> {
  return {
    schema: { type: 'array', minItems: 1, items: schema, ...example !== undefined && { examples: [example] } },
    description,
    accepted,
    hint,
    isList: true,
    absent: undefined,
    parse: (given) => {
      const texts = typeof given === 'string' ? [given] : given
      const items = (separator === undefined ? texts : texts.flatMap((text) => text.split(separator))).map(parse)
      return items.every((item) => item !== undefined) ? items as T[] : undefined
    },
    format: (values) => (values ?? []).map((value) => format(value))
  }
}
