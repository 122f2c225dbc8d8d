import { calendarDay, CALENDAR_DAYS_A_YEAR } from '../base/calendar.js'
import { AGE, isAge, type Columns } from '../query/age-column.js'
import type { TypeName } from '../schema/field-type.js'
import { identifier, number, raw, sql, text, type Sql } from './sql.js'
import { foldColumn, valueColumn } from './tables.js'

/** A column as queries use it, with the SQL of its value, which is NULL if a record has none. */
export interface EngineColumn {
  readonly name: string
  readonly type: TypeName
  readonly value: Sql
  /** The case-folded value; absent if the values are not text. */
  readonly fold?: Sql
  /** The condition that a record has a value. */
  readonly exists: Sql
}

/** The records that have the columns, and the IANA name of the zone whose calendar counts completed years. */
export interface ColumnContext extends Columns { readonly timeZone: string }

/**
 * A column, undeclared and virtual ones included; `undefined` if the records have no such column.
 *
 * @param asOf the instant of ages, in milliseconds since 1970-01-01 UTC
 */
export function engineColumn (context: ColumnContext, name: string, asOf: number | undefined): EngineColumn | undefined {
  if (isAge(context, name)) return ageColumn(asOf, context.timeZone)
  const field = context.fields.find((field) => field.name === name)
  if (field !== undefined) {
    const value = identifier(valueColumn(field))
    const exists = field.source === 'key' ? raw('1') : sql`isNotNull(${value})`
    return { name, type: field.type, value, exists, ...field.type === 'string' && { fold: identifier(foldColumn(field)) } }
  }
  if (!context.columns.includes(name)) return undefined
  const exists = sql`mapContains(undeclared, ${text(name)})`
  const valueIn = (map: Sql) => sql`if(${exists}, ${map}[${text(name)}], NULL)`
  return { name, type: 'string', value: valueIn(raw('undeclared')), fold: valueIn(raw('undeclared_fold')), exists }
}

/** Completed years; negative for a birth after the instant, even on the same day. */
function ageColumn (asOf: number | undefined, timeZone: string): EngineColumn {
  if (asOf === undefined) throw new TypeError(`The column ${AGE} needs the instant of the query`)
  const years = sql`toInt64(floor((${number(calendarDay(asOf, timeZone))} - born_day) / ${raw(String(CALENDAR_DAYS_A_YEAR))}))`
  return { name: AGE, type: 'integer', value: sql`if(${years} = 0 AND born > ${number(asOf)}, -1, ${years})`, exists: raw('isNotNull(born)') }
}
