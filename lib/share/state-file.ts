import type { Clock, MonotonicClock } from '../base/clock.js'
import { SerialQueue } from '../base/serial-queue.js'
import { StoreError, type ObjectBody, type ObjectInfo, type ObjectStore } from '../store/object-store.js'
import { undefinedIfRefused } from '../store/own-object.js'
import { decodeSharedState, encodeSharedState, FORMAT, MAX_STATE_BYTES, type SharedState } from './shared-state.js'
import { estimateTime, TAKEOVER_MS } from './share-rules.js'

/** The time limit of a read, in milliseconds: a replica that cannot read the state lists the lake for itself. */
const READ_MS = 2000
/** The greatest difference between the wall clocks of two machines that does not count as an error, in milliseconds. */
const MAX_CLOCK_ERROR_MS = 1000

/** The state object as it was last read or written. */
export interface KnownFile {
  readonly etag: string
  /** `undefined` if it cannot be followed: it is damaged or too large, or of other settings. */
  readonly state: SharedState | undefined
  /** The estimated time at which it was written, in milliseconds of the monotonic clock. */
  readonly writtenAt: number
  /** This version was certainly written after this time, in milliseconds of the monotonic clock; -Infinity if no such time is known. */
  readonly notBefore: number
  /**
   * The estimated time at which its writer sent it, in milliseconds of the monotonic clock: the durations of the state end then. A store may execute a PUT long after
   * it was sent, also if the writer has given up.
   */
  readonly sentAt: number
  /** It was sent after this time, in milliseconds of the monotonic clock, unless the clocks are wrong in a way that cannot be noticed. */
  readonly notSentBefore: number
  /** The wall clock of the writer is ahead of that of this process by at least this number of milliseconds: a state cannot be received before it is sent. */
  readonly aheadMs: number
}

/** What a replica writes: a state with times of its monotonic clock, in milliseconds, in place of the ages. */
export interface StateContent extends Omit<SharedState, 'format' | 'identity' | 'writtenAt' | 'listingAgeMs' | 'listingAgeAtMostMs' | 'outputAgeMs'> {
  /** When the listing began. */
  readonly listedAt: number
  /** The listing certainly began after this time; -Infinity if no such time is known. */
  readonly listedAfter: number
  /** When the listing began that the outputs were last made from; -Infinity if no output was made. */
  readonly outputsListedAt: number
}

/** What a `StateFile` depends on. */
export interface StateFileOptions {
  readonly store: ObjectStore
  readonly key: string
  readonly identity: string
  readonly clock: MonotonicClock
  /** The wall clock, which is compared with that of the machine that wrote the state. */
  readonly wallClock: Clock
}

/** The state object of a lake: read if it has changed, written only if no other replica has written it since. */
export class StateFile {
  readonly #options: StateFileOptions
  #known: KnownFile | undefined
  /** The known version or, while the object is missing or its reading is refused, the one before. A later version was sent after that one was. */
  #last: KnownFile | undefined
  /** When the last request was sent whose response had the known version; -Infinity before the first one. */
  #seenAt = -Infinity
  /** One request at a time: of two, the response that arrives last could have the earlier version. */
  readonly #requests = new SerialQueue()

  constructor (options: StateFileOptions) {
    this.#options = options
  }

  /** The version that was last read or written; `undefined` before the first read, and if the object did not exist then. */
  get known (): KnownFile | undefined {
    return this.#known
  }

  /** Reads the object if it has changed, after all earlier requests. @throws StoreError */
  read (): Promise<KnownFile | undefined> {
    return this.#requests.run(() => this.#read())
  }

  async #read (): Promise<KnownFile | undefined> {
    const { store, key, clock } = this.#options
    const requestedAt = clock()
    const request = store.get(key, { ifNoneMatch: this.#known?.etag, maxBytes: MAX_STATE_BYTES, maxMs: READ_MS }).catch((error) => this.#readTooLarge(error))
    const found = await request.catch((error) => undefinedIfRefused(error) ?? 'refused' as const)
    if (found === undefined || found === 'refused') this.#known = undefined
    // After a refused read, it may be the version that was known before.
    else if (found !== 'unchanged') this.#last = this.#known = found.etag === this.#last?.etag ? this.#last : this.#toKnown(found)
    // A refused read does not show which version the object had.
    if (found !== 'refused') this.#seenAt = requestedAt
    return this.#known
  }

  /** A version that has just been received, and was not known before. */
  #toKnown (found: ObjectBody | ObjectInfo): KnownFile {
    const { identity, clock, wallClock } = this.#options
    const state = 'body' in found ? decodeSharedState(found.body, identity) : undefined
    const now = clock()
    const aheadMs = this.#aheadMs(state)
    const elapsedMs = state === undefined ? 0 : this.#isUncertain(now, aheadMs) ? now - this.#seenAt : wallClock() - state.writtenAt + aheadMs
    const estimateAfter = (notBefore: number) => estimateTime(now, elapsedMs, { notBefore, notAfter: now })
    const notBefore = this.#seenAt
    // Its writer has known the version that this one replaces, which is the last one or a later one.
    const afterLast = this.#last?.notBefore ?? -Infinity
    const sentAt = estimateAfter(afterLast)
    const notSentBefore = aheadMs > MAX_CLOCK_ERROR_MS ? afterLast : Math.max(afterLast, sentAt - MAX_CLOCK_ERROR_MS)
    return { etag: found.etag, state, notBefore, writtenAt: estimateAfter(notBefore), sentAt, notSentBefore, aheadMs }
  }

  /** See `KnownFile`. */
  #aheadMs (state: SharedState | undefined): number {
    if (state === undefined) return 0
    const earlier = this.#last?.state?.leader === state.leader ? this.#last.aheadMs : 0
    return Math.max(earlier, state.writtenAt - this.#options.wallClock())
  }

  /**
   * Whether a state may be so old that its writer does not lead any more, while its age cannot be computed: the clocks are known to differ, and it was written at any time since
   * the last request. It then counts as sent at the time of that request. The first state that a replica reads is not followed before a later one.
   */
  #isUncertain (now: number, aheadMs: number): boolean {
    return aheadMs > MAX_CLOCK_ERROR_MS && this.#seenAt !== -Infinity && now - this.#seenAt > TAKEOVER_MS
  }

  /** For `catch`: the version of an object that is too large. Rethrows any other error. */
  async #readTooLarge (error: unknown): Promise<ObjectInfo | undefined> {
    if (!(error instanceof StoreError) || error.code !== 'too_large') throw error
    return await this.#options.store.head(this.#options.key)
  }

  /**
   * Writes a state in place of the known one, after all earlier requests. Returns whether it was written: `false` if another replica has written one since.
   *
   * @throws StoreError
   */
  write (content: StateContent): Promise<boolean> {
    return this.#requests.run(() => this.#write(content))
  }

  async #write ({ listedAt, listedAfter, outputsListedAt, ...content }: StateContent): Promise<boolean> {
    const { store, key, identity, clock, wallClock } = this.#options
    // Ages count up to here: the request may have waited for earlier ones.
    const sentAt = clock()
    const ageOf = (time: number) => time === -Infinity ? null : sentAt - time
    const next: SharedState = { ...content, format: FORMAT, identity, writtenAt: wallClock(), listingAgeMs: sentAt - listedAt, listingAgeAtMostMs: ageOf(listedAfter), outputAgeMs: ageOf(outputsListedAt) }
    try {
      const { etag } = await store.put(key, encodeSharedState(next), { ifMatch: this.#known?.etag ?? null, contentType: 'application/json' })
      this.#last = this.#known = { etag, state: next, writtenAt: sentAt, notBefore: sentAt, sentAt, notSentBefore: sentAt, aheadMs: 0 }
      this.#seenAt = sentAt
      return true
    } catch (error) {
      if (error instanceof StoreError && error.code === 'precondition_failed') return false
      throw error
    }
  }
}
