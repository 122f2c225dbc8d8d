import type { RecordFields } from '../schema/record.js'
import type { ObjectInfo } from '../store/object-store.js'
import { EMPTY_TABLE } from '../table/build-table.js'
import type { Table } from '../table/table.js'
import { EMPTY_UTF8, Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import type { Rejection } from './reject.js'

/** The version of the info file that each row of a table came from. */
export interface FileVersions {
  /** Empty where it is the usual key: the prefix, the user id and `.csv`. */
  readonly keys: Utf8Column
  readonly etags: Utf8Column
  /** Bytes. */
  readonly sizes: Uint32Array
  /** 1 if the version may have been replaced unnoticed: it is read again next time. */
  readonly racy: Uint8Array
}

/** The version of the image of each row, whose key is in the table; zeros where there is none. */
export interface ImageVersions {
  readonly etags: Utf8Column
  readonly sizes: Float64Array
  /** Milliseconds since 1970-01-01 UTC. */
  readonly modified: Float64Array
}

/** An info file that is not served. Its user's row in the table, if there is one, is the last good one. */
export interface RejectedFile {
  readonly userId: string
  readonly key: string
  readonly etag: string
  readonly size: number
  readonly racy: boolean
  readonly rejection: Rejection
  /** What it says, where it is refused for what others say. */
  readonly data?: RecordFields
  /** Where its download took too long. */
  readonly backoff?: Backoff
}

/** Until when a download is not tried again, and how long the next one may take. Milliseconds. */
export interface Backoff { readonly until: number, readonly timeoutMs: number }

/** All that is known of the source, as plain data that threads can pass on. */
export interface SourceState {
  readonly table: Table
  readonly files: FileVersions
  readonly images: ImageVersions
  readonly rejected: readonly RejectedFile[]
}

/** What is known before the first reconcile. */
export const EMPTY_STATE: SourceState = {
  table: EMPTY_TABLE,
  files: { keys: EMPTY_UTF8, etags: EMPTY_UTF8, sizes: new Uint32Array(), racy: new Uint8Array() },
  images: { etags: EMPTY_UTF8, sizes: new Float64Array(), modified: new Float64Array() },
  rejected: []
}

/**
 * What the last reconcile knew: source key -> (ETag, size, row or reject). It holds exactly the info files of that
 * listing, so it is bounded by the lake and never evicts.
 */
export class EtagCache {
  #state = EMPTY_STATE
  #rejected: ReadonlyMap<string, RejectedFile> = new Map()

  constructor (state = EMPTY_STATE) {
    this.replace(state)
  }

  get state (): SourceState {
    return this.#state
  }

  /** Takes over the state after a complete reconcile, all at once. */
  replace (state: SourceState): void {
    this.#state = state
    this.#rejected = new Map(state.rejected.map((file) => [file.key, file]))
  }

  /** The file with this key that is not served. */
  rejectedFile (key: string): RejectedFile | undefined {
    return this.#rejected.get(key)
  }

  /** The version of the info file that a row came from. */
  file (row: number, prefix: string): { readonly key: string, readonly etag: string } {
    const { table: { userIds }, files: { keys, etags } } = this.#state
    const key = new Utf8Reader(keys).at(row) || `${prefix}${new Utf8Reader(userIds).at(row)}.csv`
    return { key, etag: new Utf8Reader(etags).at(row) }
  }

  /** The image of a user who has a row and an image, as the last listing told of it. */
  image (userId: string): ObjectInfo | undefined {
    const { table, images: { etags, sizes, modified } } = this.#state
    const row = new Utf8Reader(table.userIds).find(userId)
    const keys = new Utf8Reader(table.images)
    if (row === -1 || keys.isEmpty(row)) return undefined
    return { key: keys.at(row), etag: new Utf8Reader(etags).at(row), size: sizes[row]!, lastModified: modified[row]! }
  }
}
