import type { Readable } from 'node:stream'
import type { TraceContext } from '../base/trace-context.js'
import type { ObjectInfo, ObjectList } from './object-list.js'
import type { Body } from './streamed-body.js'

export { StoreError, toStoreError, type StoreErrorCode, type StoreReport } from '../base/errors.js'
export type { ObjectInfo, ObjectList } from './object-list.js'

/** An object with its whole content. */
export interface ObjectBody extends ObjectInfo {
  readonly body: Buffer
  /** Present if the object was modified so recently that its writer may still append to it: the milliseconds until that is no longer assumed. In folders only. */
  readonly growingMs?: number
}

/** An object whose content is read as a stream. `size` is that of the whole object, even if a range was requested. */
export interface ObjectStream extends ObjectInfo {
  /** The bytes of the object or of the requested range. The caller must read it to the end or destroy it. */
  readonly body: Readable
}

/** The properties of an object. */
export interface ObjectHead extends ObjectInfo {
  /** What the last `put` of the object has stored with it; absent if it stored nothing, or if that is not known. */
  readonly metadata?: Metadata
}

/** Texts by name: names of lower case ASCII letters, texts of printable ASCII characters. */
export type Metadata = Readonly<Record<string, string>>

/** Byte positions, both inclusive. `last` may be after the end of the object; if `first` is after it, reading fails with `store_error`. */
export interface ByteRange { readonly first: number, readonly last: number }

/** An option of all operations that read, list or write objects. */
export interface TraceOption {
  /** The trace that the requests to a server are part of: they have a `traceparent` header, which is not signed. Folders ignore it. */
  readonly trace?: TraceContext | undefined
}

/** Conditions and limits of `ObjectStore.get`. */
export interface GetOptions extends TraceOption {
  /** Return `'unchanged'` if the object has this ETag. An empty string is no condition. */
  readonly ifNoneMatch?: string | undefined
  /** Fail with `too_large` if the object has more bytes than this. Default: no limit. */
  readonly maxBytes?: number
  /** Fail with `timeout` after this time, in milliseconds. Default: the limit of the store. */
  readonly maxMs?: number
}

/** An entry of a folder that a listing skips because it cannot be an object. */
export interface SkippedFile {
  readonly reason: 'name_not_utf8' | 'link' | 'special_file'
  /** The path relative to the root, with slashes. If the name is not UTF-8, each byte that is not printable ASCII is written as `\xff`. */
  readonly path: string
}

/** Options of `ObjectStore.list`. */
export interface ListOptions extends TraceOption {
  /** Receives each entry that the listing skips. Buckets have no such entries. */
  readonly onSkipped?: ((file: SkippedFile) => void) | undefined
  /** Called for each request that the listing sends to a server; never by a folder. */
  readonly onRequest?: (() => void) | undefined
}

/** The condition and the range of `ObjectStore.stream`. */
export interface StreamOptions extends TraceOption {
  /** Fail with `precondition_failed` unless the object has this ETag. An empty string is no condition. */
  readonly ifMatch?: string
  /** Default: the whole object. */
  readonly range?: ByteRange
}

/** The content type, the metadata and the condition of `ObjectStore.put`. */
export interface PutOptions extends TraceOption {
  /** The media type. A folder does not store it. */
  readonly contentType?: string
  /** Stored with the object, for `head`. */
  readonly metadata?: Metadata
  /**
   * Write only if the object has this ETag or, with `null`, only if there is no object; otherwise fail with `precondition_failed`. The check
   * and the write are atomic. Default: write unconditionally.
   */
  readonly ifMatch?: string | null
  /** Whether the object is sent to a bucket in several requests, which one of more than `MAX_PUT_BYTES` needs. Not every server then honours `ifMatch`: see `checkWritesInParts`. Folders ignore this option. */
  readonly inParts?: boolean | undefined
}

/**
 * Reads and writes the objects of a bucket or folder. All methods reject with a StoreError. All except `put` with `ifMatch` are idempotent.
 * Keys are non-empty strings, ordered by the bytes of their UTF-8 forms.
 */
export interface ObjectStore {
  /** The name of the store in messages. Contains no secret. */
  readonly url: string
  /** How many calls of `get` at a time are useful at the moment; at least 1. Further calls are possible, but wait. */
  readonly usefulDownloads: number
  /**
   * Lists every object whose key begins with `prefix`, in key order, page by page. An incomplete listing ends with an error. A page may be
   * empty, and is valid only until the next one is requested.
   */
  list (prefix: string, options?: ListOptions): AsyncIterable<ObjectList>
  /** Reads a whole object. The body and the ETag are of the same version. Returns `undefined` if there is no object. */
  get (key: string, options?: GetOptions): Promise<ObjectBody | 'unchanged' | undefined>
  /** As `get`, for large objects: the body is a stream, whose bytes are not verified and whose reads are not retried. */
  stream (key: string, options?: StreamOptions): Promise<ObjectStream | undefined>
  /** Returns the properties of an object; `undefined` if it does not exist. */
  head (key: string, options?: TraceOption): Promise<ObjectHead | undefined>
  /** Writes a whole object atomically: readers see the old one or the new one. Returns the new ETag. If the source of a streamed body fails, nothing is written, and the promise rejects with the error of the source. */
  put (key: string, body: Body, options?: PutOptions): Promise<{ readonly etag: string }>
  /**
   * For a store that one process at a time may write to: acquires this right until `close`, so that another process gets an error even if it has nothing to write.
   *
   * @throws StoreError `read_only` if another process has it. Anything else that prevents writing is an error of `put` only
   */
  claim (): Promise<void>
  /** Creates the bucket or folder if it does not exist. */
  create (): Promise<void>
  /** Closes connections and releases locks. */
  close (): Promise<void>
}

/** What a reconcile needs of a store. */
export type ReadableStore = Pick<ObjectStore, 'usefulDownloads' | 'list' | 'get' | 'head'>
