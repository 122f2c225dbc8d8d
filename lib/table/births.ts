import { calendarDay } from '../base/calendar.js'
import { DAY_MS } from '../base/instant.js'
import { shared } from '../base/shared-memory.js'
import type { TypeName, Value } from '../schema/field-type.js'
import type { BirthOrder } from './birth-order.js'
import { fromStored, type TableColumn } from './column.js'

/** What ages are computed from. */
export interface Births extends BirthOrder {
  /** The birth timestamps: milliseconds since 1970-01-01 UTC, NaN for rows without one. */
  readonly instants: Float64Array
  /** The dates of birth in the configured time zone, each a CalendarDay; 0 for rows without one. */
  readonly dates: Int32Array
}

/** The timestamps of a birth column: its numbers, or for days the first millisecond in UTC. @throws TypeError for text and booleans */
export function birthInstants (column: TableColumn): Float64Array {
  if (column.kind === 'number') return column.values
  if (column.kind !== 'day') throw new TypeError(`A column of kind ${column.kind} has no births`)
  const instants = shared(Float64Array, column.values.length)
  column.values.forEach((day, row) => { instants[row] = fromStored('day', day) === null ? NaN : day * DAY_MS })
  return instants
}

/** The date of a birth as a CalendarDay, for timestamps in a time zone (IANA name); 0 for a record without a birth. */
export function birthDate (type: TypeName, value: Value, timeZone: string): number {
  if (value === null) return 0
  return type === 'date' ? calendarDay(Number(value) * DAY_MS, 'UTC') : calendarDay(Number(value), timeZone)
}
