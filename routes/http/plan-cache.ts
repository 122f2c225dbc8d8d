import { BoundedCache } from '../../lib/base/bounded-cache.js'

/**
 * Bytes of the cache. Small, because a plan takes hardly longer to make than the rest of a request,
 * and objects that live long cost the garbage collector more than they save.
 */
const CACHE_BYTES = 512 * 1024

/** What the plan of a request depends on, besides the request. */
export interface CacheEpoch {
  /** The name of the current data version. */
  readonly version: string
  /** The start of the minute, in milliseconds since 1970-01-01 UTC. */
  readonly minute: number
}

/** The plans of recent requests. It holds no data versions. */
export class PlanCache<T> {
  readonly #plans = new BoundedCache<CacheEpoch & { readonly plan: T }>(CACHE_BYTES)
  readonly #entryBytes: number

  /** @param entryBytes about the size of a plan */
  constructor (entryBytes: number) {
    this.#entryBytes = entryBytes
  }

  get (request: string, { version, minute }: CacheEpoch): T | undefined {
    const entry = this.#plans.get(request)
    return entry?.version === version && entry.minute === minute ? entry.plan : undefined
  }

  /** Returns the plan. */
  set (request: string, { version, minute }: CacheEpoch, plan: T): T {
    this.#plans.set(request, { version, minute, plan }, this.#entryBytes)
    return plan
  }
}
