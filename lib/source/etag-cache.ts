import type { PersonalData } from '../schema/record.js'
import type { ObjectInfo } from '../store/object-store.js'
import { EMPTY_TABLE } from '../table/build-table.js'
import type { TableData } from '../table/table.js'
import { NO_TEXTS, TextColumn, type Texts } from '../table/utf8-column.js'
import type { Fault } from './reject.js'

/** The version of the info file that each row of a table came from. */
export interface FileVersions {
  /** Empty where it is the usual key: the prefix, the user id and `.csv`. */
  readonly keys: Texts
  readonly etags: Texts
  /** Bytes. */
  readonly sizes: Uint32Array
  /** 0 where the version may have been replaced unnoticed: it is read again next time. */
  readonly settled: Uint8Array
}

/** The version of the image of each row, whose key is in the table; zeros where there is none. */
export interface ImageVersions {
  readonly etags: Texts
  readonly sizes: Float64Array
  /** Milliseconds since 1970-01-01 UTC. */
  readonly modified: Float64Array
}

/** An info file that is not served. Its user's row in the table, if there is one, is the last good one. */
export interface FaultyFile {
  readonly userId: string
  readonly key: string
  readonly etag: string
  readonly size: number
  readonly settled: boolean
  readonly fault: Fault
  /** What it says, where it is refused for what others say. */
  readonly data?: PersonalData
  /** Where its download took too long. */
  readonly pause?: Pause
}

/** Until when a download is not tried again, and how long the next one may take. Milliseconds. */
export interface Pause { readonly until: number, readonly patienceMs: number }

/** All that is known of the source, as plain data that threads can pass on. */
export interface SourceState {
  readonly table: TableData
  readonly files: FileVersions
  readonly images: ImageVersions
  readonly faulty: readonly FaultyFile[]
}

/** What is known before the first reconcile. */
export const NO_STATE: SourceState = {
  table: EMPTY_TABLE,
  files: { keys: NO_TEXTS, etags: NO_TEXTS, sizes: new Uint32Array(), settled: new Uint8Array() },
  images: { etags: NO_TEXTS, sizes: new Float64Array(), modified: new Float64Array() },
  faulty: []
}

/**
 * What the last reconcile knew: source key -> (ETag, size, row or reject). It holds exactly the info files of that
 * listing, so it is bounded by the lake and never evicts.
 */
export class EtagCache {
  #state = NO_STATE
  #faulty: ReadonlyMap<string, FaultyFile> = new Map()

  constructor (state = NO_STATE) {
    this.replace(state)
  }

  get state (): SourceState {
    return this.#state
  }

  /** Takes over the state after a complete reconcile, all at once. */
  replace (state: SourceState): void {
    this.#state = state
    this.#faulty = new Map(state.faulty.map((file) => [file.key, file]))
  }

  /** The file with this key that is not served. */
  faulty (key: string): FaultyFile | undefined {
    return this.#faulty.get(key)
  }

  /** The version of the info file that a row came from. */
  file (row: number, prefix: string): { readonly key: string, readonly etag: string } {
    const { table: { userIds }, files: { keys, etags } } = this.#state
    const key = new TextColumn(keys).at(row) || `${prefix}${new TextColumn(userIds).at(row)}.csv`
    return { key, etag: new TextColumn(etags).at(row) }
  }

  /** The image of a user who has a row and an image, as the last listing told of it. */
  image (userId: string): ObjectInfo | undefined {
    const { table, images: { etags, sizes, modified } } = this.#state
    const row = new TextColumn(table.userIds).find(userId)
    const keys = new TextColumn(table.images)
    if (row === -1 || keys.isEmpty(row)) return undefined
    return { key: keys.at(row), etag: new TextColumn(etags).at(row), size: sizes[row]!, lastModified: modified[row]! }
  }
}
