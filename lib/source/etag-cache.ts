import type { UserRow } from '../record.js'
import type { ObjectInfo } from '../store/object-store.js'
import type { Fault } from './reject.js'

/** A row and the version of the file that it came from. */
export interface GoodRow {
  readonly row: UserRow
  readonly key: string
  readonly etag: string
  readonly size: number
  readonly settled: boolean
}

/** What is known of one version of one info file. */
export interface CacheEntry {
  readonly userId: string
  readonly key: string
  readonly etag: string
  readonly size: number
  /** When the listing says that it was uploaded; milliseconds since 1970-01-01 UTC. */
  readonly lastModified: number
  /** False where the version may have been replaced unnoticed, or was never read: it is read again next time. */
  readonly settled: boolean
  /** What the file says; absent where it is bad or could not be read. */
  readonly row?: UserRow | undefined
  /** Why the row is not served. */
  readonly fault?: Fault | undefined
  /** Served instead: the last good row of this user, which may come from a file with another key. */
  readonly lastGood?: GoodRow | undefined
}

/**
 * What the last reconcile knew: source key -> (ETag, size, row or reject). It holds exactly the info files of that
 * listing, so it is bounded by the lake and never evicts.
 */
export class EtagCache {
  #byKey: ReadonlyMap<string, CacheEntry> = new Map()
  #byUser: ReadonlyMap<string, CacheEntry> = new Map()

  /** The entry of just this version of the object: its key, ETag and size are the same. */
  match (object: ObjectInfo): CacheEntry | undefined {
    const entry = this.#byKey.get(object.key)
    return entry !== undefined && isVersion(entry, object) ? entry : undefined
  }

  /** The row that is served for this user now. */
  served (userId: string): GoodRow | undefined {
    const entry = this.#byUser.get(userId)
    return entry === undefined ? undefined : servedBy(entry)
  }

  /** Takes over the entries of a complete reconcile, all at once. */
  replace (entries: readonly CacheEntry[]): void {
    this.#byKey = new Map(entries.map((entry) => [entry.key, entry]))
    this.#byUser = new Map(entries.map((entry) => [entry.userId, entry]))
  }
}

/** The row that an entry gives to its user, if any. */
export function servedBy (entry: CacheEntry): GoodRow | undefined {
  if (entry.fault !== undefined || entry.row === undefined) return entry.lastGood
  const { row, key, etag, size, settled } = entry
  return { row, key, etag, size, settled }
}

/** Whether the object is still the version that was read: same key, ETag and size, and nothing can hide behind them. */
export function isVersion (known: Pick<GoodRow, 'key' | 'etag' | 'size' | 'settled'>, object: ObjectInfo): boolean {
  return known.settled && known.key === object.key && known.etag === object.etag && known.size === object.size
}
