import { NumberBuilder, Utf8Builder, sliceAt, type ByteSlice } from '../table/utf8-column.js'

/** One version of one object, as a listing or a response describes it. */
export interface ObjectInfo {
  readonly key: string
  /** Opaque and without quotes; together with the size it identifies the content. Empty if the store has none. */
  readonly etag: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC; whole seconds in S3. Not sufficient to detect changes. */
  readonly lastModified: number
  /** Another version may have the same ETag, because it was written at about the same time or the store has no ETag: a later reconcile must read the object again. */
  readonly racy?: true
}

/** The expected size of a list. If it is known, the arrays are allocated once instead of being copied while they grow. */
export interface ExpectedSize { readonly rows: number, readonly keyBytes: number, readonly etagBytes: number }

/** The objects of a listing, in its order. They are stored in columns, because a lake may have millions of objects. Iterating yields `ObjectInfo`s. */
export class ObjectList implements Iterable<ObjectInfo> {
  readonly keys: Utf8Builder
  readonly etags: Utf8Builder
  readonly #sizes: NumberBuilder<Float64Array>
  readonly #modified: NumberBuilder<Float64Array>
  readonly #racy: NumberBuilder<Uint8Array>

  constructor (objects: Iterable<ObjectInfo> = [], { rows, keyBytes, etagBytes }: Partial<ExpectedSize> = {}) {
    this.keys = new Utf8Builder(rows, keyBytes)
    this.etags = new Utf8Builder(rows, etagBytes)
    this.#sizes = new NumberBuilder(Float64Array, rows)
    this.#modified = new NumberBuilder(Float64Array, rows)
    this.#racy = new NumberBuilder(Uint8Array, rows)
    for (const object of objects) this.push(object)
  }

  get length (): number {
    return this.keys.length
  }

  push ({ key, etag, size, lastModified, racy }: ObjectInfo): void {
    this.keys.push(key)
    this.etags.push(etag)
    this.#pushProperties(size, lastModified, racy === true)
  }

  /** As `push`, for a key and an ETag in UTF-8. */
  pushBytes (key: ByteSlice, etag: ByteSlice, size: number, lastModified: number, racy = false): void {
    this.keys.pushSlice(key)
    this.etags.pushSlice(etag)
    this.#pushProperties(size, lastModified, racy)
  }

  /** Adds an object of another list. */
  pushFrom (list: ObjectList, i: number): void {
    this.keys.pushFrom(list.keys, i)
    this.etags.pushFrom(list.etags, i)
    this.#pushProperties(list.size(i), list.lastModified(i), list.isRacy(i))
  }

  /** Removes all objects. Their memory is reused for the next ones. */
  clear (): void {
    this.truncate(0)
  }

  /** Removes all objects but the first `length`. Their memory is reused for the next ones. */
  truncate (length: number): void {
    for (const column of [this.keys, this.etags, this.#sizes, this.#modified, this.#racy]) column.truncate(length)
  }

  at (i: number): ObjectInfo {
    const info = { key: sliceToString(this.key(i)), etag: sliceToString(this.etag(i)), size: this.size(i), lastModified: this.lastModified(i) }
    return this.isRacy(i) ? { ...info, racy: true } : info
  }

  * [Symbol.iterator] (): Generator<ObjectInfo> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  key (i: number): ByteSlice {
    return sliceAt(this.keys, i)
  }

  etag (i: number): ByteSlice {
    return sliceAt(this.etags, i)
  }

  size (i: number): number {
    return this.#sizes.values[i]!
  }

  lastModified (i: number): number {
    return this.#modified.values[i]!
  }

  isRacy (i: number): boolean {
    return this.#racy.values[i] === 1
  }

  #pushProperties (size: number, lastModified: number, racy: boolean): void {
    this.#sizes.push(size)
    this.#modified.push(lastModified)
    this.#racy.push(racy ? 1 : 0)
  }
}

/** Decodes a slice of UTF-8. */
export function sliceToString ({ bytes, start, end }: ByteSlice): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end)
}

/** Returns a copy of a slice, which remains valid when the memory of the slice is overwritten. */
export function copySlice ({ bytes, start, end }: ByteSlice): ByteSlice {
  return { bytes: Uint8Array.prototype.slice.call(bytes, start, end), start: 0, end: end - start }
}
