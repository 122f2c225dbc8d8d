import { STEP_ROWS } from '../base/steps.js'

// Measured ratios that decide how the rows of a query are found.

/** The cost of sorting one row, in tests of one row against a filter. */
export const SORT_COST = 16

/** Whether sorting `count` rows costs less than going through all `length` rows of the table, and takes a few milliseconds at most. */
export function isCheapToSort (count: number, length: number): boolean {
  return count <= STEP_ROWS && count * SORT_COST < length
}

/** The cost of listing one matching row, in tests of one row against a filter. */
export const LISTING_COST = 64

/** The cost of testing one row of a list and setting its bit, in tests of one row of a scan. */
export const CANDIDATE_COST = 2
