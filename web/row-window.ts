// Which rows of a long table are in the document.

export interface Viewport {
  /** Pixels above the viewport, its height, and the height of a row. */
  readonly top: number
  readonly height: number
  readonly rowHeight: number
}

/** Rows outside the viewport that are in the document as well, so that they are there before they are seen. */
const MARGIN = 12

/** The rows that are in the document: from the first one to the one before `end`. */
export function rowWindow ({ top, height, rowHeight }: Viewport, count: number): { readonly first: number, readonly end: number } {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - MARGIN)
  return { first, end: Math.min(count, Math.max(0, Math.ceil((top + height) / rowHeight)) + MARGIN) }
}
