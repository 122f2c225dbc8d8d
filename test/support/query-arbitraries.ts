import fc from 'fast-check'
import type { Filter } from '../../lib/query/filter.js'
import type { TypeName, Value } from '../../lib/schema/field-type.js'
import type { TableField } from '../../lib/table/table-field.js'
import type { AnyRow } from './tables.js'

// Random lakes of any schema, and random queries on them.

export const DAY = 86_400_000
export const NOON = Date.UTC(2024, 0, 26, 12)
const TODAY = Math.floor(NOON / DAY)

/** Longer than the beginning of a text that a position contains (`beginningOf`): all texts that begin with it have the same value in a position. */
const LONG = 'é'.repeat(220)
const texts = fc.constantFrom('', 'a', 'A', 'ab', 'aB', 'Straße', 'STRASSE', 'é"', 'e\u0301"', '😀', '\uffff', 'x y', 'b,c=d', 'source', 'it\'s \\ "\t\r\n\0', `${LONG}a`, `${LONG}b`)
/** -719,162 is the day of 0001-01-01. */
const VALUES: Readonly<Record<TypeName, fc.Arbitrary<NonNullable<Value>>>> = {
  string: texts,
  integer: fc.constantFrom(0, -1, 1, 7, 8, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53 - 2),
  number: fc.constantFrom(0, -0.5, 0.5, 0.1, 1e21, -1e21, 3, 4),
  boolean: fc.boolean(),
  date: fc.constantFrom(0, -719_162, TODAY, TODAY + 1, TODAY - 366, TODAY - 3653),
  datetime: fc.constantFrom(0, NOON, NOON - 1, NOON + 1, NOON - 12 * 3_600_000 + 1, NOON - 3653 * DAY, Date.UTC(9999, 11, 31))
}

export interface RandomLake { readonly fields: readonly TableField[], readonly rows: readonly AnyRow[] }

/** Names of the declared columns of files: any text can be one. */
const NAMES = ['plain', 'a.b', 'a%2Eb', 'x`y\\z', '{p0:String} \'']

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 })

export const lake: fc.Arbitrary<RandomLake> = fc.record({
  types: fc.array(fc.constantFrom<TypeName>('string', 'string', 'integer', 'number', 'boolean', 'date', 'datetime'), { minLength: 1, maxLength: 5 }),
  keyAt: fc.nat(5),
  hasImage: fc.boolean(),
  birth: fc.nat(6)
}).chain(({ types, keyAt, hasImage, birth }) => {
  const files = types.map((type, i): TableField => ({ name: NAMES[i]!, source: 'file', type, isBirth: i === birth && (type === 'date' || type === 'datetime') }))
  const fields: TableField[] = [...files]
  fields.splice(keyAt, 0, { name: 'key', source: 'key', type: 'string', isBirth: false })
  if (hasImage) fields.push({ name: 'photo', source: 'image', type: 'string', isBirth: false })
  const row: fc.Arbitrary<AnyRow> = fc.record({
    key: fc.oneof(fc.nat(60).map(String), texts.filter((text) => text !== '')),
    values: fc.tuple(...types.map((type) => orNull(VALUES[type]))),
    images: fc.tuple(orNull(fc.constantFrom('z/a.png', 'B.png', 'ab.png'))),
    undeclared: fc.dictionary(fc.constantFrom('city', '__proto__', 'Age'), texts, { noNullPrototype: false })
  })
  return fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 60, size: 'max' }).map((rows) => ({ fields, rows }))
})

/** What is random about a query, before the columns of the lake are known. */
const choice = fc.record({
  column: fc.nat(),
  op: fc.constantFrom('equals', 'in', 'not equals', 'less', 'at most', 'more', 'at least', 'between', 'contains', 'prefix', 'fold', 'exists', 'none', 'words'),
  values: fc.record(Object.fromEntries(Object.entries(VALUES).map(([type, value]) => [type, fc.tuple(value, value)])) as { [T in TypeName]: fc.Arbitrary<[NonNullable<Value>, NonNullable<Value>]> })
})
export type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never

export function filterOf ({ column: n, op, values }: Choice, columns: readonly string[], typeOf: (column: string) => TypeName): Filter {
  const column = columns[n % columns.length]!
  const type = typeOf(column)
  const [a, b] = values[type]
  const isText = type === 'string'
  switch (op) {
    case 'in': return { column, op: 'equals', value: [a, b] }
    case 'not equals': return { op: 'not', filter: { column, op: 'equals', value: a } }
    case 'less': return { column, op: 'range', value: { max: a, isMaxExcluded: true } }
    case 'at most': return { column, op: 'range', value: { max: a } }
    case 'more': return { column, op: 'range', value: { min: a, isMinExcluded: true } }
    case 'at least': return { column, op: 'range', value: { min: a } }
    case 'between': return { column, op: 'range', value: { min: a, max: b, isMinExcluded: true } }
    case 'exists': return { column, op: 'exists', value: true }
    case 'none': return { column, op: 'exists', value: false }
    case 'words': return { op: 'words', value: values.string.map(String).filter((word) => word !== '') }
    case 'contains': case 'prefix': return isText ? { column, op, value: String(a) } : { column, op: 'equals', value: b }
    case 'fold': return { column, op: 'equals', value: [a, b], fold: true }
    default: return { column, op: 'equals', value: a }
  }
}

/** Filters, an order, a column to group by, and limits, before the columns of the lake are known. */
export const question = fc.record({
  filters: fc.array(choice, { maxLength: 2 }),
  sort: fc.array(fc.record({ column: fc.nat(), isReversed: fc.boolean() }), { maxLength: 3 }),
  groupBy: fc.nat(),
  maxGroups: fc.integer({ min: 1, max: 4 }),
  bins: fc.integer({ min: 1, max: 5 })
})
