import { Type, type Static, type TObject } from 'typebox'
import { UnknownColumnError } from '../../lib/base/errors.js'
import { parseInstant, wholeMinute } from '../../lib/base/instant.js'
import type { Filter } from '../../lib/query/filter.js'
import type { UserDataTransformer } from '../../lib/transformer.js'
import { invalidParameters, unknownMessage } from '../../plugins/problems.js'

// A description says what the parameter takes: error messages use it.

const text = (takes: string, rules: object = {}) => Type.Optional(Type.String({ description: takes, minLength: 1, ...rules }))
const list = (takes: string, rules: object = {}) =>
  Type.Optional(Type.Array(Type.String({ description: takes, ...rules }), { description: takes }))

const INSTANT = 'the instant of the ages, an RFC 3339 time such as 2025-06-01T00:00:00Z'
/** Of at most nine decimals. */
const AGE = { pattern: '^\\d{1,4}(\\.\\d{1,9})?$' }

/** true or false in any case, 1 or 0 */
export const BooleanParameter = text('true or false, 1 or 0', { pattern: '^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|1|0)$' })

/** The filters, the same wherever records are asked for. */
export const FilterParameters = {
  image_exists: BooleanParameter,
  is_image_exists: BooleanParameter,
  min_age: text('a number of years with at most 9 decimals, inclusive, such as 30 or 30.5', AGE),
  max_age: text('a number of years with at most 9 decimals, inclusive, such as 35 or 35.5', AGE),
  age_basis: text('completed (calendar years, the default) or exact (elapsed time in years of 365.25 days)', { enum: ['completed', 'exact'] }),
  as_of: text(INSTANT),
  user_id: list('a user id; may be repeated', { minLength: 1 }),
  first_name: text('a first name in any case; a trailing * matches a prefix'),
  last_name: text('a last name in any case; a trailing * matches a prefix'),
  where: list('`<column>=<value>`; may be repeated, once a column', { pattern: '^[^=]+=' })
}

export type FilterQuery = Static<TObject<typeof FilterParameters>>

export const UserParams = Type.Object({ user_id: Type.String({ minLength: 1, description: 'a user id', examples: ['wren.ashgrove'] }) })
export const NoQuery = Type.Object({}, { additionalProperties: false })

export function isTrue (parameter: string | undefined): boolean {
  return parameter !== undefined && /^(true|1)$/i.test(parameter)
}

/** The instant of the ages: as asked for, or the minute that it is now. */
export function instantOf ({ as_of: asOf }: FilterQuery, now: number): number {
  if (asOf === undefined) return wholeMinute(now)
  const instant = parseInstant(asOf)
  if (instant !== undefined) return instant
  throw invalidParameter('as_of', `got ${JSON.stringify(asOf)}; takes ${INSTANT}`)
}

/** The filters of a query as data. */
export function filtersOf (query: FilterQuery, asOf: number, transformer: UserDataTransformer): Filter[] {
  const filters: Filter[] = []
  const imageExists = imageExistsOf(query)
  if (imageExists !== undefined) filters.push({ column: 'img_path', op: 'exists', value: imageExists })
  if (query.min_age !== undefined || query.max_age !== undefined) filters.push(...ageFiltersOf(query, asOf, transformer))
  if (query.user_id !== undefined) filters.push({ column: 'user_id', op: 'equals', value: query.user_id })
  for (const column of ['first_name', 'last_name'] as const) {
    const name = query[column]
    if (name !== undefined) filters.push(nameFilterOf(column, name))
  }
  return [...filters, ...whereFiltersOf(query.where)]
}

function imageExistsOf ({ image_exists: value, is_image_exists: alias }: FilterQuery): boolean | undefined {
  if (value !== undefined && alias !== undefined && isTrue(value) !== isTrue(alias)) {
    throw invalidParameter('is_image_exists', `got ${JSON.stringify(alias)}, which contradicts image_exists; give one of them`)
  }
  return value === undefined && alias === undefined ? undefined : isTrue(value ?? alias)
}

function ageFiltersOf (query: FilterQuery, asOf: number, transformer: UserDataTransformer): Filter[] {
  const [min, max] = [query.min_age, query.max_age].map((age) => age === undefined ? undefined : Number(age))
  if (min !== undefined && max !== undefined && min > max) {
    throw invalidParameter('min_age', `got ${query.min_age}, which is more than max_age=${query.max_age}`)
  }
  return transformer.ageFilters({ min, max, basis: query.age_basis === 'exact' ? 'exact' : 'completed', asOf })
}

function nameFilterOf (column: 'first_name' | 'last_name', name: string): Filter {
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

/** The columns of a query, without doubles. */
export function columnsOf (parameter: string | undefined): string[] | undefined {
  const columns = parameter?.split(',')
  const twice = columns?.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw invalidParameter('columns', `names the column ${twice} twice`)
  for (const column of columns ?? []) checkAddressable('columns', column)
  return columns
}

/** A list of columns or a condition can't tell a comma or an equals sign in a name from its own. */
function checkAddressable (parameter: string, column: string): void {
  if (/[,=]/.test(column)) throw invalidParameter(parameter, `names the column ${column}; one with a comma or an equals sign in its name can't be asked for`)
}

/** What the error of a query is in the terms of HTTP: a column that no record has is the client's mistake. */
export function unknownColumn (error: unknown): unknown {
  if (!(error instanceof UnknownColumnError)) return error
  return invalidParameter(error.usedIn === 'columns' ? 'columns' : 'where', unknownMessage(`column ${error.column}`, error.nearest))
}

export function invalidParameter (parameter: string, detail: string) {
  return invalidParameters([{ parameter, detail }])
}
