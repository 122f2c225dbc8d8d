import type { Position, Sort } from '../query/data-version.js'
import { areTiesReversed, untilKey } from '../query/positions.js'
import type { Value } from '../schema/field-type.js'
import { keyNameOf } from '../table/table-field.js'
import { engineColumn, type ColumnContext, type EngineColumn } from './columns.js'
import { join, number, parameter, raw, sql, text, type Sql } from './sql.js'

/** An order of records. */
export interface EngineOrder {
  /** The columns of the order before the key, which is always the last one. */
  readonly columns: readonly EngineColumn[]
  readonly orderBy: Sql
  /** The condition that a record comes after a position. */
  readonly after: (position: Position) => Sql
}

/** Compiles a sort. Columns that the records do not have are left out. @param asOf the instant of ages, in milliseconds since 1970-01-01 UTC */
export function compileSort (sort: Sort, context: ColumnContext, asOf: number | undefined): EngineOrder {
  const keyName = keyNameOf(context.fields)
  const isKeyReversed = areTiesReversed(sort, keyName)
  const columns = untilKey(sort, keyName).flatMap(({ column: name, isReversed = false }) => {
    const column = engineColumn(context, name, asOf)
    return column === undefined ? [] : { column, isReversed }
  })
  const afterKey = (id: string) => sql`key ${raw(isKeyReversed ? '<' : '>')} ${text(id)}`
  return {
    columns: columns.map(({ column }) => column),
    orderBy: join([...columns.map(({ column, isReversed }) => sql`${column.value} ${raw(isReversed ? 'DESC' : 'ASC')} NULLS LAST`), raw(isKeyReversed ? 'key DESC' : 'key ASC')], ', '),
    // From the last column to the first: a record comes after the position in this column, or is equal to it there and comes after it in the next ones.
    after: ({ id, values }) => columns.reduceRight((after, { column, isReversed }, i) => afterIn(column, isReversed, values[i] ?? null, after), afterKey(id))
  }
}

function afterIn ({ value: expression, exists }: EngineColumn, isReversed: boolean, value: Value, afterInNext: Sql): Sql {
  if (value === null) return sql`(NOT ${exists} AND ${afterInNext})`
  const bound = bind(value)
  return sql`(${expression} ${raw(isReversed ? '<' : '>')} ${bound} OR NOT ${exists} OR (${expression} = ${bound} AND ${afterInNext}))`
}

function bind (value: NonNullable<Value>): Sql {
  if (typeof value === 'string') return text(value)
  return typeof value === 'number' ? number(value) : parameter(value ? 1 : 0, 'UInt8')
}
