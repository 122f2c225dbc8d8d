import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { StoreError, type ByteRange, type ObjectInfo, type ObjectStore } from '../store/object-store.js'

export type { ByteRange } from '../store/object-store.js'

/** One version of a picture. */
export interface Image {
  /** Media type by the first bytes; `undefined` where they are not those of a type that may be served. */
  readonly type: string | undefined
  /** A strong entity tag with its quotes; `undefined` where the store gives nothing to make one of. */
  readonly entityTag: string | undefined
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly lastModified: number
}

export interface OpenImage extends Image {
  /** The part that was chosen, of just this version. Whoever opens it consumes or destroys it. */
  readonly body: Readable | undefined
}

/** What to open of an image, once it is known: all of it, a range of bytes, or nothing. */
export type SelectRange = (image: Image) => 'all' | ByteRange | 'nothing'

/** So many bytes tell the type. */
const SIGNATURE_BYTES = 12

/** How many types are remembered. */
const MAX_REMEMBERED_TYPES = 10_000

/** The raster types that can be told, by extension: a file is served as what it is, whatever its name says. */
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif'
}

/** Opens images, each as one consistent version; types are read once per ETag. */
export class ImageReader {
  readonly #store: ObjectStore
  readonly #served: ReadonlySet<string>
  readonly #types = new Map<string, string | undefined>()

  /** @param extensions of the types that may be served */
  constructor (store: ObjectStore, extensions: readonly string[]) {
    this.#store = store
    this.#served = new Set(extensions.flatMap((extension) => TYPES[extension] ?? []))
  }

  /**
   * Opens the image of which a listing told; where that has changed since, what is there now.
   *
   * @returns `undefined` where it is gone
   * @throws StoreError `precondition_failed` where it changed once more in the meantime
   */
  async open (listed: ObjectInfo, choosePart: SelectRange): Promise<OpenImage | undefined> {
    // Without an ETag a change since the listing would go unnoticed.
    const object = listed.etag === '' ? await this.#store.head(listed.key) : listed
    try {
      return object && await this.#open(object, choosePart)
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'precondition_failed') throw error
      const now = await this.#store.head(listed.key)
      return now && await this.#open(now, choosePart)
    }
  }

  async #open (object: ObjectInfo, choosePart: SelectRange): Promise<OpenImage | undefined> {
    const { key, etag, size, lastModified } = object
    const type = await this.#typeOf(object)
    const image = { type: type !== undefined && this.#served.has(type) ? type : undefined, entityTag: etag === '' ? undefined : `"${etag}"`, size, lastModified }
    const part = choosePart(image)
    if (part === 'nothing') return { ...image, body: undefined }
    const found = await this.#store.stream(key, { ifMatch: etag, ...part !== 'all' && { range: part } })
    return found && { ...image, body: found.body }
  }

  async #typeOf ({ key, etag, size }: ObjectInfo): Promise<string | undefined> {
    if (size === 0) return undefined
    const id = `${etag} ${size} ${key}`
    if (etag === '' || !this.#types.has(id)) {
      const range = { first: 0, last: Math.min(size, SIGNATURE_BYTES) - 1 }
      const head = await this.#store.stream(key, { ifMatch: etag, range })
      if (head === undefined) return undefined
      if (this.#types.size >= MAX_REMEMBERED_TYPES) this.#types.delete(this.#types.keys().next().value!)
      this.#types.set(id, typeBySignature(await buffer(head.body)))
    }
    return this.#types.get(id)
  }
}

/** See the WHATWG's MIME Sniffing Standard, section 6.1. */
function typeBySignature (head: Buffer): string | undefined {
  const text = head.toString('latin1')
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp'
  return undefined
}
