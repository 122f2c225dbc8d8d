import type { Readable } from 'node:stream'
import type { ObjectInfo, ObjectList } from './object-list.js'

export { StoreError, toStoreError, type StoreErrorCode } from '../base/errors.js'
export type { ObjectInfo, ObjectList } from './object-list.js'

export interface ObjectBody extends ObjectInfo {
  readonly body: Buffer
}

export interface ObjectStream extends ObjectInfo {
  /** The object, or the range asked for. Whoever opens it consumes or destroys it. */
  readonly body: Readable
}

/** Byte positions, both inclusive. `last` may lie behind the end; where `first` does, reading fails with `store_error`. */
export interface ByteRange { readonly first: number, readonly last: number }

export interface GetOptions {
  /** Answer `'unchanged'` where the object still has this ETag. An empty one is no condition. */
  readonly ifNoneMatch?: string | undefined
  /** Fail with `too_large` rather than read more bytes than this. */
  readonly maxBytes?: number
  /** Fail with `timeout` rather than wait longer, in milliseconds. Default: as long as the store sees fit. */
  readonly maxMs?: number
}

/** An entry of a folder that cannot be an object. */
export interface SkippedFile {
  readonly reason: 'name_not_utf8' | 'link' | 'special_file'
  /** Its key if it were an object; bytes that are not ASCII are written as `\xff` if the name is not UTF-8. */
  readonly path: string
}

export interface ListOptions {
  /** Receives what the listing skips. Buckets have nothing of the kind. */
  readonly onSkipped?: ((file: SkippedFile) => void) | undefined
}

export interface StreamOptions {
  /** Fail with `precondition_failed` unless the object has this ETag. An empty one is no condition. */
  readonly ifMatch?: string
  readonly range?: ByteRange
}

export interface PutOptions {
  readonly contentType?: string
  /**
   * Write only where the object has this ETag (`null`: only where there is no object), atomically; otherwise fail with
   * `precondition_failed`. Without it, the last writer wins.
   */
  readonly ifMatch?: string | null
}

/**
 * The narrow face of a bucket. All methods but `put` with `ifMatch` may be repeated without harm; all fail with a
 * StoreError. Keys are non-empty UTF-8 strings; order is that of their bytes.
 */
export interface ObjectStore {
  /** How messages name the store: its URL. Holds no secret. */
  readonly url: string
  /**
   * Every object whose key begins with `prefix`, in key order, page by page. Ends normally only when the listing is
   * complete; a page may be empty, and holds only until the next one is asked for.
   */
  list (prefix: string, options?: ListOptions): AsyncIterable<ObjectList>
  /** The whole object, body and ETag from one version; `undefined` where there is none. */
  get (key: string, options?: GetOptions): Promise<ObjectBody | 'unchanged' | undefined>
  /** As `get`, for large objects: not verified, not retried once it flows. */
  stream (key: string, options?: StreamOptions): Promise<ObjectStream | undefined>
  head (key: string): Promise<ObjectInfo | undefined>
  /** Writes a whole object: readers see the old one or the new one. Answers the new ETag. */
  put (key: string, body: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }>
  /** Creates the bucket or folder unless it exists. */
  create (): Promise<void>
  /** Ends open connections; gives back what the process holds. */
  close (): Promise<void>
}
