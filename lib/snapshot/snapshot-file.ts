import { createHash } from 'node:crypto'
import type { SourceRules } from '../source/rules.js'
import type { SourceState } from '../source/source-state.js'
import { StoreError, type ObjectStore, type StoreErrorCode } from '../store/object-store.js'
import { decodeInThread } from './decode-in-thread.js'
import { encodeSnapshot, type SnapshotProblem } from './snapshot.js'

/** Why a start is cold although there may be a snapshot: it can't be used, or the store could not read it. */
export type SnapshotFailure = SnapshotProblem | StoreErrorCode

/** The snapshot as it was found: its state, or why it can't be used. Neither if there is no snapshot. */
export interface LoadedSnapshot {
  readonly state?: SourceState
  readonly failure?: SnapshotFailure
}

/** The snapshot object of a lake. It may be missing, outdated or written by another process, but what is read from it is never wrong. */
export class SnapshotFile {
  readonly #store: ObjectStore
  readonly #key: string
  readonly #identity: string
  /** The ETag of the snapshot that was last read or written. `null`: there was none. `undefined`: not known. */
  #etag: string | null | undefined
  /** The name of the state in it, if that is known. */
  #savedName: string | undefined

  constructor (store: ObjectStore, key: string, rules: SourceRules) {
    this.#store = store
    this.#key = key
    this.#identity = lakeIdentity(store.url, rules)
  }

  /** Reads the snapshot. Never fails: if the store does, the listing will fail, too. */
  async load (): Promise<LoadedSnapshot> {
    try {
      const found = await this.#store.get(this.#key)
      if (typeof found !== 'object') {
        this.#etag = null
        return {}
      }
      this.#etag = found.etag
      const decoded = await decodeInThread(found.body, this.#identity)
      if (typeof decoded === 'string') return { failure: decoded }
      this.#savedName = decoded.name
      return { state: decoded }
    } catch (error) {
      return { failure: error instanceof StoreError ? error.code : 'damaged' }
    }
  }

  /** Writes the snapshot, unless it holds this state already or another process has written one in the meantime. */
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

/** Names the lake and the rules that rows depend on. The rules of time zones come with the runtime. */
function lakeIdentity (url: string, { prefix, ownKeys, imageExtensions, delimiter, encoding, duplicates, schema, timeZone }: SourceRules): string {
  const zoneRules = timeZone === 'UTC' ? '' : process.versions.tz
  const identity = JSON.stringify([url, prefix, ownKeys, imageExtensions, delimiter, encoding, duplicates, schema, timeZone, zoneRules])
  return createHash('sha256').update(identity).digest('base64url')
}
