// Which rows of a long table are in the document, and where.

export interface Viewport {
  /** Pixels above the viewport, its height, and the height of a row. */
  readonly top: number
  readonly height: number
  readonly rowHeight: number
}

/** The number of rows above the viewport, and of rows below it, that are in the document as well, so that they are there before they are seen. */
const MARGIN = 12

/** The rows that are in the document: from the first one to the one before `end`. `count`: the number of all rows. */
export function rowWindow ({ top, height, rowHeight }: Viewport, count: number): { readonly first: number, readonly end: number } {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - MARGIN)
  return { first, end: Math.min(count, Math.max(0, Math.ceil((top + height) / rowHeight)) + MARGIN) }
}

/** The maximum height of the rows in the document, in pixels. Browsers limit it, Firefox to 17.9 million, and round positions above 8.4 million to whole pixels. */
export const MAX_HEIGHT = 8_000_000
/** Pixels at each end of a higher table that are not scaled, so that scrolling leads to its first and its last row exactly. */
const EDGE = 1_000_000
/** A scroll by fewer pixels is a step, such as by the wheel or a key; by more, it is a jump. Dragging the thumb of a scroll bar that is shorter than 2,000 pixels by one pixel is a jump. */
const JUMP = 4000

/** A place in a table. The rows of a table that is too high are drawn `shift` pixels above where they would be. */
export interface Place {
  /** The scroll position, in pixels. */
  readonly top: number
  readonly shift: number
}

/** The place after scrolling. A small step moves the rows as far as the scroll position; a jump leads to the same share of all rows. */
export function scrolled ({ top: before, shift }: Place, top: number, height: number): Place {
  return { top, shift: Math.abs(top - before) < JUMP ? shift : shiftAt(top, MAX_HEIGHT, height) }
}

/** The place to which a jump would lead, with the same rows in view. Steps lead away from such a place; without this correction, the scroll position would reach an end before the rows do. */
export function settled ({ top, shift }: Place, height: number): Place {
  const next = shiftAt(top + shift, height, height)
  return { top: top + shift - next, shift: next }
}

/** The shift at a position: 0 up to EDGE, then growing linearly to the pixels by which the table exceeds MAX_HEIGHT. `range`: the height in which the position is. */
function shiftAt (position: number, range: number, height: number): number {
  return height <= MAX_HEIGHT ? 0 : (height - MAX_HEIGHT) * Math.min(1, Math.max(0, (position - EDGE) / (range - 2 * EDGE)))
}
