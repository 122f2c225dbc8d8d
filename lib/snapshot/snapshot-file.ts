import { createHash } from 'node:crypto'
import type { InputEncoding } from '../base/info-formats.js'
import type { SourceRules } from '../source/rules.js'
import type { SourceState } from '../source/source-state.js'
import { StoreError, type ObjectStore, type StoreErrorCode } from '../store/object-store.js'
import { undefinedIfRefused } from '../store/own-object.js'
import { decodeInThread } from './decode-in-thread.js'
import { loadCodec } from './load-codec.js'
import type { SnapshotProblem } from './snapshot.js'

/** Why a process could not start from the snapshot: the snapshot is not usable, or the store could not read it. */
export type SnapshotFailure = SnapshotProblem | StoreErrorCode

/** The state in the snapshot, or why it could not be used. Both are missing if there is no snapshot. */
export interface LoadedSnapshot {
  readonly state?: SourceState
  readonly failure?: SnapshotFailure
}

/** The snapshot object of a lake. It may be missing, outdated, damaged or written by another process; a state that is read from it is always valid. */
export class SnapshotFile {
  readonly #store: ObjectStore
  readonly #key: string
  readonly #identity: string
  /** The ETag of the snapshot when it was last read or written; `null` if no snapshot existed, `undefined` if it is unknown. */
  #etag: string | null | undefined
  /** The name of the state in the snapshot; `undefined` if it is unknown. */
  #savedName: string | undefined

  constructor (store: ObjectStore, key: string, rules: SourceRules) {
    this.#store = store
    this.#key = key
    this.#identity = lakeIdentity(store.url, rules)
  }

  /** Reads the snapshot. Never rejects: if the store fails, the listing will report it. */
  async load (): Promise<LoadedSnapshot> {
    try {
      const found = await this.#store.get(this.#key).catch(undefinedIfRefused)
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

  /** Writes the snapshot, unless it contains this state already or another process has written one in the meantime. @throws StoreError */
  async save (state: SourceState): Promise<void> {
    if (state.name === this.#savedName) return
    const { encodeSnapshot } = await loadCodec()
    const body = encodeSnapshot(state, this.#identity)
    if (this.#etag === undefined) this.#etag = (await this.#store.head(this.#key).catch(undefinedIfRefused))?.etag ?? null
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

/** The revisions of decoders. A revision must be increased when its decoder begins to reject files that it accepted before, or the reverse: states that contain rows or rejects of such files are then not used. */
const TEXT_REVISIONS: Readonly<Partial<Record<InputEncoding, number>>> = { 'utf-16': 1, 'windows-1252': 2, 'iso-8859-1': 2 }

/** Identifies the lake and everything else that its rows depend on: the settings, the version of the time zone database that Node includes, and the revision of the decoder. */
export function lakeIdentity (url: string, { prefix, ownKeys, imageExtensions, delimiter, encoding, duplicates, schema, hidden, timeZone }: SourceRules): string {
  const zoneRules = timeZone === 'UTC' ? '' : process.versions.tz
  const identity = JSON.stringify([url, prefix, ownKeys, imageExtensions, delimiter, encoding, duplicates, schema, timeZone, zoneRules, ...hidden === undefined ? [] : [hidden], ...TEXT_REVISIONS[encoding] === undefined ? [] : [TEXT_REVISIONS[encoding]]])
  return createHash('sha256').update(identity).digest('base64url')
}
