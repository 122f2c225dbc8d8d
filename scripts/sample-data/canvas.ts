/** Restricts drawing to the rows from `top` (inclusive) to `bottom` (exclusive). */
export interface Clip { readonly top?: number, readonly bottom?: number }

/** A square bitmap. Drawing uses only IEEE 754 arithmetic and square roots, so that the pixels are the same on every machine. */
export class Canvas {
  readonly size: number
  /** One palette index per byte, row by row. */
  readonly pixels: Uint8Array

  constructor (size: number, colour: number) {
    this.size = size
    this.pixels = new Uint8Array(size * size).fill(colour)
  }

  /** Fills an ellipse with the centre (x, y), half the width `rx` and half the height `ry`. */
  ellipse (x: number, y: number, rx: number, ry: number, colour: number, { top = 0, bottom = this.size }: Clip = {}): void {
    const last = Math.min(bottom, Math.ceil(y + ry))
    for (let row = Math.max(top, Math.floor(y - ry)); row < last; row++) {
      const rise = (row + 0.5 - y) / ry
      const half = rx * Math.sqrt(Math.max(0, 1 - rise * rise))
      this.#fillRow(row, Math.round(x - half), Math.round(x + half), colour)
    }
  }

  rectangle (x: number, y: number, width: number, height: number, colour: number): void {
    for (let row = y; row < Math.min(y + height, this.size); row++) this.#fillRow(row, x, x + width, colour)
  }

  #fillRow (row: number, from: number, to: number, colour: number): void {
    const start = row * this.size
    this.pixels.fill(colour, start + Math.max(0, from), start + Math.min(this.size, to))
  }
}
