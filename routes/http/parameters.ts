import { UnknownColumnError, type ColumnUse } from '../../lib/base/errors.js'
import { wholeMinute } from '../../lib/base/instant.js'
import { ageFilters } from '../../lib/query/age.js'
import { columnNames, columnType, type Columns } from '../../lib/query/age-column.js'
import type { Filter, Operand } from '../../lib/query/filter.js'
import { STATISTICS_TYPES } from '../../lib/query/value-statistics.js'
import { findEnumMistake, listFirst } from '../../lib/schema/operand.js'
import type { Cell } from '../../lib/schema/record.js'
import type { Field, Schema } from '../../lib/schema/schema.js'
import { toCell } from '../../lib/table/cell.js'
import { invalidParameter, Problem } from '../../plugins/problems/problem.js'
import { pathKey } from './key-names.js'
import { booleanParameter, choiceParameter, columnParameter, instantParameter, numberParameter, textParameter, type Parameter } from './parameter.js'
import { perSchema } from './per-schema.js'
import { parametersSchema, type Parameters, type ParametersSchema, type Values } from './query.js'
import { AgeBasis, recordSchemas } from './record-schemas.js'
import { unknownColumnHint } from './unknown-column.js'
import { acceptedKey, comparisonOf, fileTextHint, findKeyMistake, isMissingText, operandHint, rangeOf } from './value-hint.js'
import { whereFilters, whereParameter, wordsFilter, wordsParameter } from './where.js'

/**
 * The names of parameters that have a meaning of their own on some route. A column with such a name has no parameter, and is filtered by
 * `where`. The list is in docs/schema.md.
 */
export const RESERVED_PARAMETERS: readonly string[] = [
  'age', 'age_basis', 'as_of', 'bin_width', 'bins', 'bom', 'code', 'columns', 'confirm', 'cursor', 'delimiter', 'dry_run', 'empty_bins', 'escape_formulas', 'format', 'group_by',
  'image_exists', 'is_image_exists', 'limit', 'max_age', 'min_age', 'q', 'since', 'sort', 'where'
]

const AGES = { minimum: 0, maximum: 10_000 }

const ImageParameters = {
  image_exists: booleanParameter({ description: 'Selects the records that have an image (true) or have none (false).', example: true }),
  is_image_exists: booleanParameter({ description: 'Another name for `image_exists`. If both are given, they must be equal.', example: true })
}

export const AgeParameters = {
  min_age: numberParameter({ ...AGES, description: 'The minimum age in years, inclusive; see `age_basis`. Rounded to nine decimals.', example: 30 }),
  max_age: numberParameter({
    ...AGES,
    description: 'The maximum age in years, inclusive; see `age_basis`. Rounded to nine decimals. With `completed`, 35 includes all ages below 36; with `exact`, 35 excludes an age of 35.1.',
    example: 35
  }),
  age_basis: choiceParameter({ schema: AgeBasis, description: 'How ages are counted for `min_age` and `max_age`. The virtual column `age` always has completed years.' }),
  as_of: instantParameter({ description: 'The instant for which ages are computed; a date (`2025-06-01`) is its midnight UTC. Default: the time of the request, rounded down to the minute.', example: '2025-06-01T00:00:00Z' })
}

/** The filters whose names are not those of columns. Those of images and ages need an image field and a birth field in the schema. */
export type FilterQuery = Partial<Values<typeof ImageParameters & typeof AgeParameters & { where: ReturnType<typeof whereParameter>, q: typeof wordsParameter }>>

/** The parameters that filter records: listings and statistics have the same ones. */
export const filterParameters: (schema: Schema) => Parameters = perSchema((schema) => ({
  ...schema.imageFields.length > 0 && ImageParameters,
  ...schema.birth && AgeParameters,
  ...Object.fromEntries(columnsWithParameter(schema).map((field) => [field.name, parameterOf(field, field === schema.birth)])),
  where: whereParameter(exampleCondition(schema)),
  q: wordsParameter
}))

function columnsWithParameter ({ fields }: Schema): Field[] {
  return fields.filter(({ name }) => !RESERVED_PARAMETERS.includes(name))
}

/** Whether the values of a column are compared exactly: no `*` is a wildcard, and case matters. */
function isExact ({ source, type }: Field): boolean {
  return source !== 'file' || type.name !== 'string'
}

function parameterOf (field: Field, isBirth: boolean): Parameter<readonly Operand[] | undefined> {
  const example = exampleOf(field)
  return columnParameter({ type: field.type.name, isBirth, acceptedText: acceptedTextOf(field), hint: (text) => valueHint(field, isBirth, text) }, { description: describeFilter(field), ...example !== null && { example: [example] } })
}

/** What the parameter of a field of texts accepts, after "must be". Every record has an id, and the key of an object is never empty. */
function acceptedTextOf ({ name, source }: Field): string {
  switch (source) {
    case 'key': return 'non-empty text'
    case 'image': return acceptedKey(name)
    default: return `non-empty text; use where=!${name} for no value, where=${name}= for empty text`
  }
}

/** What to do about a text that the parameter of a field does not accept, as the end of a message. */
function valueHint (field: Field, isBirth: boolean, text: string): string {
  const { name, type: { name: type } } = field
  if (field.source !== 'key' && isMissingText(field, text)) return noValueHint(name)
  const condition = rangeOf(name, text, type) ?? comparisonOf(name, text, type)
  return condition !== undefined ? `; use ${condition}` : operandHint({ type, isBirth }, text, name) || fileTextHint(field, text, `${name}=`)
}

function noValueHint (column: string): string {
  return `; use where=!${column} for records without a value`
}

/** The example of a field as responses have it; the schema may contain it in the format of files. `null` if the field has no example. */
export function exampleOf ({ type, descriptor: { example }, readJson }: Field): Cell {
  return toCell(type.name, readJson(example).value ?? null)
}

function describeFilter (field: Field): string {
  return describeValues(field) + (field.allowed === undefined ? '' : ' A value that the `enum` of the schema does not contain is an error.')
}

function describeValues ({ name, source, type }: Field): string {
  if (source === 'key') return 'Selects records by their id, compared byte for byte. May be repeated to select several ids. For an id with a comma or a `*` use `where`.'
  if (source === 'image') return `Selects records by the key of the object in \`${name}\`, compared byte for byte. May be repeated to select several keys. For a key with a comma or a \`*\` use \`where\`.`
  if (type.name !== 'string') return `Selects records by the value of \`${name}\`. May be repeated to select several values.`
  return `Selects records by \`${name}\`, ignoring case. May be repeated to select several values. A trailing \`*\` selects all values that begin with the text before it. ` +
    'For a value with a comma, another `*` or a `%` at either end, and for a prefix with `[` and `]`, use `where`.'
}

function exampleCondition ({ fileFields }: Schema): string | undefined {
  const field = fileFields.findLast((field) => field.type.name === 'string' && exampleOf(field) !== null)
  return field && `${field.name}=${String(exampleOf(field))}`
}

/** A parameter in a path. It is required, so it always has a value. */
export function pathParameter (meaning: { readonly description: string, readonly example?: string }): Parameter<string> {
  return textParameter(meaning) as Parameter<string>
}

/** The path of one record, and how the key is read from it. */
export interface RecordPath {
  readonly url: string
  readonly params: ParametersSchema<Parameters>
  readonly keyOf: (params: unknown) => string
}

export const recordPath: (schema: Schema) => RecordPath = perSchema((schema) => {
  const name = pathKey(schema)
  const example = exampleOf(schema.key)
  const parameter = pathParameter({ description: 'The id of the record.', ...example !== null && { example: String(example) } })
  return { url: `/data/:${name}`, params: parametersSchema({ [name]: parameter }), keyOf: (params) => (params as Record<string, string>)[name]! }
})

/** The path of one attachment of a record. */
export interface AttachmentPath {
  readonly url: string
  readonly params: ParametersSchema<Parameters>
  /** @throws {Problem} 404 if it is not an image field */
  readonly fieldOf: (params: unknown) => string
}

export const attachmentPath: (schema: Schema) => AttachmentPath = perSchema((schema) => {
  const { url, params } = recordPath(schema)
  const names = schema.imageFields.map(({ name }) => name)
  const field = { ...pathParameter({ description: 'The image field.' }), schema: recordSchemas(schema).named.ImageField! }
  const fieldOf = (params: unknown) => {
    const { field } = params as { readonly field: string }
    if (!names.includes(field)) throw new Problem(404, 'image_not_found', `There is no image field ${JSON.stringify(field)}; must be one of ${names.join(', ')}`)
    return field
  }
  return { url: `${url}/attachments/:field`, params: parametersSchema({ ...params.parameters, field }), fieldOf }
})

export const NoQuery = parametersSchema({})

/** The instant for which ages are computed: `as_of` if it is given, otherwise the current minute. Milliseconds since 1970-01-01 UTC. */
export function instantOf ({ as_of: asOf }: FilterQuery, now: number): number {
  return asOf ?? wholeMinute(now)
}

/**
 * The filters of a query as data.
 *
 * @param asOf the instant at which ages are counted, in milliseconds since 1970-01-01 UTC
 * @param timeZone IANA name of the zone whose calendar counts completed years
 * @param version has the columns that `where` can name
 */
export function filtersOf (schema: Schema, query: FilterQuery, asOf: number, timeZone: string, version: Columns): Filter[] {
  const filters: Filter[] = []
  const imageExists = imageExistsOf(query)
  if (imageExists !== undefined) filters.push({ column: schema.imageFields[0]!.name, op: 'exists', value: imageExists })
  if (query.min_age !== undefined || query.max_age !== undefined) filters.push(...ageFiltersOf(query, asOf, timeZone))
  for (const field of columnsWithParameter(schema)) {
    const values = (query as Readonly<Record<string, unknown>>)[field.name] as readonly Operand[] | undefined
    if (values !== undefined) filters.push(columnFilterOf(field, values))
  }
  return [...filters, ...whereFilters(query.where, version, schema, (field) => !isExact(field) && !RESERVED_PARAMETERS.includes(field.name)), ...query.q === undefined ? [] : [wordsFilter(query.q)]]
}

function imageExistsOf ({ image_exists: value, is_image_exists: alias }: FilterQuery): boolean | undefined {
  if (value !== undefined && alias !== undefined && value !== alias) {
    throw invalidParameter('is_image_exists', `got "${alias}", which contradicts image_exists; use one of them`)
  }
  return value ?? alias
}

function ageFiltersOf ({ min_age: min, max_age: max, age_basis: basis }: FilterQuery, asOf: number, timeZone: string): Filter[] {
  if (min !== undefined && max !== undefined && min > max) throw invalidParameter('min_age', `got "${min}", which is more than max_age=${max}`)
  return ageFilters({ min, max, basis, asOf, timeZone })
}

function columnFilterOf (field: Field, values: readonly Operand[]): Filter {
  const { name: column } = field
  for (const value of values) checkColumnValue(field, value)
  if (isExact(field)) return { column, op: 'equals', value: values }
  const all = values as readonly string[]
  const [prefixes, texts] = [all.filter(isPrefix), all.filter((text) => !isPrefix(text))]
  const filters: Filter[] = prefixes.map((prefix) => ({ column, op: 'prefix', value: prefix.slice(0, -1), fold: true }))
  if (texts.length > 0) filters.push({ column, op: 'equals', value: texts, fold: true })
  return filters.length === 1 ? filters[0]! : { op: 'any', filters }
}

function isPrefix (value: string): boolean {
  return value.endsWith('*')
}

/** Rejects values that no record has: those that the enum of the field does not contain, and those that look like a list or a pattern, which are not supported here, and those of image fields that are no keys, such as `true`. */
function checkColumnValue (field: Field, value: Operand): void {
  if (typeof value === 'string') checkText(field, value)
  const isExactly = isExact(field)
  if (!isExactly && isPrefix(String(value))) return
  const mistake = findEnumMistake(field, value, { fold: !isExactly })
  if (mistake !== undefined) throw invalidParameter(field.name, `got ${JSON.stringify(field.type.format(value))}; ${mistake}${isMissingText(field, String(value)) ? noValueHint(field.name) : ''}`)
}

function checkText (field: Field, value: string): void {
  const { name } = field
  const exact = `use where=${name}=${value} for this exact value`
  const star = isExact(field) ? /\*/ : /\*(?!$)/
  const rule = isExact(field) ? '* is not a wildcard here' : '* is a wildcard at the end only'
  const [separator] = SEPARATOR.exec(value) ?? []
  // In a list, the stars of each part count: A*,B* is a list of two prefixes.
  if ((separator === undefined ? [value] : value.split(separator)).some((part) => star.test(part))) throw invalidParameter(name, `got ${JSON.stringify(value)}; ${rule}: ${patternHint(field, value)}${exact}`)
  if (separator !== undefined) throw invalidParameter(name, `got ${JSON.stringify(value)}; ${separator === ',' ? 'a comma' : separator.trim()} does not separate values here: repeat the parameter, or ${exact}`)
  if (!isExact(field) && field.allowed === undefined && /[^\d\s]%$|^%[^\d\s]/.test(value)) {
    throw invalidParameter(name, `got ${JSON.stringify(value)}; % is not a wildcard: ${patternHint(field, value.replaceAll('%', '*'))}${exact} (in a URL, % is written %25)`)
  }
  if (!isExact(field) && /\[.+\].*\*$/.test(value)) {
    throw invalidParameter(name, `got ${JSON.stringify(value)}; [ and ] do not enclose alternatives here: repeat the parameter, as in ${name}=A*&${name}=B*, or use where=${name}^=${value.slice(0, -1)} for values that begin with this exact text`)
  }
  const mistake = findKeyMistake(field, value)
  if (mistake !== undefined) throw invalidParameter(name, `got ${JSON.stringify(value)}; ${mistake}`)
}

/** What separates the values of a list: a comma, and after a star also other characters, as in A*|B*. */
const SEPARATOR = /,|(?<=\*)\s*[|;]\s*|(?<=\*)\s+or\s+/i

/** The conditions that a pattern with stars probably means. */
function patternHint (field: Field, pattern: string): string {
  const { name: column } = field
  const parts = pattern.split('*').filter((part) => part !== '')
  if (parts.length === 0 || SEPARATOR.test(pattern)) return ''
  const isPrefix = parts.length === 1 && !pattern.startsWith('*')
  if (isPrefix && !isExact(field)) return `use ${column}=${parts[0]}* for values that begin with ${parts[0]}, or `
  return `use ${parts.map((part) => `where=${column}${isPrefix ? '^=' : '~'}${part}`).join('&')} for values that ${isPrefix ? 'begin with' : 'contain'} ${parts.join(' and ')}, or `
}

/** The parameter from which each use of a column comes. */
const PARAMETERS: Readonly<Record<ColumnUse, string>> = { columns: 'columns', filters: 'where', sort: 'sort', groupBy: 'group_by' }

/** A column with its order as it is written for other services: `last_name:desc`, `last_name desc`, or `desc` alone. */
const ORDER = /^(?:(.+?)[\s:.]+)?(?:asc|(desc))(?:ending)?$/i

/** What to name in place of `*`, which is accepted only where it can stand for all columns. */
const IN_PLACE_OF_STAR: Readonly<Record<ColumnUse, string>> = { columns: 'columns of numbers, dates or datetimes', filters: 'one column', sort: 'the columns to sort by', groupBy: 'one column' }

/** Turns the error of an unknown column into a problem; returns other errors as they are. */
export function unknownColumn (error: unknown, version: Columns): unknown {
  if (!(error instanceof UnknownColumnError)) return error
  if (error.column === '*') {
    const names = error.usedIn === 'columns' ? columnNames(version).filter((name) => STATISTICS_TYPES.includes(columnType(version, name)!)) : []
    return invalidParameter(PARAMETERS[error.usedIn], `* is not accepted here; name ${IN_PLACE_OF_STAR[error.usedIn]}${names.length === 0 ? '' : `: ${listFirst(names)}`}`)
  }
  const order = error.usedIn === 'sort' ? ORDER.exec(error.column) : null
  const hint = order !== null ? `; use ${order[2] === undefined ? '' : '-'}${order[1] ?? '<column>'}` : unknownColumnHint(error, version)
  return invalidParameter(PARAMETERS[error.usedIn], `unknown column ${error.column}${hint}`)
}
