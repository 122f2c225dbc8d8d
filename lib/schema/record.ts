import type { Value } from './field-type.js'

/** The fields of an info file. Immutable. */
export interface RecordFields {
  /** The values of the declared columns of files, in schema order. */
  readonly values: readonly Value[]
  /** The undeclared columns by name, as text. Without a prototype, so that any name is safe. */
  readonly undeclared: Readonly<Record<string, string>>
}

/** A value of a record as responses have it: dates and datetimes are texts. `null` if the record has no value. */
export type Cell = string | number | boolean | null

/** One record: the declared columns, and the undeclared ones in which it has a value. Without a prototype, so that any name is safe. */
export type RecordRow = Readonly<Record<string, Cell>>

/** The keys of records that an object may belong to: its base name up to each dot, as an extension may contain dots. */
export function recordKeysOf (objectKey: string): string[] {
  const name = objectKey.slice(objectKey.lastIndexOf('/') + 1)
  return [...name.matchAll(/\./g)].map(({ index }) => name.slice(0, index))
}
