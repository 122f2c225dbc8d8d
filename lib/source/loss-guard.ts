import { LargeLossError } from '../base/errors.js'
import { isLargeLoss, MIN_LOSS, type Loss } from '../base/large-loss.js'
import { sliceToString } from '../store/object-list.js'
import { NO_ROW } from '../table/row-source.js'
import type { ReconcilePlan } from './reconcile-plan.js'
import { EMPTY_NAME, isUnread, rejectedFilesOf } from './source-state.js'

/** The records that a listing lacks. */
export interface MissingRecords {
  /** For each row of the previous state, 1 if the listing has no info file of it. Empty if fewer than MIN_LOSS records are missing. */
  readonly rows: Uint8Array
  /** The ids of unread files of the previous state that the listing lacks: they may be records. Empty if fewer than MIN_LOSS records are missing. */
  readonly unread: ReadonlySet<string>
  /** Without a previous state: the number of missing records. */
  readonly count: number
}

/** The number of records that a listing lacks and an earlier one had. */
export function countUnconfirmed (missing: MissingRecords, earlier: MissingRecords): number {
  let rows = 0
  for (let row = 0; row < missing.rows.length; row++) if (missing.rows[row] === 1 && earlier.rows[row] !== 1) rows++
  const unread = [...missing.unread].filter((id) => !earlier.unread.has(id)).length
  return rows + unread + Math.max(0, missing.count - earlier.count)
}

const NONE: MissingRecords = { rows: new Uint8Array(), unread: new Set(), count: 0 }

/**
 * Decides whether a listing is believed that lacks many records: only if the previous listing, compared with the same state, lacks them as well. A
 * valid listing may be wrong: a proxy or a restored bucket may have had half of the objects.
 */
export class LossGuard {
  readonly #maxLoss: number
  /** What the last listing lacks, compared with the state of this name. */
  #last: { readonly state: string, readonly missing: MissingRecords } | undefined

  /** @param maxLoss as in `isLargeLoss` */
  constructor (maxLoss: number) {
    this.#maxLoss = maxLoss
  }

  /**
   * Checks the listing of a plan.
   *
   * @param published the number of records in the output; used without a previous state, and `undefined` if it is unknown
   * @returns the loss if it is large
   * @throws LargeLossError if it is large and the previous listing does not confirm it
   */
  check (plan: ReconcilePlan, published: number | undefined): Loss | undefined {
    const { previous: { name }, inventory: { entities }, table } = plan
    const isFirst = name === EMPTY_NAME
    const missing = isFirst ? { ...NONE, count: Math.max(0, (published ?? 0) - entities.length) } : findMissing(plan)
    const before = isFirst ? published ?? 0 : table.length + missing.unread.size
    const earlier = this.#last?.state === name ? this.#last.missing : NONE
    this.#last = { state: name, missing }
    const loss = { lost: countUnconfirmed(missing, NONE), before }
    if (isLargeLoss({ lost: countUnconfirmed(missing, earlier), before }, this.#maxLoss)) throw new LargeLossError(loss)
    return isLargeLoss(loss, this.#maxLoss) ? loss : undefined
  }
}

/** What the listing lacks of the previous state. */
function findMissing ({ previous, lastGoodRow, table, inventory: { entities, infoFiles } }: ReconcilePlan): MissingRecords {
  const rows = new Uint8Array(table.length).fill(1)
  // Before a lake has been read once, most of its records may be unread files.
  const unread = new Set([...rejectedFilesOf(previous).values()].filter(isUnread).map(({ id }) => id).filter((id) => table.keys.find(id) === -1))
  let missing = table.length
  lastGoodRow.forEach((row, entity) => {
    if (row !== NO_ROW) {
      rows[row] = 0
      missing--
    } else if (unread.size > 0) {
      unread.delete(sliceToString(infoFiles.id(entities[entity]!)))
    }
  })
  return missing + unread.size < MIN_LOSS ? NONE : { rows, unread, count: 0 }
}
