import { BoundedCache } from '../base/bounded-cache.js'
import { buffersOf } from '../base/shared-memory.js'
import { runSteps, STEP_ROWS, type Steps } from '../base/steps.js'
import { orderByNumber, type ColumnOrder, type StoredNumbers } from './column-order.js'

/** Orders the rows of a column of numbers, in this thread or in another one. */
export type OrderNumbers = (column: StoredNumbers) => Promise<ColumnOrder>

const orderHere: OrderNumbers = (column) => runSteps(orderByNumber(column))

/**
 * Indexes that queries have used, in bounded memory; the least recently used one is dropped first. An index is named by the arrays that
 * it is made from, so that data versions that share a column share its indexes.
 */
export class IndexCache {
  readonly #indexes: BoundedCache<object>
  readonly #running = new Map<string, Promise<object>>()
  readonly #ids = new WeakMap<object, number>()
  #lastId = 0

  /** Tables with at most this number of rows are scanned rather than ordered, if both are possible. */
  readonly maxScannedRows: number

  readonly #orderNumbers: OrderNumbers

  /**
   * @param maxBytes of all indexes together
   * @param maxScannedRows see the property. Default: STEP_ROWS.
   * @param orderNumbers orders large columns of numbers. Default: in this thread.
   */
  constructor (maxBytes: number, maxScannedRows = STEP_ROWS, orderNumbers: OrderNumbers = orderHere) {
    this.maxScannedRows = maxScannedRows
    this.#orderNumbers = orderNumbers
    this.#indexes = new BoundedCache(maxBytes)
  }

  /** The name of an index of a kind over these arrays. */
  nameOf (kind: string, arrays: readonly object[]): string {
    return [kind, ...arrays.map((array) => this.#idOf(array))].join(' ')
  }

  /** The index with this name; `undefined` if it is not cached. */
  get<T extends object> (name: string): T | undefined {
    return this.#indexes.get(name) as T | undefined
  }

  /** The index with this name. It is made without blocking the event loop, and once for all callers that wait for it. */
  async make<T extends object> (name: string, make: () => Steps<T> | Promise<T>): Promise<T> {
    const cached = this.get<T>(name)
    if (cached !== undefined) return cached
    let running = this.#running.get(name) as Promise<T> | undefined
    if (running === undefined) {
      running = this.#make(name, make).finally(() => this.#running.delete(name))
      this.#running.set(name, running)
    }
    return await running
  }

  /** Orders the rows of a column of numbers. */
  async orderNumbers ({ kind, values }: StoredNumbers): Promise<ColumnOrder> {
    if (values.length <= this.maxScannedRows) return await orderHere({ kind, values })
    // The other thread may have died, or have been closed.
    return await this.#orderNumbers({ kind, values }).catch(() => orderHere({ kind, values }))
  }

  async #make<T extends object> (name: string, make: () => Steps<T> | Promise<T>): Promise<T> {
    const work = make()
    const index = await (work instanceof Promise ? work : runSteps(work))
    this.#indexes.set(name, index, [...buffersOf(index)].reduce((sum, { byteLength }) => sum + byteLength, 0))
    return index
  }

  #idOf (array: object): number {
    let id = this.#ids.get(array)
    if (id === undefined) this.#ids.set(array, id = ++this.#lastId)
    return id
  }
}
