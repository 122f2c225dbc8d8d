import { BoundedCache } from '../../lib/base/bounded-cache.js'

/**
 * Bytes that are kept, and about those of one entry. Few: what is kept takes hardly longer to work out than the rest of a
 * request, and what lives for long costs the garbage collector more than it saves.
 */
const CACHE_BYTES = 512 * 1024
const ENTRY_BYTES = 1024

/** What requests follow from: the same request means something else with other data or in another minute. */
export interface CacheEpoch {
  readonly version: string
  /** The beginning of the minute, in milliseconds since 1970-01-01 UTC. */
  readonly minute: number
}

/** What recent requests were found to mean, by what they say. */
export class PlanCache<T> {
  readonly #kept = new BoundedCache<CacheEpoch & { readonly value: T }>(CACHE_BYTES)

  get (request: string, { version, minute }: CacheEpoch): T | undefined {
    const entry = this.#kept.get(request)
    return entry?.version === version && entry.minute === minute ? entry.value : undefined
  }

  /** Answers the value. */
  set (request: string, { version, minute }: CacheEpoch, value: T): T {
    this.#kept.set(request, { version, minute, value }, ENTRY_BYTES)
    return value
  }
}
