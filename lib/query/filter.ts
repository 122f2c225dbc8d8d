import type { Value } from '../schema/field-type.js'
import type { RecordRow } from '../schema/record.js'

/** A range of numbers, both bounds inclusive; an absent bound is no bound. */
export interface Range { readonly min?: number | undefined, readonly max?: number | undefined }

/** A value that conditions compare with. Dates are days, and datetimes milliseconds, since 1970-01-01 UTC. */
export type Operand = NonNullable<Value>

/** A range of the values of a column; an absent bound is no bound. Texts are compared by their UTF-8 bytes; false is less than true. */
export interface ValueRange {
  readonly min?: Operand | undefined
  readonly max?: Operand | undefined
  /** Whether the bound itself is not in the range. */
  readonly isMinExcluded?: boolean | undefined
  readonly isMaxExcluded?: boolean | undefined
}

/**
 * One condition on the records, as data, so that any engine can evaluate it. Several are combined with AND. A missing value (`null`)
 * meets no condition except `exists: false` and `not`.
 */
export type Filter =
  /** The value is one of these. `fold` ignores case, in text. */
  | { readonly column: string, readonly op: 'equals', readonly value: Operand | readonly Operand[], readonly fold?: boolean }
  /** The text begins with this. */
  | { readonly column: string, readonly op: 'prefix', readonly value: string, readonly fold?: boolean }
  /** The text contains this, ignoring case. */
  | { readonly column: string, readonly op: 'contains', readonly value: string }
  /** The value is in this range. */
  | { readonly column: string, readonly op: 'range', readonly value: ValueRange }
  /** The record has a value, or has no value. */
  | { readonly column: string, readonly op: 'exists', readonly value: boolean }
  /** Each of these is contained, ignoring case, in the key or in some text column of the info files, declared or not. */
  | { readonly op: 'words', readonly value: readonly string[] }
  /** The birth is in this range: of milliseconds since 1970-01-01 UTC, or of CalendarDays in the configured time zone. */
  | { readonly op: 'born', readonly unit: 'millisecond' | 'calendar day', readonly value: Range }
  /** The record meets at least one of these filters. The list must not be empty. */
  | { readonly op: 'any', readonly filters: readonly Filter[] }
  /** The record does not meet this filter. */
  | { readonly op: 'not', readonly filter: Filter }

/** A condition as code: slow, for callers of the library, and evaluated by the in-process engine only. */
export type RowPredicate = (row: RecordRow) => boolean

/** The columns that a filter names. */
export function columnsOfFilter (filter: Filter): readonly string[] {
  switch (filter.op) {
    case 'any': return filter.filters.flatMap(columnsOfFilter)
    case 'not': return columnsOfFilter(filter.filter)
    case 'born': case 'words': return []
    default: return [filter.column]
  }
}
