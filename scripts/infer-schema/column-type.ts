import type { FieldDescriptor } from '../../lib/schema/descriptor.js'
import type { TypeName, TypeOptions } from '../../lib/schema/field-type.js'
import { createType } from '../../lib/schema/types/index.js'

/** A value of a sampled file: a cell, or a value of a JSON file. */
export type SampleValue = string | number | boolean

/** The type of a column and its options, and what could not be decided, as sentences without a subject. */
export interface InferredType {
  readonly field: Pick<FieldDescriptor, 'type' | 'missingValues'> & TypeOptions
  readonly doubts: readonly string[]
}

/** Strings that usually stand for a missing value. */
const MISSING = new Set(['NA', 'N/A', 'n/a', '#N/A', 'null', 'NULL', 'None', 'nan', 'NaN', '-', '--', '?', '\\N', 'ø', 'k.A.', 'n.a.', 'N.A.', 'unknown'])

/** A single word is treated as a missing value if the column has at least this many different values, and all others are of another type than string. */
const MIN_VALUES_BESIDE_WORD = 5

const BOOLEANS: readonly (readonly [yes: string, no: string])[] = [['yes', 'no'], ['y', 'n'], ['on', 'off'], ['t', 'f'], ['ja', 'nein'], ['oui', 'non'], ['si', 'no'], ['да', 'нет']]

const NUMBERS: readonly (TypeOptions & { readonly shape: RegExp })[] = [
  { shape: /^[+-]?[\d.eE+-]+$/ },
  { decimalChar: ',', shape: /^[+-]?\d+(,\d+)?$/ },
  { decimalChar: ',', groupChar: '.', shape: /^[+-]?\d{1,3}(\.\d{3})*(,\d+)?$/ },
  { groupChar: ',', shape: /^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$/ },
  { decimalChar: ',', groupChar: ' ', shape: /^[+-]?\d{1,3}( \d{3})*(,\d+)?$/ }
]

const DATES = ['default', '%d.%m.%Y', '%d/%m/%Y', '%m/%d/%Y', '%d-%m-%Y', '%Y/%m/%d', '%Y.%m.%d', '%d %b %Y', '%d %B %Y', '%b %d, %Y', '%B %d, %Y', '%d.%m.%y', '%d/%m/%y', '%m/%d/%y']
const TIMES = ['%H:%M:%S', '%H:%M', '%H:%M:%S%z', '%H:%M:%S %z', '%H:%M:%S.%f']
const DATETIMES = ['default', ...DATES.map((date) => date === 'default' ? '%Y-%m-%d' : date).flatMap((date) => TIMES.flatMap((time) => [`${date} ${time}`, `${date}T${time}`]))]

/** Infers the type of a column from its values, of which there may be none. */
export function inferType (values: readonly SampleValue[]): InferredType {
  const strings = [...new Set(values.map((value) => String(value).trim()))].filter((text) => text !== '')
  if (strings.length === 0) return { field: { type: 'string' }, doubts: ['has no value in the sample: its type is a guess'] }
  const isMissing = missingTest(strings)
  const missing = strings.filter(isMissing)
  const found = inferFrom(strings.filter((text) => !isMissing(text)))
  if (found === undefined || (found.field.type === 'string' && missing.length > 0)) return asText(values, missing)
  const field = missing.length === 0 ? found.field : { ...found.field, missingValues: ['', ...missing] }
  const doubts = missing.length === 0 ? found.doubts : [...found.doubts, `has the values ${list(missing)}: they are treated as missing values`]
  return found.field.type === 'string' ? asText(values, missing, found.doubts) : { field, doubts }
}

/** Returns a function that reports whether a string stands for a missing value: it is in MISSING, or it is the only one without a digit among values of another type. */
function missingTest (strings: readonly string[]): (text: string) => boolean {
  const others = strings.filter((text) => !MISSING.has(text))
  const words = others.filter((text) => !/\d/.test(text))
  const odd = words.length === 1 && others.length >= MIN_VALUES_BESIDE_WORD ? words[0] : undefined
  const type = odd === undefined ? 'string' : inferFrom(others.filter((text) => text !== odd))!.field.type
  return (text) => MISSING.has(text) || (type !== 'string' && text === odd)
}

function asText (values: readonly SampleValue[], missing: readonly string[], others: readonly string[] = []): InferredType {
  const scalars = values.filter((value) => typeof value !== 'string')
  return {
    field: { type: 'string' },
    doubts: [
      ...others,
      ...missing.length > 0 ? [`has the values ${list(missing)}: if they stand for a missing value, declare them as missingValues`] : [],
      ...scalars.length > 0 ? [`has strings, but in some JSON files numbers or booleans such as ${String(scalars[0])}: those files will be rejected`] : []
    ]
  }
}

/** Infers the type of a column without missing values. Returns `undefined` if there is no value. */
function inferFrom (strings: readonly string[]): InferredType | undefined {
  if (strings.length === 0) return undefined
  return inferBoolean(strings) ?? inferInteger(strings) ?? inferNumber(strings) ??
    inferDate(strings, 'date', DATES) ?? inferDate(strings, 'datetime', DATETIMES) ?? { field: { type: 'string' }, doubts: [] }
}

function inferBoolean (strings: readonly string[]): InferredType | undefined {
  if (strings.every((text) => /^(?:true|false|True|False|TRUE|FALSE)$/.test(text))) return { field: { type: 'boolean' }, doubts: [] }
  const pair = BOOLEANS.find(([yes, no]) => strings.length > 1 && strings.every((text) => [yes, no].includes(text.toLowerCase())))
  if (pair === undefined) return undefined
  const spellings = (word: string) => {
    const found = strings.filter((text) => text.toLowerCase() === word).sort()
    return found.length === 0 ? [word] : found
  }
  return { field: { type: 'boolean', trueValues: spellings(pair[0]), falseValues: spellings(pair[1]) }, doubts: [] }
}

function inferInteger (strings: readonly string[]): InferredType | undefined {
  if (!strings.every((text) => /^[+-]?\d+$/.test(text))) return undefined
  const coded = strings.find((text) => /^[+-]?0\d/.test(text))
  if (coded !== undefined) return { field: { type: 'string' }, doubts: [`has digits with leading zeros, such as ${coded}: it is treated as text`] }
  if (!fits('integer', {}, strings)) return { field: { type: 'string' }, doubts: ['has integers that a JSON number does not represent exactly: it is treated as text'] }
  const doubts = [
    ...strings.every((text) => text === '0' || text === '1') ? ['has 0 and 1 only: it may be a boolean'] : [],
    ...strings.every((text) => /^(?:19|20)\d{6}$/.test(text)) && fits('date', { format: '%Y%m%d' }, strings) ? ['may be a date with the format %Y%m%d'] : []
  ]
  return { field: { type: 'integer' }, doubts }
}

function inferNumber (strings: readonly string[]): InferredType | undefined {
  const options = NUMBERS.find(({ shape, ...options }) => strings.every((text) => shape.test(text)) && fits('number', options, strings))
  if (options === undefined) return undefined
  const { shape: _, ...rest } = options
  const isAmbiguous = rest.decimalChar === ',' && rest.groupChar === undefined && strings.filter((text) => text.includes(',')).every((text) => /,\d{3}$/.test(text))
  const doubt = 'has a comma before exactly three digits in every value: the comma may separate thousands (groupChar) instead of decimals (decimalChar)'
  return { field: { type: 'number', ...rest }, doubts: isAmbiguous ? [doubt] : [] }
}

function inferDate (strings: readonly string[], type: 'date' | 'datetime', formats: readonly string[]): InferredType | undefined {
  const [format, ...fitting] = formats.filter((format) => fits(type, { format }, strings))
  if (format === undefined) return undefined
  const { parse } = createType(type, { format })
  const others = fitting.filter((other) => strings.some((text) => createType(type, { format: other }).parse(text) !== parse(text)))
  const doubts = others.length === 0 ? [] : [`has dates that also fit ${others.join(' and ')}: check the order of day and month`]
  return { field: { type, ...format !== 'default' && { format } }, doubts }
}

function fits (name: TypeName, options: TypeOptions, strings: readonly string[]): boolean {
  const type = createType(name, options)
  return strings.every((text) => type.parse(text) !== undefined)
}

function list (strings: readonly string[]): string {
  return strings.slice(0, 5).map((text) => JSON.stringify(text)).join(', ')
}
