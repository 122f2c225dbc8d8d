import { beginningOfText } from '../base/utf8.js'
import type { Value } from '../schema/field-type.js'
import type { Sort } from './data-version.js'

// What all engines have in common about orders and positions in them.

/** The columns of a sort before the key. Keys are unique, so that what comes after the key makes no difference. */
export function untilKey (sort: Sort, keyName: string): Sort {
  const end = sort.findIndex(({ column }) => column === keyName)
  return end === -1 ? sort : sort.slice(0, end)
}

/** Whether records that are equal in all columns before the key are ordered by descending keys. */
export function areTiesReversed (sort: Sort, keyName: string): boolean {
  return (sort.find(({ column }) => column === keyName) ?? sort.at(-1))?.isReversed ?? false
}

/** Longer texts would make the URLs of pages too long. UTF-16 code units. */
const BEGINNING_LENGTH = 200

/** The value as positions contain it: of a long text, its beginning. */
export function beginningOf (value: Value): Value {
  return typeof value === 'string' ? beginningOfText(value, BEGINNING_LENGTH) : value
}

/** Whether the value of a position may be the beginning of a longer text. */
export function mayBeCut (value: Value): value is string {
  return typeof value === 'string' && value.length >= BEGINNING_LENGTH - 1
}
