import { createHash } from 'node:crypto'
import { StoreError, type ObjectStore } from '../store/object-store.js'
import type { Precondition } from '../store/precondition.js'
import type { Changes } from './diff.js'

export interface Publication {
  readonly key: string
  readonly contentType: string
  readonly body: Buffer
  /** Read before the listing that the body was made from. */
  readonly precondition: Precondition
  /** Report what would change, and write nothing. */
  readonly dryRun: boolean
  /** Counts the changes to the current output (`undefined` if no output exists). Called only if the output changes. */
  readonly compare: (before: Buffer | undefined) => Promise<Changes>
}

export interface PublishReport extends Changes {
  readonly key: string
  /** The current ETag of the object; `null` if the object does not exist. */
  readonly etag: string | null
  readonly bytes: number
  /** Whether nothing was written: the output was up to date, or this was a dry run. */
  readonly skipped: boolean
}

const NO_CHANGES: Changes = { added: 0, changed: 0, removed: 0 }

/** Publishes outputs to a store if they have changed. */
export class Publisher {
  readonly #store: ObjectStore
  /** The digest of each output that was last read or written, by key, so that an unchanged output is not downloaded again. */
  readonly #seen = new Map<string, { readonly etag: string, readonly digest: string }>()

  constructor (store: ObjectStore) {
    this.#store = store
  }

  /**
   * Brings an output up to date by one PUT, conditional on the ETag that the output had before the listing began: an output never
   * replaces one that was made from a newer listing, by any process.
   *
   * @throws StoreError `precondition_failed` if the output was written in the meantime; any other error of the store
   */
  async publish ({ key, contentType, body, precondition, dryRun, compare }: Publication): Promise<PublishReport> {
    const digest = createHash('sha256').update(body).digest('base64url')
    const report = { key, etag: precondition.expectedEtag, bytes: body.length, skipped: true }
    if (this.#isCurrent(key, precondition, digest)) return { ...report, ...NO_CHANGES }
    const before = await this.#read(key, precondition)
    if (before?.equals(body)) {
      this.#seen.set(key, { etag: precondition.expectedEtag!, digest })
      return { ...report, ...NO_CHANGES }
    }
    const changes = await compare(before)
    if (dryRun) return { ...report, ...changes }
    const { etag } = await this.#store.put(key, body, { ifMatch: precondition.expectedEtag, contentType })
    this.#seen.set(key, { etag, digest })
    return { ...report, ...changes, etag, skipped: false }
  }

  #isCurrent (key: string, { expectedEtag, racy }: Precondition, digest: string): boolean {
    const seen = this.#seen.get(key)
    return !racy && seen !== undefined && seen.etag === expectedEtag && seen.digest === digest
  }

  /** The body of the version that the precondition names; `undefined` if there is no object. */
  async #read (key: string, { expectedEtag }: Precondition): Promise<Buffer | undefined> {
    if (expectedEtag === null) return undefined
    const found = await this.#store.get(key)
    if (typeof found === 'object' && found.etag === expectedEtag) return found.body
    throw new StoreError('precondition_failed', `${this.#store.url}/${key}: the object has changed in the meantime`)
  }
}
