import type { ObjectInfo } from '../store/object-store.js'
import { Utf8Reader } from '../table/utf8-column.js'
import { EMPTY_STATE, type SourceState } from './source-state.js'

/**
 * Holds the state of the last reconcile: the source index, which decides what the next reconcile downloads, and the records.
 * It knows exactly the objects of the last listing, so it is bounded by the lake and never evicts.
 */
export class EtagCache {
  #state = EMPTY_STATE

  get state (): SourceState {
    return this.#state
  }

  /** Replaces the whole state after a complete reconcile. */
  replace (state: SourceState): void {
    this.#state = state
  }

  /** The image of a user as the last listing knew it; `undefined` if the user has no row or no image. */
  image (userId: string): ObjectInfo | undefined {
    const { table, images: { etags, sizes, modified } } = this.#state
    const row = new Utf8Reader(table.userIds).find(userId)
    const keys = new Utf8Reader(table.images)
    if (row === -1 || keys.isEmpty(row)) return undefined
    return { key: keys.at(row), etag: new Utf8Reader(etags).at(row), size: sizes[row]!, lastModified: modified[row]! }
  }
}
