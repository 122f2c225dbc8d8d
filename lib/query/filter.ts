import type { RecordRow } from '../schema/record.js'

/** A range of numbers, both bounds inclusive; an absent bound is no bound. */
export interface Range { readonly min?: number | undefined, readonly max?: number | undefined }

/**
 * One condition on the records, as data, so that any engine can evaluate it. Several are combined with AND. A missing value (`null`)
 * meets none but `exists: false`.
 */
export type Filter =
  /** The value, as text, is one of these. `fold` ignores case. */
  | { readonly column: string, readonly op: 'equals', readonly value: string | readonly string[], readonly fold?: boolean }
  /** The value, as text, begins with this. */
  | { readonly column: string, readonly op: 'prefix', readonly value: string, readonly fold?: boolean }
  /** The number is in this range. Dates are days, and datetimes milliseconds, since 1970-01-01 UTC; booleans are 0 and 1. */
  | { readonly column: string, readonly op: 'range', readonly value: Range }
  /** There is a value, or there is none. */
  | { readonly column: string, readonly op: 'exists', readonly value: boolean }
  /** At least one of these, of which there is at least one. */
  | { readonly op: 'any', readonly filters: readonly Filter[] }
  /** The birth is in this range: of milliseconds since 1970-01-01 UTC, or of CalendarDays in the configured time zone. */
  | { readonly op: 'born', readonly unit: 'millisecond' | 'calendar day', readonly value: Range }

/** A condition as code: slow, for users of the library, and evaluated by the in-process engine only. */
export type RowPredicate = (row: RecordRow) => boolean
