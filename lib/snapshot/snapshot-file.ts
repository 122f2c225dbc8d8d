import { createHash } from 'node:crypto'
import type { SourceState } from '../source/source-state.js'
import type { SourceRules } from '../source/rules.js'
import { StoreError, type ObjectStore } from '../store/object-store.js'
import { decodeInThread } from './decode-in-thread.js'
import { encodeSnapshot } from './snapshot.js'

/** The snapshot in the bucket: a cache that may be missing, old or somebody else's, and is never wrong. */
export class SnapshotFile {
  readonly #store: ObjectStore
  readonly #key: string
  readonly #identity: string
  /** Of the snapshot last seen: `null` where there was none, `undefined` where none was looked for. */
  #etag: string | null | undefined
  /** The name of the state in it, if that is known. */
  #savedName: string | undefined

  constructor (store: ObjectStore, key: string, rules: SourceRules) {
    this.#store = store
    this.#key = key
    this.#identity = identityOf(store.url, rules)
  }

  /** The state that it tells; `undefined` where it is of no use. Never fails: then the listing will. */
  async load (): Promise<SourceState | undefined> {
    try {
      const found = await this.#store.get(this.#key)
      const isThere = typeof found === 'object'
      this.#etag = isThere ? found.etag : null
      const state = isThere ? await decodeInThread(found.body, this.#identity) : undefined
      this.#savedName = state?.name
      return state
    } catch {
      return undefined
    }
  }

  /** Writes it unless another process has done so since: that one is of the same use. */
  async save (state: SourceState): Promise<void> {
    if (state.name === this.#savedName) return
    const body = encodeSnapshot(state, this.#identity)
    if (this.#etag === undefined) this.#etag = (await this.#store.head(this.#key))?.etag ?? null
    try {
      const { etag } = await this.#store.put(this.#key, body, { ifMatch: this.#etag, contentType: 'application/vnd.apache.arrow.file' })
      this.#etag = etag
      this.#savedName = state.name
    } catch (error) {
      this.#etag = undefined
      if (!(error instanceof StoreError) || error.code !== 'precondition_failed') throw error
    }
  }
}

/** Names the lake and the rules that rows depend on; those of time zones come with the runtime. */
function identityOf (url: string, { prefix, ownKeys, imageExtensions, delimiter, timeZone }: SourceRules): string {
  const zoneRules = timeZone === 'UTC' ? '' : process.versions.tz
  const identity = JSON.stringify([url, prefix, ownKeys, imageExtensions, delimiter, timeZone, zoneRules])
  return createHash('sha256').update(identity).digest('base64url')
}
