import { isQueryable } from '../../lib/base/column-name.js'
import type { Position, Sort } from '../../lib/query/data-version.js'
import { columnType, type Columns } from '../../lib/query/age-column.js'
import type { TypeName, Value } from '../../lib/schema/field-type.js'
import { keyNameOf } from '../../lib/table/table-field.js'
import { invalidParameter } from '../../plugins/problems/problem.js'
import { listParameter } from './parameter.js'

export const columnsParameter = (example: readonly string[]) => listParameter({
  description: 'The columns of the response, in this order: separated by commas, repeated, or both. `*`: all columns that the list does not name. Default: the columns of a Record. ' +
    '`age`, if the schema has a birth field: the age in completed years at `as_of`, unless the records have a column of this name.',
  example,
  separator: ',',
  accepted: 'a list of columns, separated by commas or repeated, or *'
})

export const sortParameter = (example: readonly string[]) => listParameter({
  description: 'The columns by which records are sorted: separated by commas, repeated, or both; `-` before a column reverses its order. Text is ordered by its UTF-8 bytes, records without a value come last, ' +
    'and records that are equal in all of these columns are sorted by id, in the direction of the last of these columns. Default: by id.',
  example,
  separator: ',',
  accepted: 'a list of columns, separated by commas or repeated, each with an optional minus before it'
})

/** The columns that a query asks for; `*` stands for all that it does not name. @throws {Problem} */
export function columnsOf (names: readonly string[] | undefined, { columns }: Columns): readonly string[] | undefined {
  if (names === undefined) return undefined
  checkNames('columns', names)
  return names.flatMap((name) => name === '*' ? columns.filter((column) => !names.includes(column)) : name)
}

/** The order that a query asks for; `[]` is the order of the keys, which is the default. @throws {Problem} */
export function sortOf (texts: readonly string[] = [], { fields, columns }: Columns): Sort {
  // A direction as in SQL, which the comma has made a name of its own: last_name,desc.
  const order = texts.findIndex((text, i) => i > 0 && /^(asc|desc)(ending)?$/i.test(text) && !columns.includes(text))
  if (order !== -1) {
    const [before, text] = [texts[order - 1]!, texts[order]!]
    throw invalidParameter('sort', `unknown column ${text}; use ${/^d/i.test(text) ? '-' : ''}${before.replace(/^-/, '')} in place of ${before},${text}`)
  }
  const sort = texts.map((text) => text.startsWith('-') ? { column: text.slice(1), isReversed: true } : { column: text, isReversed: false })
  if (sort.some(({ column }) => column === '')) throw invalidParameter('sort', 'got "-"; the name of a column must follow the minus')
  checkNames('sort', sort.map(({ column }) => column))
  const isByKey = sort.length === 1 && !sort[0]!.isReversed && sort[0]!.column === keyNameOf(fields)
  return isByKey ? [] : sort
}

/** Whether a position, which comes from a cursor, has a value of the right type for each column of an order. */
export function isPositionIn ({ values }: Position, sort: Sort, version: Columns): boolean {
  const key = sort.findIndex(({ column }) => column === keyNameOf(version.fields))
  const columns = key === -1 ? sort : sort.slice(0, key)
  return values.length === columns.length && columns.every(({ column }, i) => isValueOf(columnType(version, column), values[i]!))
}

function isValueOf (type: TypeName | undefined, value: Value): boolean {
  switch (type) {
    case undefined: return false
    case 'string': return value === null || typeof value === 'string'
    case 'boolean': return value === null || typeof value === 'boolean'
    case 'number': return value === null || typeof value === 'number'
    default: return value === null || Number.isSafeInteger(value)
  }
}

/** Checks that a list has no duplicates, and only names that can be written in it. */
export function checkNames (parameter: string, names: readonly string[]): void {
  const duplicate = names.find((name, i) => names.indexOf(name) !== i)
  if (duplicate !== undefined) throw invalidParameter(parameter, `names the column ${duplicate} twice; each column can be named once`)
  const other = names.find((name) => !isQueryable(name))
  if (other !== undefined) throw invalidParameter(parameter, `names the column ${other}; a name with a comma or one of = ! < > ~ ^ cannot be used here`)
}
