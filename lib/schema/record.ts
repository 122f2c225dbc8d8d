import type { CalendarDay } from '../base/calendar.js'

/** What an info file says of its user. Shared, immutable. */
export interface RecordFields {
  readonly first_name: string
  readonly last_name: string
  /** Milliseconds since 1970-01-01 UTC, a whole number; absolute value at most 8.64e15. */
  readonly birthts: number
  /** Further columns by name, as text; without a prototype, so that any name is safe. */
  readonly undeclared: Readonly<Record<string, string>>
}

/** One user, as every engine holds it. */
export interface RecordRow extends RecordFields {
  readonly user_id: string
  /** The image's full object key, `null` without an image. */
  readonly img_path: string | null
  /** The date of birth in the configured time zone. */
  readonly birth_date: CalendarDay
}

/** A value of a record: `null` where there is none. */
export type Cell = string | number | null

/** The columns of every record, in the order in which answers show them. */
export const DECLARED_COLUMNS = ['user_id', 'first_name', 'last_name', 'birthts', 'img_path'] as const

/** Columns that an info file can't bring along: they come from the object keys. */
export const KEY_COLUMNS: readonly string[] = ['user_id', 'img_path']

/** The columns that each info file has. */
export const REQUIRED_COLUMNS = ['first_name', 'last_name', 'birthts'] as const

/** The user that an object belongs to: the base name of its key without its extension. May break the rules for user ids. */
export function userIdOf (key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return name.slice(0, name.lastIndexOf('.'))
}
