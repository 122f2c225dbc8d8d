import type { ObjectInfo } from '../store/object-store.js'
import { compareBytes } from '../table/bytes.js'
import { Growing, GrowingTexts, isSameText, pieceAt, type Piece, type Texts } from '../table/texts.js'

const DOT = 0x2e
const SLASH = 0x2f

/** Objects of a listing whose names have an extension, as columns: a lake has millions of them. */
export class ObjectList {
  readonly #keys = new GrowingTexts()
  readonly #etags = new GrowingTexts()
  readonly #sizes = new Growing(Float64Array)
  readonly #modified = new Growing(Float64Array)
  readonly #unsettled = new Growing(Uint8Array)
  /** Where in the bytes of the keys the user ids are. */
  readonly #idStarts = new Growing(Int32Array)
  readonly #idEnds = new Growing(Int32Array)

  get length (): number {
    return this.#keys.length
  }

  push ({ key, etag, size, lastModified, unsettled }: ObjectInfo): void {
    this.#keys.push(key)
    this.#etags.push(etag)
    this.#sizes.push(size)
    this.#modified.push(lastModified)
    this.#unsettled.push(unsettled ? 1 : 0)
    const { bytes, start, end } = pieceAt(this.#keys, this.length - 1)
    let dot = end - 1
    while (bytes[dot] !== DOT) dot--
    let first = dot
    while (first > start && bytes[first - 1] !== SLASH) first--
    this.#idStarts.push(first)
    this.#idEnds.push(dot)
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
    return { bytes: this.#keys.bytes, start: this.#idStarts.values[i]!, end: this.#idEnds.values[i]! }
  }

  /** Compares the user of an object with that of one of this or another list. */
  compareUsers (i: number, other: ObjectList, j: number): number {
    return compareBytes(
      this.#keys.bytes, this.#idStarts.values[i]!, this.#idEnds.values[i]!,
      other.#keys.bytes, other.#idStarts.values[j]!, other.#idEnds.values[j]!)
  }

  hasKey (i: number, keys: Texts, row: number): boolean {
    return isSameText(this.#keys, i, keys, row)
  }

  hasEtag (i: number, etags: Texts, row: number): boolean {
    return isSameText(this.#etags, i, etags, row)
  }

  /** The objects by user id, those of one user in the order of the listing. */
  byUser (): readonly number[] {
    const order = Array.from({ length: this.length }, (_, i) => i)
    // Listings are all but in this order, which the sort takes advantage of.
    return order.sort((a, b) => this.compareUsers(a, this, b))
  }
}

export function textOf ({ bytes, start, end }: Piece): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end)
}
