import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { BoundedCache } from '../base/bounded-cache.js'
import { IMAGE_TYPES } from '../base/media-types.js'
import type { Timer } from '../base/timer.js'
import type { TraceContext } from '../base/trace-context.js'
import { StoreError, type ByteRange, type ObjectInfo, type ObjectStore, type ObjectStream, type StreamOptions } from '../store/object-store.js'
import { tracedStore } from '../store/traced-store.js'
import { limitStalls } from './limit-stalls.js'

export type { ByteRange } from '../store/object-store.js'

/** One version of an image. */
export interface Image {
  /** The media type by the first bytes; `undefined` if it is not one that may be served. */
  readonly type: string | undefined
  /** A strong entity tag with its quotes; `undefined` if the store has no ETag for the object. */
  readonly entityTag: string | undefined
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly lastModified: number
}

export interface OpenImage extends Image {
  /** The selected bytes of exactly this version; `undefined` if none were selected. The caller must consume or destroy the stream. */
  readonly body: Readable | undefined
}

/** Decides what to read of an image: all of it, a range of bytes, or nothing. */
export type SelectRange = (image: Image) => 'all' | ByteRange | 'nothing'

/** The number of bytes that determine the type. */
const SIGNATURE_BYTES = 12

/** The memory for cached types, in bytes: about ten thousand of them. */
const TYPES_BYTES = 2 * 1024 * 1024

/** Opens images, each as one consistent version. The type is read once per version. */
export class ImageReader {
  readonly #store: ObjectStore
  readonly #served: ReadonlySet<string>
  readonly #timer: Timer | undefined
  readonly #types = new BoundedCache<{ readonly type: string | undefined }>(TYPES_BYTES)

  /** @param extensions the extensions of image fields, lower case, without the first dot; only images of the types that they stand for are served. @param timer limits stalls */
  constructor (store: ObjectStore, extensions: readonly string[], timer?: Timer) {
    this.#store = store
    this.#timer = timer
    this.#served = new Set(extensions.flatMap((extension) => IMAGE_TYPES[extension.slice(extension.lastIndexOf('.') + 1)] ?? []))
  }

  /**
   * Opens the listed version of an image or, if the image was replaced since the listing, the present one.
   *
   * @param trace the trace that the requests to the store are part of
   * @returns `undefined` if the image was deleted
   * @throws StoreError `precondition_failed` if it was replaced once more while it was opened; `corrupt` if a response is not the object, but a page of a proxy,
   * for example. The body fails with `timeout` if the store stalls
   */
  async open (listed: ObjectInfo, selectRange: SelectRange, trace?: TraceContext): Promise<OpenImage | undefined> {
    const store = tracedStore(this.#store, trace)
    // Without an ETag a replacement would not be noticed.
    const object = listed.etag === '' ? await store.head(listed.key) : listed
    try {
      return object && await this.#open(store, object, selectRange)
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'precondition_failed') throw error
      const present = await store.head(listed.key)
      if (present?.etag === '' && listed.etag !== '') throw notTheObject(store, listed.key)
      return present && await this.#open(store, present, selectRange)
    }
  }

  async #open (store: ObjectStore, object: ObjectInfo, selectRange: SelectRange): Promise<OpenImage | undefined> {
    const { etag, size, lastModified } = object
    const type = await this.#typeOf(store, object)
    const image = { type: type !== undefined && this.#served.has(type) ? type : undefined, entityTag: etag === '' ? undefined : `"${etag}"`, size, lastModified }
    const range = selectRange(image)
    if (range === 'nothing') return { ...image, body: undefined }
    const found = await this.#stream(store, object, range === 'all' ? {} : { range })
    return found && { ...image, body: found.body }
  }

  async #typeOf (store: ObjectStore, object: ObjectInfo): Promise<string | undefined> {
    const { key, etag, size } = object
    if (size === 0) return undefined
    const version = `${etag} ${size} ${key}`
    const cached = etag === '' ? undefined : this.#types.get(version)
    if (cached !== undefined) return cached.type
    const range = { first: 0, last: Math.min(size, SIGNATURE_BYTES) - 1 }
    const head = await this.#stream(store, object, { range })
    if (head === undefined) return undefined
    const type = typeBySignature(await buffer(head.body))
    this.#types.set(version, { type }, 0)
    return type
  }

  /** Streams one version. Its ETag and size are checked, because a proxy may respond in place of the store, and some stores ignore If-Match. */
  async #stream (store: ObjectStore, object: ObjectInfo, options: StreamOptions): Promise<ObjectStream | undefined> {
    const { key, etag, size } = object
    const found = await store.stream(key, { ...options, ifMatch: etag })
    if (found === undefined) return undefined
    if (found.etag === etag && found.size === size) return { ...found, body: limitStalls(found.body, this.#timer) }
    found.body.destroy()
    const isOther = found.etag !== etag && found.etag !== ''
    throw isOther ? new StoreError('precondition_failed', `${this.#store.url}/${key}: the object has changed in the meantime`) : notTheObject(store, key)
  }
}

function notTheObject ({ url }: ObjectStore, key: string): StoreError {
  return new StoreError('corrupt', `${url}/${key}: the response is not the object`)
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
