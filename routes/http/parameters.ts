import { UnknownColumnError } from '../../lib/base/errors.js'
import { wholeMinute } from '../../lib/base/instant.js'
import { didYouMean } from '../../lib/base/nearest.js'
import { ageFilters } from '../../lib/query/age.js'
import type { Filter } from '../../lib/query/filter.js'
import { invalidParameters } from '../../plugins/problems/problem.js'
import { booleanParameter, choiceParameter, instantParameter, listParameter, numberParameter, textParameter, type Parameter } from './parameter.js'
import { parametersSchema, type Values } from './query.js'
import { AgeBasis } from './schemas.js'

const AGES = { minimum: 0, maximum: 10_000 }

/** The filters, which all listings and statistics of records share. */
export const FilterParameters = {
  image_exists: booleanParameter({ description: 'Selects the records that have an image (true) or have none (false).', example: true }),
  is_image_exists: booleanParameter({ description: 'The same as `image_exists`, by another name. If both are given, they must be equal.', example: true }),
  min_age: numberParameter({ ...AGES, description: 'The least age in years, inclusive; see `age_basis`. At most nine decimals count.', example: 30 }),
  max_age: numberParameter({ ...AGES, description: 'The greatest age in years, inclusive; see `age_basis`. At most nine decimals count. With `completed`, 35 includes everyone who is 35; with `exact`, 35 excludes an age of 35.1.', example: 35 }),
  age_basis: choiceParameter({ schema: AgeBasis, description: 'How ages are counted for `min_age` and `max_age`.' }),
  as_of: instantParameter({ description: 'The instant for which ages are computed. Default: the time of the request, rounded down to the minute.', example: '2025-06-01T00:00:00Z' }),
  user_id: listParameter({ description: 'Selects records by their id, compared byte for byte. If repeated: any of these ids. For an id with a comma or a `*` use `where`.', example: ['1044', '1084'] }),
  first_name: textParameter({ description: 'Selects records by first name, ignoring case. A trailing `*` selects all names that begin with the text before it. For a name with a comma or another `*` use `where`.', example: 'ann*' }),
  last_name: textParameter({ description: 'Selects records by last name, ignoring case. A trailing `*` selects all names that begin with the text before it. For a name with a comma or another `*` use `where`.', example: 'ash*' }),
  where: listParameter({
    description: 'Selects records by the exact value of any column, as `<column>=<value>`. May be repeated for other columns; all conditions must hold.',
    example: ['last_name=Ashgrove'],
    accepted: '<column>=<value>',
    pattern: /^[^=]+=/
  })
}

export type FilterQuery = Values<typeof FilterParameters>

/** A part of a path, which is always given. */
export function pathParameter (meaning: { readonly description: string, readonly example: string }): Parameter<string> {
  return textParameter(meaning) as Parameter<string>
}

export const UserParams = parametersSchema({ user_id: pathParameter({ description: 'The id of the record.', example: 'wren.ashgrove' }) })
export const NoQuery = parametersSchema({})

/** The instant of the ages: that of the query, or the current minute. */
export function instantOf ({ as_of: asOf }: FilterQuery, now: number): number {
  return asOf ?? wholeMinute(now)
}

/**
 * The filters of a query as data.
 *
 * @param asOf the instant at which ages are counted, in milliseconds since 1970-01-01 UTC
 * @param timeZone IANA name of the zone whose calendar counts completed years
 */
export function filtersOf (query: FilterQuery, asOf: number, timeZone: string): Filter[] {
  const filters: Filter[] = []
  const imageExists = imageExistsOf(query)
  if (imageExists !== undefined) filters.push({ column: 'img_path', op: 'exists', value: imageExists })
  if (query.min_age !== undefined || query.max_age !== undefined) filters.push(...ageFiltersOf(query, asOf, timeZone))
  for (const id of query.user_id ?? []) checkColumnValue('user_id', id, /\*/)
  if (query.user_id !== undefined) filters.push({ column: 'user_id', op: 'equals', value: query.user_id })
  for (const column of ['first_name', 'last_name'] as const) {
    const name = query[column]
    if (name !== undefined) filters.push(nameFilterOf(column, name))
  }
  return [...filters, ...whereFiltersOf(query.where)]
}

/** Rejects values that look like a list or a pattern, which are not supported here: taken literally, they would match nothing. */
function checkColumnValue (column: string, value: string, star: RegExp): void {
  const exact = `use where=${column}=${value} for this exact value`
  if (star.test(value)) throw invalidParameter(column, `got ${JSON.stringify(value)}; ${column === 'user_id' ? '* is not a wildcard here' : '* is a wildcard at the end only'}: ${exact}`)
  if (value.includes(',')) throw invalidParameter(column, `got ${JSON.stringify(value)}; a comma does not separate values here: ${column === 'user_id' ? 'repeat the parameter, or ' : ''}${exact}`)
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

function nameFilterOf (column: 'first_name' | 'last_name', name: string): Filter {
  checkColumnValue(column, name, /\*(?!$)/)
  return name.endsWith('*')
    ? { column, op: 'prefix', value: name.slice(0, -1), fold: true }
    : { column, op: 'equals', value: name, fold: true }
}

function whereFiltersOf (conditions: readonly string[] = []): Filter[] {
  const seen = new Set<string>()
  return conditions.map((condition) => {
    const split = condition.indexOf('=')
    const column = condition.slice(0, split)
    if (seen.has(column)) throw invalidParameter('where', `names the column ${column} twice`)
    seen.add(column)
    checkAddressable('where', column)
    return { column, op: 'equals', value: condition.slice(split + 1) }
  })
}

/** Checks the columns of a query: no duplicates, and only names that can be written in a list. */
export function checkColumns (columns: readonly string[] = []): void {
  const duplicate = columns.find((column, i) => columns.indexOf(column) !== i)
  if (duplicate !== undefined) throw invalidParameter('columns', `names the column ${duplicate} twice`)
  for (const column of columns) checkAddressable('columns', column)
}

/** Commas separate columns, and an equals sign ends the column of a condition, so names cannot contain them. */
function checkAddressable (parameter: string, column: string): void {
  if (/[,=]/.test(column)) throw invalidParameter(parameter, `names the column ${column}; a name with a comma or an equals sign cannot be used here`)
}

/** Turns the error of an unknown column into a problem; returns other errors as they are. */
export function unknownColumn (error: unknown): unknown {
  if (!(error instanceof UnknownColumnError)) return error
  return invalidParameter(error.usedIn === 'columns' ? 'columns' : 'where', `unknown column ${error.column}` + didYouMean(error.nearest))
}

export function invalidParameter (parameter: string, detail: string) {
  return invalidParameters([{ parameter, detail }])
}
