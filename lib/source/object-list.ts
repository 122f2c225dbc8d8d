import type { ObjectInfo } from '../store/object-store.js'
import { compareBytes } from '../table/bytes.js'
import { Growing, GrowingTexts, pieceAt, type Piece } from '../table/texts.js'

const DOT = 0x2e
const SLASH = 0x2f

/** Objects of a listing whose names have an extension, as columns: a lake has millions of them. */
export class ObjectList {
  readonly #keys = new GrowingTexts()
  readonly #etags = new GrowingTexts()
  readonly #sizes = new Growing(Float64Array)
  readonly #modified = new Growing(Float64Array)
  readonly #unsettled = new Growing(Uint8Array)

  get length (): number {
    return this.#keys.length
  }

  push ({ key, etag, size, lastModified, unsettled }: ObjectInfo): void {
    this.#keys.push(key)
    this.#etags.push(etag)
    this.#sizes.push(size)
    this.#modified.push(lastModified)
    this.#unsettled.push(unsettled ? 1 : 0)
  }

  at (i: number): ObjectInfo {
    const info = { key: textOf(this.key(i)), etag: textOf(this.etag(i)), size: this.size(i), lastModified: this.lastModified(i) }
    return this.isUnsettled(i) ? { ...info, unsettled: true } : info
  }

  key (i: number): Piece {
    return pieceAt(this.#keys, i)
  }

  etag (i: number): Piece {
    return pieceAt(this.#etags, i)
  }

  size (i: number): number {
    return this.#sizes.values[i]!
  }

  lastModified (i: number): number {
    return this.#modified.values[i]!
  }

  isUnsettled (i: number): boolean {
    return this.#unsettled.values[i] === 1
  }

  /** The user that the object belongs to, as part of its key. */
  userId (i: number): Piece {
    const { bytes, start, end } = this.key(i)
    let dot = end - 1
    while (bytes[dot] !== DOT) dot--
    let first = dot
    while (first > start && bytes[first - 1] !== SLASH) first--
    return { bytes, start: first, end: dot }
  }

  /** The objects by user id, those of one user in the order of the listing. */
  byUser (): readonly number[] {
    const order = Array.from({ length: this.length }, (_, i) => i)
    // Listings are all but in this order, which the sort takes advantage of.
    return order.sort((a, b) => comparePieces(this.userId(a), this.userId(b)))
  }
}

export function comparePieces (a: Piece, b: Piece): number {
  return compareBytes(a.bytes, a.start, a.end, b.bytes, b.start, b.end)
}

export function textOf ({ bytes, start, end }: Piece): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end)
}
