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

/** Texts that usually stand for a missing value. */
const MISSING = new Set(['NA', 'N/A', 'n/a', '#N/A', 'null', 'NULL', 'None', 'nan', 'NaN', '-', '--', '?', '\\N', 'ø', 'k.A.', 'n.a.', 'N.A.', 'unknown'])

/** A word among at least this many values of another type is taken as a missing value. */
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
  const texts = [...new Set(values.map((value) => String(value).trim()))].filter((text) => text !== '')
  if (texts.length === 0) return { field: { type: 'string' }, doubts: ['has no value in the sample: its type is a guess'] }
  const isMissing = missingTest(texts)
  const missing = texts.filter(isMissing)
  const found = inferFrom(texts.filter((text) => !isMissing(text)))
  if (found === undefined || (found.field.type === 'string' && missing.length > 0)) return asText(values, missing)
  const field = missing.length === 0 ? found.field : { ...found.field, missingValues: ['', ...missing] }
  const doubts = missing.length === 0 ? found.doubts : [...found.doubts, `has the values ${list(missing)}: they are taken as missing values`]
  return found.field.type === 'string' ? asText(values, missing, found.doubts) : { field, doubts }
}

/** Whether a text stands for a missing value: a usual one or, among texts with digits, the only one without a digit. */
function missingTest (texts: readonly string[]): (text: string) => boolean {
  const others = texts.filter((text) => !MISSING.has(text))
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
      ...missing.length > 0 ? [`has the texts ${list(missing)}: if they stand for a missing value, declare them as missingValues`] : [],
      ...scalars.length > 0 ? [`has texts, and in some JSON files numbers or booleans such as ${String(scalars[0])}: those files will be rejected`] : []
    ]
  }
}

/** `undefined` if there is no value. */
function inferFrom (texts: readonly string[]): InferredType | undefined {
  if (texts.length === 0) return undefined
  return inferBoolean(texts) ?? inferInteger(texts) ?? inferNumber(texts) ?? inferDate(texts, 'date', DATES) ?? inferDate(texts, 'datetime', DATETIMES) ?? { field: { type: 'string' }, doubts: [] }
}

function inferBoolean (texts: readonly string[]): InferredType | undefined {
  if (texts.every((text) => /^(?:true|false|True|False|TRUE|FALSE)$/.test(text))) return { field: { type: 'boolean' }, doubts: [] }
  const pair = BOOLEANS.find(([yes, no]) => texts.length > 1 && texts.every((text) => [yes, no].includes(text.toLowerCase())))
  if (pair === undefined) return undefined
  const spellings = (word: string) => {
    const found = texts.filter((text) => text.toLowerCase() === word).sort()
    return found.length === 0 ? [word] : found
  }
  return { field: { type: 'boolean', trueValues: spellings(pair[0]), falseValues: spellings(pair[1]) }, doubts: [] }
}

function inferInteger (texts: readonly string[]): InferredType | undefined {
  if (!texts.every((text) => /^[+-]?\d+$/.test(text))) return undefined
  const coded = texts.find((text) => /^[+-]?0\d/.test(text))
  if (coded !== undefined) return { field: { type: 'string' }, doubts: [`has digits with leading zeros, such as ${coded}: it is taken as text`] }
  if (!fits('integer', {}, texts)) return { field: { type: 'string' }, doubts: ['has integers that a JSON number does not represent exactly: it is taken as text'] }
  const doubts = [
    ...texts.every((text) => text === '0' || text === '1') ? ['has 0 and 1 only: it may be a boolean'] : [],
    ...texts.every((text) => /^(?:19|20)\d{6}$/.test(text)) && fits('date', { format: '%Y%m%d' }, texts) ? ['may be a date with the format %Y%m%d'] : []
  ]
  return { field: { type: 'integer' }, doubts }
}

function inferNumber (texts: readonly string[]): InferredType | undefined {
  const options = NUMBERS.find(({ shape, ...options }) => texts.every((text) => shape.test(text)) && fits('number', options, texts))
  if (options === undefined) return undefined
  const { shape: _, ...rest } = options
  const isAmbiguous = rest.decimalChar === ',' && rest.groupChar === undefined && texts.filter((text) => text.includes(',')).every((text) => /,\d{3}$/.test(text))
  return { field: { type: 'number', ...rest }, doubts: isAmbiguous ? ['has a comma before three digits each time: it may separate thousands (groupChar) instead of decimals (decimalChar)'] : [] }
}

function inferDate (texts: readonly string[], type: 'date' | 'datetime', formats: readonly string[]): InferredType | undefined {
  const [format, ...fitting] = formats.filter((format) => fits(type, { format }, texts))
  if (format === undefined) return undefined
  const { parse } = createType(type, { format })
  const others = fitting.filter((other) => texts.some((text) => createType(type, { format: other }).parse(text) !== parse(text)))
  return { field: { type, ...format !== 'default' && { format } }, doubts: others.length === 0 ? [] : [`has dates that also fit ${others.join(' and ')}: check the order of day and month`] }
}

function fits (name: TypeName, options: TypeOptions, texts: readonly string[]): boolean {
  const type = createType(name, options)
  return texts.every((text) => type.parse(text) !== undefined)
}

function list (texts: readonly string[]): string {
  return texts.slice(0, 5).map((text) => JSON.stringify(text)).join(', ')
}
