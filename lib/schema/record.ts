import type { Value } from './field-type.js'

/** The fields of an info file. Immutable. */
export interface RecordFields {
  /** The values of the declared columns of files, in schema order. */
  readonly values: readonly Value[]
  /** The undeclared columns by name, as text. Without a prototype, so that any name is safe. */
  readonly undeclared: Readonly<Record<string, string>>
}

/** A value of a record as responses have it: dates and datetimes are texts. `null` if there is none. */
export type Cell = string | number | boolean | null

/** One record: the declared columns, and the undeclared ones in which it has a value. Without a prototype, so that any name is safe. */
export type RecordRow = Readonly<Record<string, Cell>>

/** The user id in an object key: the base name without its extension. It may violate the rules for user ids. */
export function userIdOf (key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return name.slice(0, name.lastIndexOf('.'))
}
