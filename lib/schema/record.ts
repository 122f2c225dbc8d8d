import type { CalendarDay } from '../base/calendar.js'
import type { Value } from './field-type.js'

/** The fields of an info file. Immutable. */
export interface RecordFields {
  /** The values of the declared columns of files, in schema order. */
  readonly values: readonly Value[]
  /** The undeclared columns by name, as text. Without a prototype, so that any name is safe. */
  readonly undeclared: Readonly<Record<string, string>>
}

/** One record, as every engine holds it. */
export interface RecordRow {
  readonly user_id: string
  readonly first_name: string
  readonly last_name: string
  /** Milliseconds since 1970-01-01 UTC, a whole number; absolute value at most 8.64e15. */
  readonly birthts: number
  /** The undeclared columns by name, as text. Without a prototype, so that any name is safe. */
  readonly undeclared: Readonly<Record<string, string>>
  /** The full object key of the image; `null` if there is none. */
  readonly img_path: string | null
  /** The date of birth in the configured time zone. */
  readonly birth_date: CalendarDay
}

/** A value of a record; `null` if there is none. */
export type Cell = string | number | null

/** The declared columns, which every record has, in the order in which responses show them. */
export const DECLARED_COLUMNS = ['user_id', 'first_name', 'last_name', 'birthts', 'img_path'] as const

/** The user id in an object key: the base name without its extension. It may violate the rules for user ids. */
export function userIdOf (key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return name.slice(0, name.lastIndexOf('.'))
}
