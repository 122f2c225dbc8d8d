import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { NO_HISTORY, spendBudget, planRefresh } from '../../lib/refresh-rule.js'
import { Refresher, type Refreshed } from '../../lib/refresher.js'
import { StoreError } from '../../lib/store/object-store.js'
import { runs } from '../support/property-runs.js'
import { VirtualTime } from '../support/virtual-time.js'

const RULES = { maxStalenessMs: 2000, refreshWaitMs: 1000, maxStaleIfErrorMs: Infinity, maxListRequests: 600 }

/** A refresh that has begun: when, with how many requests, and whether a caller has required it, or there was no data. */
interface Start { readonly at: number, readonly requests: number, readonly isRequired: boolean }

interface Lake {
  /** The requests of each listing, in turn. */
  readonly requests: readonly number[]
  readonly maxListRequests: number
  /** The milliseconds of a refresh, in turn; `undefined`: it fails after a second, when half of its requests have been sent. */
  readonly durations: readonly (number | undefined)[]
}

function start ({ requests, maxListRequests, durations }: Lake) {
  const time = new VirtualTime()
  const starts: Start[] = []
  const intervals: (number | undefined)[] = []
  const refresher: Refresher<Refreshed> = new Refresher<Refreshed>(async (isRequired, onRequests) => {
    const at = time.clock()
    const ms = durations[starts.length % durations.length]
    const sent = requests[starts.length % requests.length]! * (ms === undefined ? 0.5 : 1)
    starts.push({ at, requests: sent, isRequired: isRequired || refresher.last === undefined })
    onRequests(sent)
    await time.sleep(ms ?? 1000)
    if (ms === undefined) throw new StoreError('timeout', 'silence')
    return { listedAt: at, listingMs: ms, requests: sent, failed: [] }
  }, { clock: time.clock, timer: time.timer, pause: (ms) => time.sleep(ms), rules: { ...RULES, maxListRequests }, onBudget: (ms) => intervals.push(ms) })
  return { time, starts, refresher, intervals }
}

const lakes = fc.record({
  requests: fc.array(fc.nat(3000), { minLength: 1, maxLength: 4 }),
  maxListRequests: fc.integer({ min: 1, max: 10_000 }),
  durations: fc.array(fc.option(fc.nat(3000), { nil: undefined, freq: 5 }), { minLength: 1, maxLength: 4 })
})
/** Reads, some of which require a refresh, with the milliseconds after each of them. */
const reads = fc.array(fc.record({ gap: fc.nat(30_000), isRequired: fc.boolean() }), { minLength: 1, maxLength: 40 })

t.test('a refresh that no caller has required begins only after the time for which all requests before it have spent the budget', async () => {
  await fc.assert(fc.asyncProperty(lakes, reads, async (lake, reads) => {
    const { time, starts, refresher } = start(lake)
    for (const { gap, isRequired } of reads) {
      refresher.ensure({ fresh: isRequired })
      await time.advance(gap)
    }
    let spentUntil = 0
    for (const [i, { at, requests, isRequired }] of starts.entries()) {
      if (i > 0 && !isRequired) assert.ok(at >= spentUntil - 1e-6, `refresh ${i} begins at ${at}, the budget is spent until ${spentUntil}`)
      spentUntil = Math.max(spentUntil, at) + requests * 60_000 / lake.maxListRequests
    }
  }), runs(200))
})

t.test('required refreshes begin at least 200 ms apart, each caller gets one that begins after its call, and none waits for the budget', async () => {
  const calls = fc.array(fc.nat(300), { minLength: 2, maxLength: 40 })
  await fc.assert(fc.asyncProperty(fc.nat(500), calls, async (ms, gaps) => {
    const { time, starts, refresher } = start({ requests: [5000], maxListRequests: 1, durations: [ms] })
    for (const gap of gaps) {
      const calledAt = time.clock()
      refresher.refresh({ fresh: true }).then(({ listedAt }) => assert.ok(listedAt >= calledAt && listedAt <= calledAt + 200 + ms))
      await time.advance(gap)
    }
    await time.advance(2000)
    assert.ok(starts.every(({ at }, i) => i === 0 || at - starts[i - 1]!.at >= 200))
    assert.equal(refresher.freshness().ageMs! < 2000 + 300 + ms + 200, true, 'every call has ended')
  }), runs(200))
})

t.test('the budget delays the next refresh; the data becomes old later by as much as the budget delays the earliest refresh that could begin after the last one', async (t) => {
  const duration = fc.nat(100_000)
  const durations = fc.array(duration, { minLength: 1, maxLength: 5 })
  const history = fc.record({ listedAt: duration, listingMs: durations, refreshMs: durations, lastMs: duration })
  fc.assert(fc.property(history, fc.nat(1_000_000), (history, spentUntil) => {
    const free = planRefresh({ ...NO_HISTORY, ...history }, RULES)
    const { dueAt, oldAt } = planRefresh({ ...NO_HISTORY, ...history, spentUntil }, RULES)
    const possibleAt = Math.max(free.dueAt, history.listedAt + history.lastMs)
    return dueAt === Math.max(free.dueAt, spentUntil) && oldAt - free.oldAt === Math.max(0, spentUntil - possibleAt)
  }), runs(1000))
  const slow = { ...NO_HISTORY, listedAt: 10_000, listingMs: [50], refreshMs: [8000], lastMs: 8000 }
  t.equal(planRefresh({ ...slow, spentUntil: spendBudget(3, 0, slow.listedAt, { ...RULES, maxListRequests: Infinity }) }, RULES).oldAt, slow.listedAt + RULES.maxStalenessMs, 'a long refresh, without a budget')
})

t.test('while there is no data, failed listings are repeated after a second, whatever the budget', async (t) => {
  const { time, starts, refresher } = start({ requests: [4000], maxListRequests: 1, durations: [undefined, undefined, 500] })
  for (let i = 0; i < 60; i++) {
    refresher.ensure()
    await time.advance(100)
  }
  t.same(starts.map(({ at }) => at), [0, 2000, 4000])
})

t.test('time without requests is not saved up', async (t) => {
  t.equal(spendBudget(60, 0, 1_000_000, RULES), 1_006_000)
  t.equal(spendBudget(60, 1_000_000, 0, RULES), 1_006_000)
  t.equal(spendBudget(60, 0, 1000, { ...RULES, maxListRequests: Infinity }), 1000)
})

t.test('while the budget delays refreshes, no read waits, and the age of the data grows', async (t) => {
  const { time, starts, refresher, intervals } = start({ requests: [200], maxListRequests: 600, durations: [500] })
  const first = refresher.ensure()
  await time.advance(1000)
  await first
  const ages: number[] = []
  for (let i = 0; i < 600; i++) {
    const read = refresher.ensure().then(({ ageMs, staleReasons }) => {
      ages.push(ageMs!)
      t.same(staleReasons, [])
    })
    await time.advance(0)
    await read // time has not passed
    await time.advance(100)
  }
  t.same(starts.map(({ at }) => at), [0, 20_000, 40_000, 60_000])
  t.equal(Math.max(...ages), 20_400)
  t.same(intervals, [20_000], 'reported once')
})
