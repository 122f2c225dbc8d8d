import type { FieldDescriptor } from '../../lib/schema/descriptor.js'
import type { TypeName, TypeOptions } from '../../lib/schema/field-type.js'
import { createType } from '../../lib/schema/types/index.js'
import { MISSING_WORDS } from '../../lib/source/hint.js'

/** A value of a sampled file: a cell, or a value of a JSON file. */
export type SampleValue = string | number | boolean

type InferredField = Pick<FieldDescriptor, 'type' | 'missingValues'> & TypeOptions

/** The type of a column and its options, and what could not be decided, as sentences without a subject. */
export interface InferredType {
  readonly field: InferredField
  readonly doubts: readonly string[]
  /** Present if most of the values have a type that a few others do not have. */
  readonly majority?: Majority
}

export interface Majority {
  /** The type of most values. It is that of the column if the exceptions are few enough; otherwise the column has strings. */
  readonly field: InferredField
  /** The other values, trimmed. */
  readonly exceptions: ReadonlySet<string>
  /** The number of values, without missing ones, and how many of them are exceptions. */
  readonly count: number
  readonly exceptionCount: number
}

/**
 * A single word is treated as a missing value if the column has at least this many different values, including the word and without those in MISSING_WORDS, and all
 * others are of another type than string.
 */
const MIN_VALUES_WITH_WORD = 5

/** A column has a type although some of its values are not of this type, if they are at most this share of at least this number of values. */
const MAX_EXCEPTIONS = 0.05
const MIN_VALUES_WITH_EXCEPTIONS = 20
/** If at most this share of the values of a string column are not of one other type, they are reported. */
const MAX_REPORTED_EXCEPTIONS = 0.1

const TRUE_OR_FALSE = /^(?:true|false|True|False|TRUE|FALSE)$/
const BOOLEANS: readonly (readonly [yes: string, no: string])[] = [['yes', 'no'], ['y', 'n'], ['on', 'off'], ['t', 'f'], ['ja', 'nein'], ['oui', 'non'], ['si', 'no'], ['да', 'нет']]

const NUMBERS: readonly TypeOptions[] = [{}, { decimalChar: ',' }, { decimalChar: ',', groupChar: '.' }, { groupChar: ',' }, { decimalChar: ',', groupChar: ' ' }]

const DATES = ['default', '%d.%m.%Y', '%d/%m/%Y', '%m/%d/%Y', '%d-%m-%Y', '%Y/%m/%d', '%Y.%m.%d', '%d %b %Y', '%d %B %Y', '%b %d, %Y', '%B %d, %Y', '%d.%m.%y', '%d/%m/%y', '%m/%d/%y']
const TIMES = ['%H:%M:%S', '%H:%M', '%H:%M:%S%z', '%H:%M:%S %z', '%H:%M:%S.%f']
const DATETIMES = ['default', ...DATES.map((date) => date === 'default' ? '%Y-%m-%d' : date).flatMap((date) => TIMES.flatMap((time) => [`${date} ${time}`, `${date}T${time}`]))]

/** Tests for the values of every type but string, with every option that is inferred. */
const SHAPES: readonly ((text: string) => boolean)[] = [
  (text) => TRUE_OR_FALSE.test(text),
  ...BOOLEANS.map((pair) => (text: string) => pair.includes(text.toLowerCase())),
  ...[
    ...NUMBERS.map((options) => createType('number', options)),
    ...DATES.map((format) => createType('date', { format })),
    ...DATETIMES.map((format) => createType('datetime', { format }))
  ].map((type) => (text: string) => type.parse(text) !== undefined)
]

/** Infers the type of a column from its values, of which there may be none. */
export function inferType (values: readonly SampleValue[]): InferredType {
  const texts = values.filter((value) => typeof value === 'string')
  const scalars = values.filter((value) => typeof value !== 'string')
  if (texts.length === 0 || scalars.length === 0) return inferAlike(values)
  // Numbers and booleans of JSON files are read as they are: how the other files write them (`12,5`, `ja`) is found from their texts alone.
  const { majority, ...inferred } = inferAlike(texts)
  const type = createType(inferred.field.type, inferred.field)
  if (type.name === 'string' || scalars.some((value) => type.fromJson(value) === undefined)) return inferAlike(values)
  return { ...inferred, ...majority !== undefined && { majority: { ...majority, count: majority.count + scalars.length } } }
}

/** Infers the type of values that are all written in the same way: numbers and booleans are read as texts. */
function inferAlike (values: readonly SampleValue[]): InferredType {
  const strings = [...new Set(values.map((value) => String(value).trim()))].filter((text) => text !== '')
  if (strings.length === 0) return { field: { type: 'string' }, doubts: ['has no value in the sample: its type is a guess'] }
  const typed = inferMostly(values)
  if (typed?.majority !== undefined && typed.field.type !== 'string') return typed
  const isMissing = missingTest(strings)
  const missing = strings.filter(isMissing)
  const found = inferFrom(strings.filter((text) => !isMissing(text)))
  if (found === undefined || found.field.type === 'string') return { ...asText(values, missing, found?.doubts), ...typed?.majority !== undefined && { majority: typed.majority } }
  return withMissing(found, missing)
}

function withMissing ({ field, doubts }: InferredType, missing: readonly string[]): InferredType {
  if (missing.length === 0) return { field, doubts }
  return { field: { ...field, missingValues: ['', ...missing] }, doubts: [...doubts, `has the values ${list(missing)}: they are treated as missing values`] }
}

/** Infers the type of a column with a few values of another type. Returns `undefined` if there is no such type, or no such value. */
function inferMostly (values: readonly SampleValue[]): InferredType | undefined {
  const texts = values.map((value) => String(value).trim()).filter((text) => text !== '')
  const present = texts.filter((text) => !MISSING_WORDS.has(text))
  const most = present.length * MAX_REPORTED_EXCEPTIONS
  if (most < 1) return undefined
  const others = SHAPES.map((isShape) => atMost(present, (text) => !isShape(text), most)).filter((some) => some !== undefined)
  const [rest] = others.sort((a, b) => a.length - b.length)
  if (rest === undefined || rest.length === 0) return undefined
  const exceptions = new Set(rest)
  // One word that occurs more than once probably stands for a missing value: see `missingTest`.
  if (exceptions.size === 1 && rest.length > 1 && !/\d/.test(rest[0]!)) return undefined
  const found = inferFrom([...new Set(present)].filter((text) => !exceptions.has(text)))
  if (found === undefined || found.field.type === 'string') return undefined
  const { field, doubts } = withMissing(found, [...new Set(texts)].filter((text) => MISSING_WORDS.has(text)))
  const majority = { field, exceptions, count: present.length, exceptionCount: rest.length }
  const isTyped = present.length >= MIN_VALUES_WITH_EXCEPTIONS && rest.length <= present.length * MAX_EXCEPTIONS
  return isTyped ? { field, doubts, majority } : { field: { type: 'string' }, doubts: [], majority }
}

/** Returns the texts that pass the test; `undefined` if they are more than `most`. */
function atMost (texts: readonly string[], test: (text: string) => boolean, most: number): string[] | undefined {
  const found: string[] = []
  for (const text of texts) {
    if (test(text) && found.push(text) > most) return undefined
  }
  return found
}

/** Returns a function that reports whether a string stands for a missing value: it is in MISSING_WORDS, or it is the only one without a digit among values of another type. */
function missingTest (strings: readonly string[]): (text: string) => boolean {
  const others = strings.filter((text) => !MISSING_WORDS.has(text))
  const words = others.filter((text) => !/\d/.test(text))
  const odd = words.length === 1 && others.length >= MIN_VALUES_WITH_WORD ? words[0] : undefined
  const type = odd === undefined ? 'string' : inferFrom(others.filter((text) => text !== odd))!.field.type
  return (text) => MISSING_WORDS.has(text) || (type !== 'string' && text === odd)
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
  if (strings.every((text) => TRUE_OR_FALSE.test(text))) return { field: { type: 'boolean' }, doubts: [] }
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
  const options = NUMBERS.find((options) => fits('number', options, strings))
  if (options === undefined) return undefined
  const isAmbiguous = options.decimalChar === ',' && options.groupChar === undefined && strings.filter((text) => text.includes(',')).every((text) => /,\d{3}$/.test(text))
  const doubt = 'has a comma before exactly three digits in every value: the comma may separate thousands (groupChar) instead of decimals (decimalChar)'
  return { field: { type: 'number', ...options }, doubts: isAmbiguous ? [doubt] : [] }
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
