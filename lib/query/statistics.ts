import type { Cell } from '../schema/record.js'

/** The records of ages from `min_age` to `max_age` completed years, both inclusive. */
export interface AgeBin { readonly min_age: number, readonly max_age: number, readonly count: number }

/** Ages are elapsed time in years of 365.25 days, correct to 1e-9. */
export interface Statistics {
  readonly count: number
  /** Mean age; -1 if no record that matches has a birth. */
  readonly average_age: number
  /** The median age; `null` if no record that matches has a birth. */
  readonly median_age: number | null
  readonly youngest_age: number | null
  readonly oldest_age: number | null
  readonly with_image: number
  /** By completed years, youngest first; empty bins are omitted. */
  readonly age_histogram: readonly AgeBin[]
}

/** The records with values from `min` up to, not including, `max`; the last bin includes its `max`. */
export interface Bin { readonly min: Cell, readonly max: Cell, readonly count: number }

/** The statistics of the values of a column. Those of dates and datetimes are dates and datetimes: mean, median and bounds of bins are rounded down. */
export interface ValueStatistics {
  /** The number of values. */
  readonly count: number
  /** Of numbers only: 0 without values; `null` if it exceeds the largest double. Sums of integers are exact, and then rounded to a double. */
  readonly sum?: number | null
  /** This and the next three are `null` if there are no values. */
  readonly mean: Cell
  readonly median: Cell
  readonly min: Cell
  readonly max: Cell
  /** Bins of equal width; fewer than requested if the range of the values is too small for that number. */
  readonly histogram: readonly Bin[]
}

/** The records that have a value in common, or have none. */
export interface Group { readonly value: Cell, readonly count: number }

/** The number of groups, and that of their records. */
export interface OtherGroups { readonly groups: number, readonly count: number }

/** The statistics that a query asks for beyond those of ages. */
export interface ColumnStatistics {
  /** By the names of the columns. */
  readonly columns?: Readonly<Record<string, ValueStatistics>>
  readonly groups?: readonly GroupStatistics[]
  /** The groups that are not in `groups`. */
  readonly other?: OtherGroups
}

export interface GroupStatistics extends Group { readonly columns?: Readonly<Record<string, ValueStatistics>> }
