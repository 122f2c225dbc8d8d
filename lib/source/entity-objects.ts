import { ObjectList, sliceToString, type ExpectedSize } from '../store/object-list.js'
import { isPackedEtag } from '../store/packed-etag.js'
import { compareBytes } from '../base/bytes.js'
import { NumberBuilder, isSameValue, type ByteSlice, type Utf8Column } from '../table/utf8-column.js'

export const DOT = 0x2e
const SLASH = 0x2f

/** A list of objects that belong to entities: info files, or the images of one field. */
export class EntityObjects extends ObjectList {
  /** Positions of the ids in the bytes of the keys. */
  readonly #idStarts: NumberBuilder<Int32Array>
  readonly #idEnds: NumberBuilder<Int32Array>

  constructor (expected: Partial<ExpectedSize> = {}) {
    super([], expected)
    this.#idStarts = new NumberBuilder(Int32Array, expected.rows)
    this.#idEnds = new NumberBuilder(Int32Array, expected.rows)
  }

  /** Adds an object of another list, whose id is the base name without the extension of this length in bytes, dot included. */
  add (list: ObjectList, i: number, extensionLength: number): void {
    this.pushFrom(list, i)
    const { start, end } = idIn(this.key(this.length - 1), extensionLength)
    this.#idStarts.push(start)
    this.#idEnds.push(end)
  }

  /** The id of an object, as a slice of its key. */
  id (i: number): ByteSlice {
    return { bytes: this.keys.bytes, start: this.#idStarts.values[i]!, end: this.#idEnds.values[i]! }
  }

  /** The extension of an object, in lower case and without the first dot. */
  extension (i: number): string {
    const { bytes, end } = this.key(i)
    return sliceToString({ bytes, start: this.#idEnds.values[i]! + 1, end }).toLowerCase()
  }

  /** Compares the ids of an object of this list and of one of another list (or this one). */
  compareIds (i: number, other: EntityObjects, j: number): number {
    return compareBytes(
      this.keys.bytes, this.#idStarts.values[i]!, this.#idEnds.values[i]!,
      other.keys.bytes, other.#idStarts.values[j]!, other.#idEnds.values[j]!)
  }

  /** Whether an object has the key in this row. */
  hasKey (i: number, keys: Utf8Column, row: number): boolean {
    return isSameValue(this.keys, i, keys, row)
  }

  /** Whether an object has the ETag of this row of packed ones. */
  hasEtag (i: number, etags: Utf8Column, row: number): boolean {
    return isPackedEtag(etags, row, this.etag(i))
  }

  /** The objects in the order of their ids; those of one entity in the order of the listing. */
  byId (): Int32Array {
    const order = new Int32Array(this.length)
    let isSorted = true
    for (let i = 0; i < order.length; i++) {
      order[i] = i
      isSorted &&= i === 0 || this.compareIds(i - 1, this, i) <= 0
    }
    // If all objects are in one folder, they are listed in this order already, apart from rare exceptions.
    return isSorted ? order : order.sort((a, b) => this.compareIds(a, this, b))
  }
}

/** The base name of a key without its extension, which has this length in bytes, dot included. */
export function idIn ({ bytes, start, end }: ByteSlice, extensionLength: number): ByteSlice {
  const dot = end - extensionLength
  return { bytes, start: lastIndex(SLASH, bytes, start, dot) + 1, end: dot }
}

/** The extension of a key, without the dot; `undefined` if it has none. */
export function extensionIn ({ bytes, start, end }: ByteSlice): ByteSlice | undefined {
  const dot = lastIndex(DOT, bytes, start, end)
  return dot < start || lastIndex(SLASH, bytes, dot, end) > dot ? undefined : { bytes, start: dot + 1, end }
}

/** The index of the last occurrence of a byte; `start - 1` if the byte does not occur. */
function lastIndex (byte: number, bytes: Uint8Array, start: number, end: number): number {
  let i = end - 1
  while (i >= start && bytes[i] !== byte) i--
  return i
}
