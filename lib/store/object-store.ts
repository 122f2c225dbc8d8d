import type { Readable } from 'node:stream'
import type { ObjectInfo, ObjectList } from './object-list.js'

export { StoreError, toStoreError, type StoreErrorCode } from '../base/errors.js'
export type { ObjectInfo, ObjectList } from './object-list.js'

export interface ObjectBody extends ObjectInfo {
  readonly body: Buffer
}

export interface ObjectStream extends ObjectInfo {
  /** The object, or the requested range. The caller reads it to the end or destroys it. */
  readonly body: Readable
}

/** Byte positions, both inclusive. `last` may be after the end; if `first` is, reading fails with `store_error`. */
export interface ByteRange { readonly first: number, readonly last: number }

export interface GetOptions {
  /** Return `'unchanged'` if the object still has this ETag. An empty one is no condition. */
  readonly ifNoneMatch?: string | undefined
  /** Fail with `too_large` if the object has more bytes than this. */
  readonly maxBytes?: number
  /** Fail with `timeout` after this time, in milliseconds. Default: a limit of the store. */
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
   * Write only if the object has this ETag (`null`: only if there is no object), atomically; otherwise fail with
   * `precondition_failed`. Default: write in any case.
   */
  readonly ifMatch?: string | null
}

/**
 * Reads and writes the objects of a bucket or folder. All methods fail with a StoreError. All but `put` with `ifMatch` can be repeated.
 * Keys are strings that are not empty; their order is the byte order of their UTF-8 forms.
 */
export interface ObjectStore {
  /** The name of the store in messages. Contains no secret. */
  readonly url: string
  /**
   * Lists every object whose key begins with `prefix`, in key order, page by page. Ends without an error only if the listing is
   * complete. A page may be empty, and is valid until the next one is requested.
   */
  list (prefix: string, options?: ListOptions): AsyncIterable<ObjectList>
  /** Reads a whole object, body and ETag of the same version; `undefined` if there is none. */
  get (key: string, options?: GetOptions): Promise<ObjectBody | 'unchanged' | undefined>
  /** As `get`, for large objects: the body is neither verified nor retried. */
  stream (key: string, options?: StreamOptions): Promise<ObjectStream | undefined>
  /** Describes an object; `undefined` if there is none. */
  head (key: string): Promise<ObjectInfo | undefined>
  /** Writes a whole object: readers see the old one or the new one. Returns the new ETag. */
  put (key: string, body: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }>
  /** Creates the bucket or folder unless it exists. */
  create (): Promise<void>
  /** Closes connections and releases locks. */
  close (): Promise<void>
}
