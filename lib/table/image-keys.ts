import { compareBytes } from '../base/bytes.js'
import { rowRanges, type Steps } from '../base/steps.js'
import { allocateUtf8, takeUtf8, Utf8Reader, type ByteSlice, type Utf8Column } from './utf8-column.js'

/** How usual object keys of images are made: the prefix, the key of the record, a dot and one of these extensions. Plain data. */
export interface ImageNaming {
  readonly prefix: string
  /** Only the first 128 are used. */
  readonly extensions: readonly string[]
}

/**
 * The object keys of an image field; empty for rows without this image. A usual key is stored as one byte: 0x80 and the number of its
 * extension. No UTF-8 text consists of such a byte. Columns of the same naming have equal bytes for equal keys of the same record.
 */
export interface ImageKeys extends Utf8Column, ImageNaming {}

const USUAL = 0x80
const DOT = 0x2e
/** All codes, to be sliced. */
const CODES = Uint8Array.from({ length: 0x80 }, (_, i) => USUAL + i)

/** A column in which every key is stored as it is. */
export function plainImageKeys (column: Utf8Column): ImageKeys {
  return { ...column, prefix: '', extensions: [] }
}

/** Returns a function that stores an object key. `id` is the key of the record, as a slice of the object key. */
export function imageKeyPacker ({ prefix, extensions }: ImageNaming): (key: ByteSlice, id: Pick<ByteSlice, 'start' | 'end'>) => ByteSlice {
  const prefixBytes = Buffer.from(prefix)
  const suffixes = extensions.slice(0, CODES.length).map((extension) => Buffer.from(extension))
  return (key, id) => {
    const { bytes, start, end } = key
    if (id.start - start !== prefixBytes.length || bytes[id.end] !== DOT || compareBytes(bytes, start, id.start, prefixBytes, 0, prefixBytes.length) !== 0) return key
    const code = suffixes.findIndex((suffix) => compareBytes(bytes, id.end + 1, end, suffix, 0, suffix.length) === 0)
    return code === -1 ? key : { bytes: CODES, start: code, end: code + 1 }
  }
}

/** Whether a row has this stored object key. */
export function hasImageKey ({ bytes, offsets }: ImageKeys, row: number, stored: ByteSlice): boolean {
  return compareBytes(bytes, offsets[row]!, offsets[row + 1]!, stored.bytes, stored.start, stored.end) === 0
}

/** Packs the object keys of a column. A key is usual only if the key of its record follows the prefix. */
export function packImageKeys (texts: Utf8Column, keys: Utf8Column, naming: ImageNaming): ImageKeys {
  const pack = imageKeyPacker(naming)
  const prefixLength = Buffer.byteLength(naming.prefix)
  return {
    ...naming,
    ...takeUtf8(texts.offsets.length - 1, (row) => {
      const [start, end] = [texts.offsets[row]!, texts.offsets[row + 1]!]
      const key = { bytes: texts.bytes, start, end }
      const id = { start: start + prefixLength, end: start + prefixLength + keys.offsets[row + 1]! - keys.offsets[row]! }
      const isOfRecord = id.end < end && compareBytes(texts.bytes, id.start, id.end, keys.bytes, keys.offsets[row]!, keys.offsets[row + 1]!) === 0
      return isOfRecord ? pack(key, id) : key
    })
  }
}

/** The number of the extension of a usual key; -1 if the key is stored as it is, or if the record has no image. */
export function usualExtension ({ bytes, offsets }: Utf8Column, row: number): number {
  const start = offsets[row]!
  return offsets[row + 1]! - start === 1 && bytes[start]! >= USUAL ? bytes[start]! - USUAL : -1
}

/** Reads the object keys of an image field as texts. */
export class ImageTexts {
  readonly #stored: ImageKeys
  readonly #reader: Utf8Reader
  readonly #keys: Utf8Reader

  /** @param keys the keys of the records */
  constructor (stored: ImageKeys, keys: Utf8Column) {
    this.#stored = stored
    this.#reader = new Utf8Reader(stored)
    this.#keys = new Utf8Reader(keys)
  }

  get length (): number {
    return this.#reader.length
  }

  at (row: number): string {
    const extension = usualExtension(this.#stored, row)
    return extension === -1 ? this.#reader.at(row) : `${this.#stored.prefix}${this.#keys.at(row)}.${this.#stored.extensions[extension]!}`
  }

  isEmpty (row: number): boolean {
    return this.#reader.isEmpty(row)
  }
}

/** Makes the texts themselves, which take several times the memory. */
export function * expandImageKeys (stored: ImageKeys, keys: Utf8Column): Steps<Utf8Column> {
  const { bytes, offsets, extensions } = stored
  const prefix = Buffer.from(stored.prefix)
  const suffixes = extensions.map((extension) => Buffer.from(`.${extension}`))
  const keyLength = (row: number) => keys.offsets[row + 1]! - keys.offsets[row]!
  const texts = allocateUtf8(offsets.length - 1, (row) => {
    const extension = usualExtension(stored, row)
    return extension === -1 ? offsets[row + 1]! - offsets[row]! : prefix.length + keyLength(row) + suffixes[extension]!.length
  })
  const copy = (at: number, from: Uint8Array, start: number, end: number): number => {
    // For texts as short as these, a loop is faster than `set`.
    for (let i = start; i < end; i++) texts.bytes[at++] = from[i]!
    return at
  }
  yield * rowRanges(offsets.length - 1, (from, to) => {
    for (let row = from; row < to; row++) {
      const extension = usualExtension(stored, row)
      if (extension === -1) {
        copy(texts.offsets[row]!, bytes, offsets[row]!, offsets[row + 1]!)
      } else {
        const id = copy(texts.offsets[row]!, prefix, 0, prefix.length)
        const suffix = suffixes[extension]!
        copy(copy(id, keys.bytes, keys.offsets[row]!, keys.offsets[row + 1]!), suffix, 0, suffix.length)
      }
    }
  })
  return texts
}
