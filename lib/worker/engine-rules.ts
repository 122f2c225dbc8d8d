import type { EngineOptions } from '../clickhouse/connection.js'

/** A cluster that stores the records. Plain data. */
export interface EngineRules {
  readonly options: EngineOptions
  /** The object key of the manifest: the last committed version. */
  readonly manifestKey: string
  /** The age above which data is old: see `isFollowed`. */
  readonly maxStalenessMs: number
  /** Versions that were replaced at least this long ago are forgotten. */
  readonly versionsMaxAgeMs: number
  /** An output with more bytes is written by a multipart upload. Default: `MAX_PUT_BYTES`. */
  readonly maxPutBytes?: number
}

/** The last listing of another process. Times are milliseconds. */
export interface OtherListing {
  /** The time since it began. */
  readonly ageMs: number
  /** The time since its process has stored what it has found. */
  readonly storedMs: number
  /** How long it took. */
  readonly listingMs: number
}

/**
 * Whether a process takes over the last listing of another one instead of listing by itself. It does if the data is younger than half of MAX_STALENESS, or if the other process has stored the listing
 * less than two listing times ago: then it is probably listing again, because a process whose listings take longer than MAX_STALENESS lists all the time.
 */
export function isFollowed ({ ageMs, storedMs, listingMs }: OtherListing, maxStalenessMs: number): boolean {
  return ageMs < maxStalenessMs / 2 || storedMs < 2 * listingMs
}
