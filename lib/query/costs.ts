import { STEP_ROWS } from '../base/steps.js'

// Measured ratios that decide how the rows of a query are found.

/** The cost of sorting one row, relative to the cost of testing one row against a filter. */
export const SORT_COST = 16

/** Whether sorting `count` rows costs less than going through all `length` rows of the table, and takes a few milliseconds at most. */
export function isCheapToSort (count: number, length: number): boolean {
  return count <= STEP_ROWS && count * SORT_COST < length
}

/** The cost of adding one matching row to a list of rows, relative to the cost of testing one row against a filter. */
export const LISTING_COST = 64

/**
 * The cost of a candidate, a row that an index has found: testing it and setting its bit in the bitmap of matching rows, relative to the cost of testing one row
 * in a scan of all rows.
 */
export const CANDIDATE_COST = 2
