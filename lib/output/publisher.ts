import { createHash } from 'node:crypto'
import { StoreError, type ObjectStore } from '../store/object-store.js'
import type { Precondition } from '../store/precondition.js'
import type { Changes } from './diff.js'

export interface Publication {
  readonly key: string
  readonly contentType: string
  readonly body: Buffer
  /** Read before the listing began that the body was made from. */
  readonly precondition: Precondition
  /** Say what would change and write nothing. */
  readonly dryRun: boolean
  /** Tells what replacing the output does; asked only where it changes. */
  readonly compare: (before: Buffer | undefined) => Promise<Changes>
}

export interface PublishReport extends Changes {
  readonly key: string
  /** Of the object at that key now; `null` where there is none. */
  readonly etag: string | null
  readonly bytes: number
  /** Nothing was written: the output was up to date, or this was a dry run. */
  readonly skipped: boolean
}

const NO_CHANGES: Changes = { added: 0, changed: 0, removed: 0 }

/** Keeps outputs in a store up to date. */
export class Publisher {
  readonly #store: ObjectStore
  /** What the outputs last seen hold, by key, so that an unchanged one is not downloaded again. */
  readonly #seen = new Map<string, { readonly etag: string, readonly digest: string }>()

  constructor (store: ObjectStore) {
    this.#store = store
  }

  /**
   * Brings an output up to date by one conditional PUT, guarded by the ETag that it had before the listing began: each
   * output is thus made from a later listing than the one it replaces, whoever writes it.
   *
   * @throws StoreError `precondition_failed` where another one has written meanwhile; whatever the store fails with
   */
  async publish ({ key, contentType, body, precondition, dryRun, compare }: Publication): Promise<PublishReport> {
    const digest = createHash('sha256').update(body).digest('base64url')
    const report = { key, etag: precondition.expectedEtag, bytes: body.length, skipped: true }
    if (this.#holds(key, precondition, digest)) return { ...report, ...NO_CHANGES }
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

  #holds (key: string, { expectedEtag, racy }: Precondition, digest: string): boolean {
    const seen = this.#seen.get(key)
    return !racy && seen !== undefined && seen.etag === expectedEtag && seen.digest === digest
  }

  /** What the precondition stands for. */
  async #read (key: string, { expectedEtag }: Precondition): Promise<Buffer | undefined> {
    if (expectedEtag === null) return undefined
    const found = await this.#store.get(key)
    if (typeof found === 'object' && found.etag === expectedEtag) return found.body
    throw new StoreError('precondition_failed', `${this.#store.url}/${key}: the object is not the expected one`)
  }
}
