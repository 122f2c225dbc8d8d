import type { RecordRow } from '../schema/record.js'

/**
 * One condition on the records, as data, so that any engine can evaluate it. Several are combined with AND. Column names
 * are those of the records; `birth_date` (a CalendarDay in the configured time zone) can be filtered by but not selected.
 */
export type Filter =
  /** The value, as text, is one of these. `fold` ignores case. An absent value (`null`) equals nothing. */
  | { readonly column: string, readonly op: 'equals', readonly value: string | readonly string[], readonly fold?: boolean }
  /** The value, as text, begins with this. */
  | { readonly column: string, readonly op: 'prefix', readonly value: string, readonly fold?: boolean }
  /** The number lies between these, both inclusive. */
  | { readonly column: 'birthts' | 'birth_date', readonly op: 'range', readonly value: { readonly min?: number | undefined, readonly max?: number | undefined } }
  /** There is a value, or there is none. */
  | { readonly column: string, readonly op: 'exists', readonly value: boolean }

/**
 * A condition as code: a slow path for users of the library, evaluated by the in-process engine only.
 */
export type RowPredicate = (row: RecordRow) => boolean
