import fc from 'fast-check'
import t from 'tap'
import { LargeLossError } from '../../../lib/base/errors.js'
import { isLargeLoss } from '../../../lib/base/large-loss.js'
import { countUnconfirmed, LossGuard } from '../../../lib/source/loss-guard.js'
import type { ReconcilePlan } from '../../../lib/source/reconcile-plan.js'
import { rejection, UNREAD_CODES, type RejectCode } from '../../../lib/source/reject.js'
import { EMPTY_NAME, encodeRejectedFiles, type RejectedFile } from '../../../lib/source/source-state.js'
import { NO_ROW } from '../../../lib/table/row-source.js'
import { toSlice } from '../../../lib/table/utf8-column.js'
import { runs } from '../../support/property-runs.js'

interface Listing {
  /** The rows of the state that are listed. */
  readonly rows: ReadonlySet<number>
  /** The number of listed files that the state does not know. */
  readonly others?: number
  /** The ids of the unread files of the state that are listed. */
  readonly unread?: readonly string[]
}

/** The unread files of the state, by id, and one rejected file whose content is known. */
function rejectedFiles (unread: readonly string[]): RejectedFile[] {
  const file = (id: string, code: RejectCode): RejectedFile => ({ id, key: `${id}.csv`, etag: '', size: 0, racy: false, rejection: rejection(code, '') })
  return [...unread.map((id, i) => file(id, UNREAD_CODES[i % UNREAD_CODES.length]!)), file('invalid', 'no_row')]
}

/** A plan of a listing that is compared with a state with `length` rows, whose ids are their numbers, and with unread files. */
function planOf (name: string, length: number, { rows, others = 0, unread: listed = [] }: Listing, unread: readonly string[] = []): ReconcilePlan {
  const ids = [...rows].sort((a, b) => a - b).map(String).concat(listed, Array.from({ length: others }, (_, i) => `new ${i}`))
  return {
    previous: { name, rejected: encodeRejectedFiles(rejectedFiles(unread)) },
    inventory: { entities: ids.map((_, i) => i), infoFiles: { id: (i: number) => toSlice(ids[i]!) } },
    table: { length, keys: { find: (id: string) => /^\d+$/.test(id) && Number(id) < length ? Number(id) : -1 } },
    lastGoodRow: Int32Array.from(ids.map((id) => /^\d+$/.test(id) ? Number(id) : NO_ROW))
  } as unknown as ReconcilePlan
}

/** Whether the guard believes a listing. */
function believes (guard: LossGuard, plan: ReconcilePlan, published?: number): boolean {
  try {
    guard.check(plan, published)
    return true
  } catch (error) {
    if (error instanceof LargeLossError) return false
    throw error
  }
}

const ROWS = 400
/** The ids of unread files of the state. Another one, '7', has a row: it is not counted twice. */
const UNREAD = Array.from({ length: 120 }, (_, i) => `unread ${i}`)
const IDS = Array.from({ length: ROWS }, (_, row) => String(row)).concat(UNREAD)
const subset = fc.uniqueArray(fc.nat(ROWS - 1), { maxLength: ROWS }).map((rows) => new Set(rows))

t.test('a listing is believed unless many records, read or not, are missing that the previous listing, compared with the same state, had', async () => {
  const step = fc.record({ state: fc.constantFrom('1@0', '2@1'), rows: subset, others: fc.nat(3), unread: fc.subarray(UNREAD) })
  fc.assert(fc.property(fc.array(step, { maxLength: 6 }), fc.constantFrom(0, 0.2, 0.5, 1), (steps, maxLoss) => {
    const guard = new LossGuard(maxLoss)
    let last: { readonly state: string, readonly missing: readonly string[] } | undefined
    for (const { state, rows, others, unread } of steps) {
      const listed = new Set([...[...rows].map(String), ...unread])
      const missing = IDS.filter((id) => !listed.has(id))
      // Fewer than 100 missing records confirm nothing.
      const confirms = (id: string) => last?.state === state && last.missing.includes(id) && last.missing.length >= 100
      const unconfirmed = missing.length < 100 ? 0 : missing.filter((id) => !confirms(id)).length
      if (believes(guard, planOf(state, ROWS, { rows, others, unread }, [...UNREAD, '7'])) === isLargeLoss({ lost: unconfirmed, before: ROWS + UNREAD.length - unread.length }, maxLoss)) return false
      last = { state, missing }
    }
    return true
  }), runs(300))
})

t.test('without a previous state, the number of published records counts', async (t) => {
  const listing = (entities: number) => planOf(EMPTY_NAME, 0, { rows: new Set(), others: entities })
  t.ok(believes(new LossGuard(0.2), listing(0)), 'nothing is published, or it is not known')
  t.ok(believes(new LossGuard(0.2), listing(0), 99))
  const guard = new LossGuard(0.2)
  t.notOk(believes(guard, listing(500), 1000))
  t.notOk(believes(guard, listing(200), 1000), 'fewer still')
  t.same(guard.check(listing(300), 1000), { lost: 700, before: 1000 })
})

t.test('the same listing twice is always believed', async () => {
  fc.assert(fc.property(subset, fc.nat(1000), (rows, published) => {
    const [guard, plan, first] = [new LossGuard(0), planOf('1@0', ROWS, { rows }), planOf(EMPTY_NAME, 0, { rows: new Set(), others: rows.size })]
    believes(guard, plan)
    if (!believes(guard, plan)) return false
    believes(guard, first, published)
    return believes(guard, first, published)
  }), runs(300))
})

t.test('what a listing lacks is counted without what the earlier one lacked', async (t) => {
  const missing = (rows: number[], count = 0, unread: string[] = []) => ({ rows: Uint8Array.from(rows), unread: new Set(unread), count })
  t.equal(countUnconfirmed(missing([1, 1, 0, 1]), missing([1, 0, 1, 0])), 2)
  t.equal(countUnconfirmed(missing([1, 1]), missing([])), 2)
  t.equal(countUnconfirmed(missing([], 10), missing([], 4)), 6)
  t.equal(countUnconfirmed(missing([], 4), missing([], 10)), 0)
  t.equal(countUnconfirmed(missing([1], 0, ['a', 'b']), missing([0], 0, ['b', 'c'])), 2)
})
