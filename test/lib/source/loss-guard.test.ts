import fc from 'fast-check'
import t from 'tap'
import { LargeLossError } from '../../../lib/base/errors.js'
import { isLargeLoss } from '../../../lib/base/large-loss.js'
import { countUnconfirmed, LossGuard } from '../../../lib/source/loss-guard.js'
import type { ReconcilePlan } from '../../../lib/source/reconcile-plan.js'
import { EMPTY_NAME } from '../../../lib/source/source-state.js'
import { NO_ROW } from '../../../lib/table/row-source.js'
import { runs } from '../../support/property-runs.js'

/** A plan of a listing that has these rows of a state with `length` rows. */
function planOf (name: string, length: number, rows: ReadonlySet<number>, others = 0): ReconcilePlan {
  const lastGoodRow = Int32Array.from([...[...rows].sort((a, b) => a - b), ...Array<number>(others).fill(NO_ROW)])
  return { previous: { name }, inventory: { entities: new Int32Array(rows.size + others) }, table: { length }, lastGoodRow } as unknown as ReconcilePlan
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
const subset = fc.uniqueArray(fc.nat(ROWS - 1), { maxLength: ROWS }).map((rows) => new Set(rows))

t.test('a listing is believed unless many records are missing that the previous listing, compared with the same state, had', async () => {
  const step = fc.record({ state: fc.constantFrom('1@0', '2@1'), rows: subset, others: fc.nat(3) })
  fc.assert(fc.property(fc.array(step, { maxLength: 6 }), fc.constantFrom(0, 0.2, 0.5, 1), (steps, maxLoss) => {
    const guard = new LossGuard(maxLoss)
    let last: (typeof steps)[number] | undefined
    for (const { state, rows, others } of steps) {
      const missing = Array.from({ length: ROWS }, (_, row) => row).filter((row) => !rows.has(row))
      // Fewer than 100 missing records confirm nothing.
      const confirms = (row: number) => last?.state === state && !last.rows.has(row) && ROWS - last.rows.size >= 100
      const unconfirmed = missing.length < 100 ? 0 : missing.filter((row) => !confirms(row)).length
      if (believes(guard, planOf(state, ROWS, rows, others)) === isLargeLoss({ lost: unconfirmed, before: ROWS }, maxLoss)) return false
      last = { state, rows, others }
    }
    return true
  }), runs(300))
})

t.test('without a previous state, the number of published records counts', async (t) => {
  const listing = (entities: number) => planOf(EMPTY_NAME, 0, new Set(), entities)
  t.ok(believes(new LossGuard(0.2), listing(0)), 'nothing is published, or it is not known')
  t.ok(believes(new LossGuard(0.2), listing(0), 99))
  const guard = new LossGuard(0.2)
  t.notOk(believes(guard, listing(500), 1000))
  t.notOk(believes(guard, listing(200), 1000), 'fewer still')
  t.same(guard.check(listing(300), 1000), { lost: 700, before: 1000 })
})

t.test('the same listing twice is always believed', async () => {
  fc.assert(fc.property(subset, fc.nat(1000), (rows, published) => {
    const [guard, plan, first] = [new LossGuard(0), planOf('1@0', ROWS, rows), planOf(EMPTY_NAME, 0, new Set(), rows.size)]
    believes(guard, plan)
    if (!believes(guard, plan)) return false
    believes(guard, first, published)
    return believes(guard, first, published)
  }), runs(300))
})

t.test('what a listing lacks is counted without what the earlier one lacked', async (t) => {
  const missing = (rows: number[], count = 0) => ({ rows: Uint8Array.from(rows), count })
  t.equal(countUnconfirmed(missing([1, 1, 0, 1]), missing([1, 0, 1, 0])), 2)
  t.equal(countUnconfirmed(missing([1, 1]), missing([])), 2)
  t.equal(countUnconfirmed(missing([], 10), missing([], 4)), 6)
  t.equal(countUnconfirmed(missing([], 4), missing([], 10)), 0)
})
