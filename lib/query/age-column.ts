import { calendarDay, type CalendarDay } from '../base/calendar.js'
import type { TypeName } from '../schema/field-type.js'
import type { FixedColumn } from '../table/column.js'
import type { Births } from '../table/births.js'
import { completedYears } from './age.js'
import type { DataVersion } from './data-version.js'

/** The name of the virtual column: completed years at the instant of the query. A column of the records with this name takes its place. */
export const AGE = 'age'

/** The columns of the records. */
export type Columns = Pick<DataVersion, 'fields' | 'columns'>

/** Whether this is the virtual column of ages. It exists if there is a birth field and no other column has its name. */
export function isAge ({ fields, columns }: Columns, name: string): boolean {
  return name === AGE && fields.some(({ isBirth }) => isBirth) && !columns.includes(AGE)
}

/** The names of all columns that a query can use, undeclared and virtual ones included. */
export function columnNames (version: Columns): readonly string[] {
  return isAge(version, AGE) ? [...version.columns, AGE] : version.columns
}

/** The type of a column, undeclared and virtual ones included; `undefined` if there is no such column. */
export function columnType (version: Columns, name: string): TypeName | undefined {
  if (isAge(version, name)) return 'integer'
  if (!version.columns.includes(name)) return undefined
  return version.fields.find((field) => field.name === name)?.type ?? 'string'
}

/** The ages of rows in completed years. A birth later on the day of the instant has age -1. */
export function ageColumn ({ instants, dates }: Births, asOf: number, timeZone: string): FixedColumn {
  const today = calendarDay(asOf, timeZone)
  const values = new Float64Array(instants.length)
  for (let row = 0; row < values.length; row++) {
    const instant = instants[row]!
    if (Number.isNaN(instant)) {
      values[row] = NaN
      continue
    }
    const years = completedYears(dates[row]! as CalendarDay, today)
    values[row] = years === 0 && instant > asOf ? -1 : years
  }
  return { name: AGE, kind: 'number', values }
}
