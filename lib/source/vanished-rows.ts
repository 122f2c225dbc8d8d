import type { MonotonicClock } from '../base/clock.js'
import { MIN_LOSS } from '../base/large-loss.js'
import { fromDraft, NO_ROW } from '../table/row-source.js'
import { TableReader } from '../table/table.js'
import { versionMatcher, type ReconcilePlan } from './reconcile-plan.js'
import type { SourceState } from './source-state.js'

/** How long rows are kept after they have vanished, in milliseconds. */
const KEEP_MS = 600_000

/** Keeps the rows that a listing has lost, if they are many, so that they are not downloaded again if that listing was wrong. */
export class VanishedRows {
  readonly #clock: MonotonicClock
  #kept: { readonly state: SourceState, readonly until: number } | undefined

  constructor (clock: MonotonicClock) {
    this.#clock = clock
  }

  /** Keeps the rows of the previous state if the next one has lost many; of several such states in succession, those of the one with the most rows. */
  keep (previous: SourceState, next: SourceState): void {
    if (previous.table.length - next.table.length < MIN_LOSS) return
    const state = this.#current ?? previous
    this.#kept = { state: state.table.length > previous.table.length ? state : previous, until: this.#clock() + KEEP_MS }
  }

  /** Gives the records of a plan whose info files would have to be downloaded their kept rows, if the files have the same versions. */
  restore (plan: ReconcilePlan): void {
    const state = this.#current
    if (state !== undefined) restoreRows(plan, state)
  }

  get #current (): SourceState | undefined {
    if (this.#kept !== undefined && this.#clock() >= this.#kept.until) this.#kept = undefined
    return this.#kept?.state
  }
}

function restoreRows (plan: ReconcilePlan, state: SourceState): void {
  const { inventory: { infoFiles, entities }, listedRow, rejected, builder, rules } = plan
  const table = new TableReader(state.table)
  const isUnchanged = versionMatcher({ inventory: plan.inventory, previous: state, rules })
  // Both are in the order of the ids: a merge join.
  let row = 0
  entities.forEach((infoFile, entity) => {
    if (listedRow[entity] !== NO_ROW || rejected.has(entity)) return
    const { bytes, start, end } = infoFiles.id(infoFile)
    let order = -1
    for (; row < table.length; row++) {
      order = table.keys.compare(row, bytes, start, end)
      if (order >= 0) break
    }
    if (order !== 0 || !isUnchanged(row, infoFile)) return
    const { etag, size } = infoFiles.at(infoFile)
    listedRow[entity] = fromDraft(builder.add(table.fields(row), { etag, size, racy: false }))
  })
}
