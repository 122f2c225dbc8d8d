import { createHash } from 'node:crypto'
import { isLargeLoss } from '../base/large-loss.js'
import type { TraceContext } from '../base/trace-context.js'
import { streamOf } from '../store/object-content.js'
import { StoreError, type ObjectStore } from '../store/object-store.js'
import { RECORDS, type Precondition } from '../store/precondition.js'
import { measureBody, type ByteStream, type StreamedBody } from '../store/streamed-body.js'
import { tracedStore } from '../store/traced-store.js'
import type { ChangeCounts } from './diff.js'

/** When a publish is held because it would lose many records. */
export interface PublishGuard {
  /** As in `isLargeLoss`. */
  readonly maxLoss: number
  /** The number of records before the last large loss that was not published yet; `undefined` if all large losses were published. */
  readonly before: number | undefined
}

export interface Publication {
  readonly key: string
  readonly contentType: string
  readonly body: Buffer | StreamedBody
  /** As in `PutOptions`. */
  readonly inParts?: boolean | undefined
  /** The number of records in the body. It is stored with the output. */
  readonly records: number
  /** Read before the listing that the body was made from. */
  readonly precondition: Precondition
  /** Report what would change, and write nothing. */
  readonly dryRun: boolean
  /** Absent: nothing is held. */
  readonly guard?: PublishGuard | undefined
  /** The trace that the requests are part of. */
  readonly trace?: TraceContext | undefined
  /** Counts the changes to the current output (`undefined` if no output exists). Called only if the output changes. */
  readonly compare: (before: Buffer | ByteStream | undefined) => Promise<ChangeCounts>
}

export interface PublishReport extends ChangeCounts {
  readonly key: string
  /** The current ETag of the object; `null` if the object does not exist. */
  readonly etag: string | null
  readonly bytes: number
  /** Whether nothing was written: the output was up to date, the publish is held, or this was a dry run. */
  readonly skipped: boolean
  /** Whether the publish is held, or in a dry run would be: it loses many records. */
  readonly isHeld: boolean
}

const NO_CHANGES: ChangeCounts = { added: 0, changed: 0, removed: 0 }

/** Whether a publish would lose many records: of those in the output, if their number was stored with it, or of those before the last large loss, if they were more. */
function losesMany (removed: number, records: number, { records: published = 0 }: Precondition, { maxLoss, before = 0 }: PublishGuard): boolean {
  const most = Math.max(published, before)
  return most > 0 && isLargeLoss({ lost: Math.max(removed, most - records), before: most }, maxLoss)
}

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
   * @throws StoreError `precondition_failed` if the output was written in the meantime; `read_only` if only another process may write, even if the output is up to date; any other
   * error of the store
   */
  async publish ({ key, contentType, body, inParts, records, precondition, dryRun, guard, trace, compare }: Publication): Promise<PublishReport> {
    const store = tracedStore(this.#store, trace)
    if (!dryRun) await store.claim()
    const digest = digestOf(body)
    const report = { key, etag: precondition.expectedEtag, bytes: body.length, skipped: true, isHeld: false }
    if (this.#isCurrent(key, precondition, digest)) return { ...report, ...NO_CHANGES }
    const before = await this.#read(store, key, precondition, !Buffer.isBuffer(body))
    if (before !== undefined && await isSame(before, body)) {
      this.#seen.set(key, { etag: precondition.expectedEtag!, digest })
      return { ...report, ...NO_CHANGES }
    }
    const changes = await compare(before)
    const isHeld = guard !== undefined && losesMany(changes.removed, records, precondition, guard)
    if (dryRun || isHeld) return { ...report, ...changes, isHeld }
    const { etag } = await store.put(key, body, { ifMatch: precondition.expectedEtag, contentType, inParts, metadata: { [RECORDS]: String(records) } })
    this.#seen.set(key, { etag, digest })
    return { ...report, ...changes, etag, skipped: false }
  }

  #isCurrent (key: string, { expectedEtag, racy }: Precondition, digest: string): boolean {
    const seen = this.#seen.get(key)
    return !racy && seen !== undefined && seen.etag === expectedEtag && seen.digest === digest
  }

  /** The body of the version that the precondition names; `undefined` if there is no object. */
  async #read (store: ObjectStore, key: string, { expectedEtag }: Precondition, isStreamed: boolean): Promise<Buffer | ByteStream | undefined> {
    if (expectedEtag === null) return undefined
    const found = isStreamed ? await store.head(key) : await store.get(key)
    if (typeof found === 'object' && found.etag === expectedEtag) return 'body' in found ? found.body : streamOf(store, found)
    throw new StoreError('precondition_failed', `${store.url}/${key}: the object has changed in the meantime`)
  }
}

function digestOf (body: Buffer | StreamedBody): string {
  return (Buffer.isBuffer(body) ? createHash('sha256').update(body).digest() : body.sha256).toString('base64url')
}

async function isSame (before: Buffer | ByteStream, body: Buffer | StreamedBody): Promise<boolean> {
  if (before.length !== body.length) return false
  if (Buffer.isBuffer(before)) return Buffer.isBuffer(body) && before.equals(body)
  return !Buffer.isBuffer(body) && (await measureBody(before.open)).sha256.equals(body.sha256)
}
