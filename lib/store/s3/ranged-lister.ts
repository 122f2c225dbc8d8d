import type { ObjectList } from '../object-list.js'
import type { ListOptions, TraceOption } from '../object-store.js'
import { keyAt, MAX_RANGES, objectsAfter, RangedListing, StartAfterIgnored, type RangedListingOptions, type RangeOptions } from './ranged-listing.js'
import type { ListingPage } from './s3-listing.js'

/** The options of all requests of one listing. */
export interface PageOptions extends TraceOption {
  /** Called for each request. */
  readonly onRequest: () => void
}

/** What a `RangedLister` depends on. */
export type ListerOptions = Pick<RangedListingOptions, 'url' | 'surplus' | 'farMs' | 'clock'> & {
  readonly pagesOf: (prefix: string, range: RangeOptions, options: PageOptions) => AsyncIterable<ListingPage>
}

/**
 * Lists the objects of a store, in several ranges of keys at the same time if the store is far away. It remembers the keys at which the pages of the last
 * listing of each prefix ended, so that the ranges of the next one are whole pages. If the store ignores `start-after`, all listings are sequential from
 * then on.
 */
export class RangedLister {
  readonly #options: ListerOptions
  readonly #plans = new Map<string, RangePlan>()
  #pageLength = 1
  #isFar = false
  #ignoresStartAfter = false

  constructor (options: ListerOptions) {
    this.#options = options
  }

  /** Lists all objects whose keys begin with `prefix`, as `ObjectStore.list` does. */
  async * list (prefix: string, { onRequest = () => {}, trace }: ListOptions = {}): AsyncGenerator<ObjectList> {
    let ends: PageEnds | undefined
    for await (const page of this.#list(prefix, { onRequest, trace })) {
      ends ??= new PageEnds(this.#pageLength)
      ends.add(page)
      yield page
    }
    const plan = ends === undefined || !this.#isFar ? NO_PLAN : ends.plan()
    // Only long listings have plans to remember. `findListed` lists single keys, of which there may be many.
    if (plan.edges.length > 0) this.#plans.set(prefix, plan)
    else this.#plans.delete(prefix)
  }

  async * #list (prefix: string, options: PageOptions): AsyncGenerator<ObjectList> {
    let last = ''
    try {
      for await (const page of this.#pages(prefix, options, this.#ignoresStartAfter ? { maxRanges: 1 } : this.#plans.get(prefix))) {
        if (page.length > 0) last = keyAt(page, page.length - 1)
        yield page
      }
    } catch (error) {
      if (!(error instanceof StartAfterIgnored)) throw error
      this.#ignoresStartAfter = true
      for await (const page of this.#pages(prefix, options, { maxRanges: 1 })) yield objectsAfter(page, last)
    }
  }

  async * #pages (prefix: string, pageOptions: PageOptions, plan: Partial<RangePlan> & { readonly maxRanges?: number } = NO_PLAN): AsyncGenerator<ObjectList> {
    const { pagesOf, ...options } = this.#options
    const listing = new RangedListing({ ...options, ...plan, prefix, pagesOf: (range) => pagesOf(prefix, range, pageOptions) })
    for await (const page of listing) {
      this.#pageLength = Math.max(this.#pageLength, listing.pageLength)
      this.#isFar = listing.isFar
      yield page
    }
  }
}

type RangePlan = Required<Pick<RangedListingOptions, 'edges' | 'expected'>>

const NO_PLAN: RangePlan = { edges: [], expected: 0 }

/** The maximum number of pages of a range. It is limited because pages of later ranges stay in memory until the earlier ranges have been read. */
const MAX_PAGES = 8

/** Collects the keys at the ends of the pages of a listing. */
class PageEnds {
  readonly #keys: string[] = []
  readonly #pageLength: number
  #length = 0
  #last = ''

  /** @param pageLength the number of keys on a page of a sequential listing */
  constructor (pageLength: number) {
    this.#pageLength = pageLength
  }

  add (page: ObjectList): void {
    const step = this.#pageLength
    for (let i = step - 1 - this.#length % step; i < page.length; i += step) this.#keys.push(keyAt(page, i))
    this.#length += page.length
    if (page.length > 0) this.#last = keyAt(page, page.length - 1)
  }

  /** Divides the keys into ranges of whole pages: as long as nothing changes, they take as many requests as a sequential listing. */
  plan (): RangePlan {
    const ends = this.#keys.filter((key) => key !== this.#last)
    // MAX_RANGES ranges are listed at a time. Ranges of at most MAX_PAGES pages take this number of rounds.
    const rounds = Math.ceil((ends.length + 1) / (MAX_RANGES * MAX_PAGES))
    const pages = Math.ceil((ends.length + 1) / (MAX_RANGES * rounds))
    return { edges: ends.filter((_, i) => (i + 1) % pages === 0), expected: pages * this.#pageLength }
  }
}
