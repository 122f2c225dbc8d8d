// Where a row of the next table comes from, as one 32-bit number: a row of the previous table (its number, from 0), a draft (a
// row of the RowBuilder), or neither. Arrays of these numbers take 4 bytes a row.

/** Neither a row nor a draft. */
export const NO_ROW = -(2 ** 31)

/** The row source that stands for a draft. */
export function fromDraft (draft: number): number {
  return ~draft
}

/** Whether a row source is a draft. */
export function isDraft (source: number): boolean {
  return source < 0 && source !== NO_ROW
}

/** The number of the draft that a row source stands for. The inverse of `fromDraft`. */
export function draftOf (source: number): number {
  return ~source
}

/** Whether a row source is a row of the previous table. */
export function isRow (source: number): boolean {
  return source >= 0
}
