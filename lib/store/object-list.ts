import { Growing, GrowingTexts, pieceAt, type Piece } from '../table/utf8-column.js'

/** One version of one object, as a listing or an answer describes it. */
export interface ObjectInfo {
  readonly key: string
  /** Opaque, unquoted; with the size it names the content. Empty where the store gives none. */
  readonly etag: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC; S3 resolves whole seconds. Never a change key by itself. */
  readonly lastModified: number
  /** The ETag can't tell this version from one written at about the same moment: read it again next time. */
  readonly unsettled?: true
}

/** How much is to come: memory that need not grow leaves nothing for the garbage collector. */
export interface Expected { readonly rows: number, readonly keyBytes: number, readonly etagBytes: number }

/** Objects of a listing as columns, in its order: a lake has millions of them. One by one, they are `ObjectInfo`s. */
export class ObjectList implements Iterable<ObjectInfo> {
  readonly keys: GrowingTexts
  readonly etags: GrowingTexts
  readonly #sizes: Growing<Float64Array>
  readonly #modified: Growing<Float64Array>
  readonly #unsettled: Growing<Uint8Array>

  constructor (objects: Iterable<ObjectInfo> = [], { rows, keyBytes, etagBytes }: Partial<Expected> = {}) {
    this.keys = new GrowingTexts(rows, keyBytes)
    this.etags = new GrowingTexts(rows, etagBytes)
    this.#sizes = new Growing(Float64Array, rows)
    this.#modified = new Growing(Float64Array, rows)
    this.#unsettled = new Growing(Uint8Array, rows)
    for (const object of objects) this.push(object)
  }

  get length (): number {
    return this.keys.length
  }

  push ({ key, etag, size, lastModified, unsettled }: ObjectInfo): void {
    this.keys.push(key)
    this.etags.push(etag)
    this.pushFacts(size, lastModified, unsettled === true)
  }

  /** As `push`, for a key and an ETag that are bytes already. */
  pushBytes (key: Piece, etag: Piece, size: number, lastModified: number, unsettled = false): void {
    this.keys.pushPiece(key)
    this.etags.pushPiece(etag)
    this.pushFacts(size, lastModified, unsettled)
  }

  /** Adds an object of another list. */
  pushFrom (list: ObjectList, i: number): void {
    this.keys.pushFrom(list.keys, i)
    this.etags.pushFrom(list.etags, i)
    this.pushFacts(list.size(i), list.lastModified(i), list.isUnsettled(i))
  }

  /** Removes all, and keeps the memory for what comes next. */
  clear (): void {
    for (const column of [this.keys, this.etags, this.#sizes, this.#modified, this.#unsettled]) column.clear()
  }

  at (i: number): ObjectInfo {
    const info = { key: textOf(this.key(i)), etag: textOf(this.etag(i)), size: this.size(i), lastModified: this.lastModified(i) }
    return this.isUnsettled(i) ? { ...info, unsettled: true } : info
  }

  * [Symbol.iterator] (): Generator<ObjectInfo> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  key (i: number): Piece {
    return pieceAt(this.keys, i)
  }

  etag (i: number): Piece {
    return pieceAt(this.etags, i)
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

  /** The last step of each addition. */
  protected pushFacts (size: number, lastModified: number, unsettled: boolean): void {
    this.#sizes.push(size)
    this.#modified.push(lastModified)
    this.#unsettled.push(unsettled ? 1 : 0)
  }
}

export function textOf ({ bytes, start, end }: Piece): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end)
}

/** One that stays when the memory of this one is used again. */
export function copyOf ({ bytes, start, end }: Piece): Piece {
  return { bytes: Uint8Array.prototype.slice.call(bytes, start, end), start: 0, end: end - start }
}
