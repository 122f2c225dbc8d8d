import type { SkippedFile } from '../store/object-store.js'

/** Entries of a folder that cannot be objects, by reason. */
export interface SkippedFiles {
  readonly reason: SkippedFile['reason']
  readonly count: number
  /** The path of the first one. */
  readonly example: string
}

/** Counts entries of a folder that cannot be objects. */
export class SkippedCounter {
  readonly #groups = new Map<SkippedFile['reason'], { count: number, readonly example: string }>()

  add ({ reason, path }: SkippedFile): void {
    const group = this.#groups.get(reason)
    if (group === undefined) this.#groups.set(reason, { count: 1, example: path })
    else group.count++
  }

  list (): SkippedFiles[] {
    return [...this.#groups].map(([reason, group]) => ({ reason, ...group }))
  }
}
