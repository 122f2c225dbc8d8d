import { EMPTY_STATE, type SourceState } from './source-state.js'

/**
 * Contains the state of the last reconcile: the source index, which decides what the next reconcile downloads, and the records.
 * It contains exactly the objects of the last listing, so its size is bounded by the lake and nothing is evicted.
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
}
