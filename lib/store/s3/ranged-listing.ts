import { firstIndex, compareBytes } from '../../base/bytes.js'
import { monotonicNow, type MonotonicClock } from '../../base/clock.js'
import { compareUtf8 } from '../../base/utf8.js'
import { keyOrderCheck } from '../key.js'
import { ObjectList, sliceToString, type ExpectedSize } from '../object-list.js'
import type { ListingPage } from './s3-listing.js'
import { splitPoints } from './split-points.js'

/** The maximum number of ranges that are listed at the same time. */
export const MAX_RANGES = 16
/** A range is divided when it has this number of keys more than expected, so that a small lake is listed in one range. */
const SURPLUS = 2000
/**
 * A listing is divided if each of its pages takes at least this number of milliseconds. A nearer store sends pages faster than they can be processed, so
 * ranges would only take more CPU time, and memory for pages that wait for those of earlier ranges.
 */
const FAR_MS = 10

/** The store ignores `start-after`: the first page of a range has keys from before the range. */
export class StartAfterIgnored extends Error {}

/** How the pages of one range are requested. */
export interface RangeOptions {
  /** The first page begins after this key; `undefined`: at the first key of the listing. */
  readonly after: string | undefined
  /** Whether the page after the one with this last key belongs to the range as well. `undefined`: the last key is not known. */
  readonly continues: (lastKey: string | undefined) => boolean
  /** Returns a list for the objects of a page. */
  readonly newPage: () => ObjectList
}

export interface RangedListingOptions {
  readonly prefix: string
  /** The name of the store in messages. */
  readonly url: string
  /** Yields the pages from `after` up to the last one, or until the caller stops. */
  readonly pagesOf: (options: RangeOptions) => AsyncIterable<ListingPage>
  /** The last key of each range except the last range, in ascending order. No object needs to have such a key. */
  readonly edges?: readonly string[]
  /** The number of keys that are expected in each of these ranges. Default: 0. */
  readonly expected?: number
  /** Default: `MAX_RANGES`. With 1, the listing is sequential. */
  readonly maxRanges?: number
  /** A range is divided when it has this number of keys more than expected. Default: 2000. */
  readonly surplus?: number
  /** A listing is divided if each of its pages takes at least this number of milliseconds. Default: 10. */
  readonly farMs?: number
  /** Default: the monotonic clock of the system. */
  readonly clock?: MonotonicClock
}

/** A part of a listing: the keys after `after` up to and including `upTo`. Without `upTo`, it is the last one. */
class Range {
  readonly after: string | undefined
  upTo: string | undefined
  readonly maxLength: number
  /** Pages that the caller has not received yet. */
  readonly pages: ObjectList[] = []
  isStarted = false
  isDone = false
  /** The number of keys that have been read. */
  length = 0

  /** @param maxLength the number of keys after which the range is divided */
  constructor (after: string | undefined, upTo: string | undefined, maxLength: number) {
    this.after = after
    this.upTo = upTo
    this.maxLength = maxLength
  }
}

/**
 * One complete listing, whose key ranges are listed at the same time: each range is a listing that begins after a key and ends where the next range begins.
 * A range that has more keys than expected gives its second half to another one. The pages are yielded in the order of the keys, each after the
 * checks of a sequential listing (see `keyOrderCheck`); the first error of any range is the error of the listing.
 */
export class RangedListing implements AsyncIterable<ObjectList> {
  readonly #options: Required<RangedListingOptions>
  /** In the order of their keys. Each begins where the one before it ends. */
  readonly #ranges: Range[]
  /** Lists that can be reused, because the caller has read their objects. */
  readonly #free: ObjectList[] = []
  /** The greatest number of keys that a page had. */
  pageLength = 0
  /** The shortest time that a page took, in milliseconds. */
  #pageMs = Infinity
  /** The size of the page that was read last. */
  #size: ExpectedSize | undefined
  #running = 0
  #isStopped = false
  #failure: { readonly error: unknown } | undefined
  /** Resumes the iterator, which waits for a page. */
  #wake = () => {}

  constructor ({ edges = [], expected = 0, maxRanges = MAX_RANGES, surplus = SURPLUS, farMs = FAR_MS, clock = monotonicNow, ...options }: RangedListingOptions) {
    this.#options = { ...options, edges, expected, maxRanges, surplus, farMs, clock }
    this.#ranges = [...edges, undefined].map((upTo, i) => new Range(edges[i - 1], upTo, expected + surplus))
  }

  /** Pages are valid until the next one is requested. @throws StartAfterIgnored, and errors of `pagesOf` */
  async * [Symbol.asyncIterator] (): AsyncGenerator<ObjectList> {
    try {
      for (const range of this.#ranges) {
        for (;;) {
          if (this.#failure !== undefined) throw this.#failure.error
          const page = range.pages.shift()
          if (page !== undefined) {
            yield page
            this.#free.push(page)
          } else if (range.isDone) {
            break
          } else {
            this.#start()
            await new Promise<void>((resolve) => { this.#wake = resolve })
          }
        }
      }
    } finally {
      this.#isStopped = true
    }
  }

  /** Whether the store is so far away that its listings are worth dividing. */
  get isFar (): boolean {
    return this.#pageMs >= this.#options.farMs
  }

  #start (): void {
    for (const range of this.#ranges) {
      if (this.#running === this.#options.maxRanges || this.#hasEnded) return
      if (range.isStarted) continue
      range.isStarted = true
      this.#running++
      this.#list(range).catch((error: unknown) => { this.#failure ??= { error } }).finally(() => {
        range.isDone = true
        this.#running--
        this.#start()
        this.#wake()
      })
    }
  }

  get #hasEnded (): boolean {
    return this.#isStopped || this.#failure !== undefined
  }

  async #list (range: Range): Promise<void> {
    const { prefix, url, pagesOf, clock } = this.#options
    const check = keyOrderCheck(prefix, url, range.after)
    const continues = (lastKey: string | undefined) => range.upTo === undefined || (lastKey !== undefined && compareUtf8(lastKey, range.upTo) < 0)
    let requestedAt = clock()
    for await (const { objects: page, next } of pagesOf({ after: range.after, continues, newPage: () => this.#newPage() })) {
      if (this.#hasEnded) return
      this.#pageMs = Math.min(this.#pageMs, clock() - requestedAt)
      this.pageLength = Math.max(this.pageLength, page.length)
      if (range.length === 0 && page.length > 0 && !isAfter(page, 0, range.after)) throw new StartAfterIgnored()
      check(page)
      const isEnd = cut(page, range.upTo)
      const [first, last] = page.length === 0 ? [] : [keyAt(page, 0), keyAt(page, page.length - 1)]
      range.length += page.length
      range.pages.push(page)
      this.#size = sizeOf(page)
      this.#wake()
      if (isEnd || next === undefined) return
      if (last !== undefined && range.length >= range.maxLength && this.isFar) this.#split(range, first!, last)
      requestedAt = clock()
    }
  }

  /** Moves keys that a range has not read yet to new ranges, as many as can start now. */
  #split (range: Range, first: string, last: string): void {
    const room = this.#options.maxRanges - this.#running
    const points = room > 0 && this.#ranges.every(({ isStarted }) => isStarted) ? splitPoints(first, last, range.upTo, this.#options.prefix.length).slice(0, room) : []
    const added = points.map((after, i) => new Range(after, points[i + 1] ?? range.upTo, 0))
    range.upTo = points[0] ?? range.upTo
    this.#ranges.splice(this.#ranges.indexOf(range) + 1, 0, ...added)
    this.#start()
  }

  #newPage (): ObjectList {
    return this.#free.pop() ?? new ObjectList([], this.#size)
  }
}

/** Removes the objects after `upTo`. Returns whether the range ends with this page: it has the object `upTo` or one after it. */
function cut (page: ObjectList, upTo: string | undefined): boolean {
  if (upTo === undefined) return false
  const length = firstIndex(0, page.length, (i) => isAfter(page, i, upTo))
  const isEnd = length < page.length || (length > 0 && keyAt(page, length - 1) === upTo)
  page.truncate(length)
  return isEnd
}

function isAfter (page: ObjectList, i: number, after: string | undefined): boolean {
  if (after === undefined) return true
  const key = page.key(i)
  const other = Buffer.from(after)
  return compareBytes(key.bytes, key.start, key.end, other, 0, other.length) > 0
}

/** The objects of a page whose keys come after a key. */
export function objectsAfter (page: ObjectList, key: string): ObjectList {
  const first = firstIndex(0, page.length, (i) => isAfter(page, i, key))
  return first === 0 ? page : new ObjectList([...page].slice(first))
}

function sizeOf ({ length, keys, etags }: ObjectList): ExpectedSize {
  return { rows: length, keyBytes: keys.offsets[length]!, etagBytes: etags.offsets[length]! }
}

/** The key of an object. */
export function keyAt (page: ObjectList, i: number): string {
  return sliceToString(page.key(i))
}
