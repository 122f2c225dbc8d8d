import { firstIndex } from '../../lib/base/bytes.js'
import { compareUtf8 } from '../../lib/base/utf8.js'
import type { RangeOptions } from '../../lib/store/s3/ranged-listing.js'
import type { ListingPage } from '../../lib/store/s3/s3-listing.js'

/** A bucket of keys for tests of listings. Each request for a page waits until `execute` or `executeAll` is called. */
export class ListedKeys {
  /** The key after which each listing or range of one starts; `undefined` if it starts at the first key. */
  readonly starts: (string | undefined)[] = []
  readonly #keys: Set<string>
  readonly #pageSize: number
  readonly #ignoresStartAfter: boolean
  #sorted: readonly string[] | undefined
  #waiting: (() => void)[] = []
  /** Called with the keys of each page; returns those that are sent. */
  damage: (keys: string[]) => string[] = (keys) => keys

  constructor (keys: Iterable<string>, { pageSize = 1000, ignoresStartAfter = false } = {}) {
    this.#keys = new Set(keys)
    this.#pageSize = pageSize
    this.#ignoresStartAfter = ignoresStartAfter
  }

  add (key: string): void {
    this.#sorted = undefined
    this.#keys.add(key)
  }

  delete (key: string): void {
    this.#sorted = undefined
    this.#keys.delete(key)
  }

  get sorted (): readonly string[] {
    this.#sorted ??= [...this.#keys].sort(compareUtf8)
    return this.#sorted
  }

  async * pagesOf (prefix: string, { after, newPage }: RangeOptions): AsyncGenerator<ListingPage> {
    this.starts.push(after)
    let token = this.#ignoresStartAfter ? undefined : after
    for (let isLast = false; !isLast;) {
      await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
      const { sorted } = this
      const first = firstIndex(0, sorted.length, (i) => compareUtf8(sorted[i]!, prefix) >= 0 && (token === undefined || compareUtf8(sorted[i]!, token) > 0))
      const rest = sorted.slice(first, first + this.#pageSize + 1).filter((key) => key.startsWith(prefix))
      const keys = rest.slice(0, this.#pageSize)
      const objects = newPage()
      objects.clear()
      for (const key of this.damage(keys)) objects.push({ key, etag: 'e', size: 1, lastModified: 0 })
      token = keys.at(-1) ?? token
      isLast = rest.length <= this.#pageSize
      yield { objects, next: isLast ? undefined : token! }
    }
  }

  /** The number of requests that wait. */
  get waiting (): number {
    return this.#waiting.length
  }

  /** Executes one of the requests that wait. @param which its index, modulo the number of these requests */
  execute (which: number): void {
    this.#waiting.splice(which % this.#waiting.length, 1)[0]?.()
  }

  executeAll (): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
