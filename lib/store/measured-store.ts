import { STORE_OPERATIONS, type StoreOperation } from '../base/events.js'
import { toFailureCode } from '../base/failure-code.js'
import type { GetOptions, ListOptions, ObjectBody, ObjectHead, ObjectList, ObjectStore, ObjectStream, PutOptions, StreamOptions, TraceOption } from './object-store.js'
import type { Body } from './streamed-body.js'

/** Publishes the end of each operation of a store on `STORE_OPERATIONS`, if that channel has subscribers. */
export class MeasuredStore implements ObjectStore {
  readonly url: string
  readonly #inner: ObjectStore

  /** @param inner is closed with this store */
  constructor (inner: ObjectStore) {
    this.url = inner.url
    this.#inner = inner
  }

  get usefulDownloads (): number {
    return this.#inner.usefulDownloads
  }

  list (prefix: string, options?: ListOptions): AsyncIterable<ObjectList> {
    return STORE_OPERATIONS.hasSubscribers ? this.#list(prefix, options) : this.#inner.list(prefix, options)
  }

  get (key: string, options?: GetOptions): Promise<ObjectBody | 'unchanged' | undefined> {
    return measure('get', () => this.#inner.get(key, options))
  }

  stream (key: string, options?: StreamOptions): Promise<ObjectStream | undefined> {
    return measure('stream', () => this.#inner.stream(key, options))
  }

  head (key: string, options?: TraceOption): Promise<ObjectHead | undefined> {
    return measure('head', () => this.#inner.head(key, options))
  }

  put (key: string, body: Body, options?: PutOptions): Promise<{ readonly etag: string }> {
    return measure('put', () => this.#inner.put(key, body, options))
  }

  claim (): Promise<void> {
    return this.#inner.claim()
  }

  create (): Promise<void> {
    return this.#inner.create()
  }

  close (): Promise<void> {
    return this.#inner.close()
  }

  async * #list (prefix: string, options: ListOptions | undefined): AsyncGenerator<ObjectList> {
    const began = performance.now()
    let outcome: StoreOperation['outcome'] = 'ok'
    try {
      yield * this.#inner.list(prefix, options)
    } catch (error) {
      outcome = toFailureCode(error)
      throw error
    } finally {
      publish('list', outcome, began)
    }
  }
}

function measure<T> (operation: StoreOperation['operation'], start: () => Promise<T>): Promise<T> {
  if (!STORE_OPERATIONS.hasSubscribers) return start()
  const began = performance.now()
  return start().then((result) => {
    publish(operation, result === undefined ? 'missing' : result === 'unchanged' ? 'unchanged' : 'ok', began)
    return result
  }, (error) => {
    publish(operation, toFailureCode(error), began)
    throw error
  })
}

function publish (operation: StoreOperation['operation'], outcome: StoreOperation['outcome'], began: number): void {
  STORE_OPERATIONS.publish({ operation, outcome, durationMs: performance.now() - began })
}
