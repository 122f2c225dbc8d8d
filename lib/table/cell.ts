import type { TypeName, Value } from '../schema/field-type.js'
import { createType } from '../schema/types/index.js'
import type { Cell } from '../schema/record.js'

const DATE = createType('date')
const DATETIME = createType('datetime')

/** A value as responses have it: dates as YYYY-MM-DD, datetimes in RFC 3339. */
export function toCell (type: TypeName, value: Value): Cell {
  if (value === null) return null
  if (type === 'date') return DATE.format(value)
  return type === 'datetime' ? DATETIME.format(value) : value
}
