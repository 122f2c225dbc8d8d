import { StoreError, type ObjectStore } from '../store/object-store.js'
import { compareOutputs, type Changes } from './diff.js'

/** A rendered output, and how many records it holds. */
export interface Rendered { readonly body: Buffer, readonly users: number }

export interface PublishReport extends Changes {
  readonly users: number
  readonly key: string
  /** Of the object at that key now; `null` where there is none. */
  readonly etag: string | null
  readonly bytes: number
  /** Nothing was written: the output was up to date, or this was a dry run. */
  readonly skipped: boolean
}

export interface PublishOptions {
  readonly key: string
  readonly delimiter: string
  readonly dryRun: boolean
  /** Makes the output from a listing that begins after the call. */
  readonly renderFresh: () => Promise<Rendered>
}

/** So many times other writers may win before a publish gives up. */
const ATTEMPTS = 5

/** Keeps outputs in a store up to date. */
export class Publisher {
  readonly #store: ObjectStore
  /** The outputs as last seen, by key, so that an unchanged one is not downloaded again. */
  readonly #seen = new Map<string, { readonly etag: string, readonly body: Buffer }>()

  constructor (store: ObjectStore) {
    this.#store = store
  }

  /**
   * Brings an output up to date by one conditional PUT, fenced by the ETag that it had before the listing began: each
   * output is thus made from a later listing than the one it replaces, whoever writes it.
   *
   * @throws StoreError `precondition_failed` where other writers won every time; whatever the store fails with
   */
  async publish ({ key, delimiter, dryRun, renderFresh }: PublishOptions): Promise<PublishReport> {
    for (let attempt = 1; ; attempt++) {
      const current = await this.#read(key)
      const { body, users } = await renderFresh()
      const isSame = current?.body.equals(body) ?? false
      const changes = isSame ? { added: 0, changed: 0, removed: 0 } : await compareOutputs(current?.body, body, delimiter)
      const report = { users, ...changes, key, bytes: body.length }
      if (dryRun || isSame) return { ...report, etag: current?.etag ?? null, skipped: true }
      try {
        const { etag } = await this.#store.put(key, body, { ifMatch: current?.etag ?? null, contentType: 'text/csv; charset=utf-8' })
        this.#seen.set(key, { etag, body })
        return { ...report, etag, skipped: false }
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'precondition_failed' || attempt === ATTEMPTS) throw error
      }
    }
  }

  async #read (key: string): Promise<{ readonly etag: string, readonly body: Buffer } | undefined> {
    const seen = this.#seen.get(key)
    const found = await this.#store.get(key, { ifNoneMatch: seen?.etag })
    if (found === 'unchanged') return seen
    if (found === undefined) this.#seen.delete(key)
    else this.#seen.set(key, found)
    return found
  }
}
