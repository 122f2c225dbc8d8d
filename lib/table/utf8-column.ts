import { TooLargeError } from '../base/errors.js'
import { compareBytes, firstIndex } from '../base/bytes.js'
import { shared } from '../base/shared-memory.js'

/** A text column outside the heap, as an Arrow Utf8 column: row i is `bytes` from `offsets[i]` up to `offsets[i + 1]`. */
export interface Utf8Column {
  /** One more than there are rows. */
  readonly offsets: Int32Array
  /** UTF-8. */
  readonly bytes: Uint8Array
}

/** The maximum length of a text column, in bytes: offsets are signed 32-bit integers, as in Arrow. */
const MAX_BYTES = 2 ** 31 - 1

/** Reads a text column. */
export class Utf8Reader implements Utf8Column {
  readonly offsets: Int32Array
  readonly bytes: Buffer

  constructor ({ offsets, bytes }: Utf8Column) {
    this.offsets = offsets
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length (): number {
    return this.offsets.length - 1
  }

  at (row: number): string {
    return this.bytes.toString('utf8', this.offsets[row]!, this.offsets[row + 1]!)
  }

  isEmpty (row: number): boolean {
    return this.offsets[row] === this.offsets[row + 1]
  }

  /** Compares the text of a row with another text, byte by byte. */
  compare (row: number, other: Uint8Array, start = 0, end = other.length): number {
    return compareBytes(this.bytes, this.offsets[row]!, this.offsets[row + 1]!, other, start, end)
  }

  /** The first row from `first` on that is not less than the text; `length` if all are less. The rows from `first` on must be in ascending order. */
  lowerBound (text: Uint8Array, first = 0): number {
    return firstIndex(first, this.length, (row) => this.compare(row, text) >= 0)
  }

  /** The row from `first` on that has this text; -1 if no such row exists. The rows from `first` on must be in ascending order. */
  find (text: string, first = 0): number {
    const bytes = Buffer.from(text)
    const row = this.lowerBound(bytes, first)
    return row < this.length && this.compare(row, bytes) === 0 ? row : -1
  }
}

/** All texts of a column. */
export function textsOf (column: Utf8Column): string[] {
  const reader = new Utf8Reader(column)
  return Array.from({ length: reader.length }, (_, i) => reader.at(i))
}

/**
 * Allocates a column for rows of these lengths in bytes, which the caller fills. `head`: the number of bytes before the first row.
 *
 * @throws TooLargeError if the column would have more than 2 GiB
 */
export function allocateUtf8 (length: number, lengthOf: (row: number) => number, head = 0): Utf8Column {
  const offsets = shared(Int32Array, length + 1)
  let end = head
  offsets[0] = end
  for (let row = 0; row < length; row++) {
    end += lengthOf(row)
    if (end > MAX_BYTES) throw new TooLargeError()
    offsets[row + 1] = end
  }
  return { offsets, bytes: shared(Uint8Array, end) }
}

/** The bytes from `start` up to `end`. */
export interface ByteSlice { readonly bytes: Uint8Array, readonly start: number, readonly end: number }

/** The slice of all bytes of a text. */
export function toSlice (text: string): ByteSlice {
  const bytes = Buffer.from(text)
  return { bytes, start: 0, end: bytes.length }
}

/** Copies slices into a column. `sliceOf` is called twice for each row and must return the same text both times. @throws TooLargeError beyond 2 GiB */
export function takeUtf8 (length: number, sliceOf: (row: number) => ByteSlice): Utf8Column {
  const texts = allocateUtf8(length, (row) => {
    const { start, end } = sliceOf(row)
    return end - start
  })
  for (let row = 0; row < length; row++) {
    const { bytes, start, end } = sliceOf(row)
    let to = texts.offsets[row]!
    // For texts as short as these, a loop is faster than `set`.
    for (let from = start; from < end; from++) texts.bytes[to++] = bytes[from]!
  }
  return texts
}

/** The slice of a row. */
export function sliceAt ({ offsets, bytes }: Utf8Column, row: number): ByteSlice {
  return { bytes, start: offsets[row]!, end: offsets[row + 1]! }
}

/** Whether a row of one column has the same text as a row of another. */
export function isSameValue (a: Utf8Column, aRow: number, b: Utf8Column, bRow: number): boolean {
  const [start, from] = [a.offsets[aRow]!, b.offsets[bRow]!]
  const length = a.offsets[aRow + 1]! - start
  if (length !== b.offsets[bRow + 1]! - from) return false
  for (let i = 0; i < length; i++) if (a.bytes[start + i] !== b.bytes[from + i]) return false
  return true
}

/** Whether two columns have the same rows. */
export function isSameColumn (a: Utf8Column, b: Utf8Column): boolean {
  return a.offsets.length === b.offsets.length && a.offsets.every((offset, row) => offset === b.offsets[row]) &&
    compareBytes(a.bytes, 0, a.offsets.at(-1)!, b.bytes, 0, b.offsets.at(-1)!) === 0
}

const maxLengths = new WeakMap<Int32Array, number>()

/** The length of the longest row, in bytes. Computed once for each column. */
export function maxLengthOf ({ offsets }: Utf8Column): number {
  let max = maxLengths.get(offsets)
  if (max === undefined) {
    max = 0
    for (let row = 1; row < offsets.length; row++) max = Math.max(max, offsets[row]! - offsets[row - 1]!)
    maxLengths.set(offsets, max)
  }
  return max
}

export const EMPTY_UTF8: Utf8Column = allocateUtf8(0, () => 0)

/** Builds a text column row by row, in memory that is not shared. */
export class Utf8Builder implements Utf8Column {
  offsets: Int32Array
  bytes: Buffer
  length = 0

  /** @param rows the expected number of rows @param bytes the expected sum of their lengths, in bytes */
  constructor (rows = 1000, bytes = 16 * 1024) {
    this.offsets = new Int32Array(rows + 1)
    this.bytes = Buffer.allocUnsafeSlow(bytes)
  }

  /** Adds a row. @throws TooLargeError if the column would have more than 2 GiB */
  push (text: string): void {
    const start = this.offsets[this.length]!
    // A UTF-16 code unit takes at most three bytes in UTF-8.
    this.#reserve(start + 3 * text.length)
    // Most texts are short and ASCII: a loop is faster than `write`.
    const { bytes } = this
    let i = 0
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) break
      bytes[start + i] = unit
    }
    this.#end(i === text.length ? start + i : start + bytes.write(text, start))
  }

  /** Adds a row. @throws TooLargeError as `push` */
  pushSlice ({ bytes, start, end }: ByteSlice): void {
    this.#pushBytes(bytes, start, end)
  }

  /** Adds a row of another column. @throws TooLargeError as `push` */
  pushFrom ({ bytes, offsets }: Utf8Column, row: number): void {
    this.#pushBytes(bytes, offsets[row]!, offsets[row + 1]!)
  }

  #pushBytes (bytes: Uint8Array, start: number, end: number): void {
    const at = this.offsets[this.length]!
    this.#reserve(at + end - start)
    const to = this.bytes
    for (let i = start, next = at; i < end; i++) to[next++] = bytes[i]!
    this.#end(at + end - start)
  }

  /** Removes all rows but the first `length`, which must not be more than there are. Keeps the memory. */
  truncate (length: number): void {
    this.length = length
  }

  #end (end: number): void {
    if (end > MAX_BYTES) throw new TooLargeError()
    if (this.length + 2 > this.offsets.length) this.offsets = grown(this.offsets, Int32Array)
    this.offsets[++this.length] = end
  }

  #reserve (bytes: number): void {
    if (bytes <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, Math.ceil(this.bytes.length * GROWTH)))
    this.bytes.copy(larger, 0, 0, this.offsets[this.length]!)
    this.bytes = larger
  }
}

/** Builds a column of numbers row by row, in memory that is not shared. */
export class NumberBuilder<T extends Float64Array | Uint32Array | Int32Array | Uint8Array> {
  readonly #Type: new (length: number) => T
  values: T
  length = 0

  /** @param length the expected number of rows */
  constructor (Type: new (length: number) => T, length = 1000) {
    this.#Type = Type
    this.values = new Type(length)
  }

  push (value: number): void {
    if (this.length === this.values.length) this.values = grown(this.values, this.#Type)
    this.values[this.length++] = value
  }

  /** Removes all rows but the first `length`, which must not be more than there are. Keeps the memory. */
  truncate (length: number): void {
    this.length = length
  }
}

/** Doubling would waste up to half of the memory of a large lake. */
const GROWTH = 1.5

function grown<T extends Float64Array | Uint32Array | Int32Array | Uint8Array> (array: T, Type: new (length: number) => T): T {
  const larger = new Type(Math.ceil(array.length * GROWTH) + 1)
  larger.set(array)
  return larger
}
