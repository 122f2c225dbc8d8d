import fc from 'fast-check'
import t from 'tap'
import { NO_HISTORY, planRefresh, remember, type RefreshHistory } from '../../lib/refresh-rule.js'
import { Refresher, type Freshness, type Refreshed } from '../../lib/refresher.js'
import { StoreError } from '../../lib/store/object-store.js'
import { runs } from '../support/property-runs.js'
import { VirtualTime } from '../support/virtual-time.js'

const RULES = { maxStalenessMs: 2000, refreshWaitMs: 1000, maxStaleIfErrorMs: Infinity, maxListRequests: Infinity }

const duration = fc.nat(100_000)
const durations = fc.array(duration, { minLength: 1, maxLength: 5 })
const histories: fc.Arbitrary<RefreshHistory> = fc.record({ listedAt: duration, listingMs: durations, refreshMs: durations, lastMs: duration, failedAt: fc.option(duration, { nil: undefined }), spentUntil: fc.constant(-Infinity) })
const rules = fc.record({ maxStalenessMs: duration, refreshWaitMs: duration, maxStaleIfErrorMs: fc.constant(Infinity), maxListRequests: fc.constant(Infinity) })

t.test('data is old after MAX_STALENESS or, if that is longer, two listing times up to a minute; a refresh is due earlier', async () => {
  fc.assert(fc.property(histories, rules, ({ listedAt, listingMs, ...history }, rules) => {
    const { dueAt, oldAt } = planRefresh({ ...history, listedAt, listingMs, failedAt: undefined }, rules)
    const allowedMs = oldAt - listedAt!
    return dueAt <= oldAt && allowedMs >= rules.maxStalenessMs && allowedMs <= Math.max(rules.maxStalenessMs, 2 * Math.max(...listingMs), 0) &&
      allowedMs <= Math.max(rules.maxStalenessMs, 60_000)
  }), runs(1000))
})

t.test('two slow listings among five do not change when data is old', async () => {
  const fast = fc.array(fc.nat(2000), { minLength: 3, maxLength: 3 })
  const slow = fc.array(duration, { maxLength: 2 })
  fc.assert(fc.property(fast, slow, fc.func(fc.nat()), (fast, slow, orderOf) => {
    const listingMs = [...fast, ...slow].toSorted((a, b) => orderOf(a) - orderOf(b))
    const { oldAt } = planRefresh({ ...NO_HISTORY, listedAt: 0, listingMs, refreshMs: listingMs }, RULES)
    return oldAt <= Math.max(RULES.maxStalenessMs, 2 * Math.max(...fast))
  }), runs(1000))
})

t.test('reads wait for REFRESH_WAIT at most, and not at all if the last refresh took longer', async () => {
  fc.assert(fc.property(histories, rules, (history, rules) =>
    planRefresh(history, rules).waitMs === (history.lastMs > rules.refreshWaitMs ? 0 : rules.refreshWaitMs)), runs(1000))
})

t.test('the last five durations are remembered', async (t) => {
  t.same([1, 2, 3, 4, 5, 6, 7].reduce(remember, []), [3, 4, 5, 6, 7])
})

interface Scenario {
  /** How many milliseconds the first refresh takes. */
  readonly coldMs: number
  /** How many milliseconds the later refreshes take, in turn; `undefined` is one that fails after 20 s. */
  readonly durations: readonly (number | undefined)[]
  /** The milliseconds before each read. */
  readonly gaps: readonly number[]
}

/** Returns the freshness that each read has got, `undefined` for a read that waits, and which refreshes have begun: whether each one fails. */
async function simulate ({ coldMs, durations, gaps }: Scenario): Promise<{ reads: (Freshness | undefined)[], refreshes: { readonly fails: boolean }[], time: VirtualTime }> {
  const time = new VirtualTime()
  const refreshes: { readonly fails: boolean }[] = []
  const refresher = new Refresher<Refreshed>(async () => {
    const ms = refreshes.length === 0 ? coldMs : durations[refreshes.length % durations.length]
    const listedAt = time.clock()
    refreshes.push({ fails: ms === undefined })
    await time.sleep(ms ?? 20_000)
    if (ms === undefined) throw new StoreError('timeout', 'silence')
    return { listedAt, listingMs: refreshes.length === 1 ? 0 : ms, requests: 0, failed: [] }
  }, { clock: time.clock, timer: time.timer, rules: RULES })
  refresher.refresh()
  await time.advance(coldMs)
  const reads: (Freshness | undefined)[] = []
  for (const gap of gaps) {
    await time.advance(gap)
    let freshness: Freshness | undefined
    refresher.ensure().then((result) => { freshness = result })
    await time.advance(0)
    reads.push(freshness)
  }
  return { reads, refreshes, time }
}

const MAX_GAP_MS = 600
const gaps = fc.array(fc.integer({ min: 1, max: MAX_GAP_MS }), { minLength: 20, maxLength: 60 })

t.test('under traffic no read waits, however long refreshes take, and whether they fail or not', async () => {
  const durations = fc.array(fc.option(fc.nat(30_000), { nil: undefined }), { minLength: 1, maxLength: 10 })
  await fc.assert(fc.asyncProperty(duration, durations, gaps, async (coldMs, durations, gaps) => {
    const { reads } = await simulate({ coldMs, durations, gaps })
    return !reads.includes(undefined)
  }), runs(100))
})

t.test('under traffic data is no older than MAX_STALENESS or two listing times, if these differ by a factor of two at most', async () => {
  const durations = fc.nat(10_000).chain((ms) => fc.array(fc.integer({ min: ms, max: 2 * ms }), { minLength: 1, maxLength: 10 }))
  await fc.assert(fc.asyncProperty(durations, gaps, async (durations, gaps) => {
    const { reads } = await simulate({ coldMs: durations[0]!, durations, gaps })
    const limitMs = Math.max(RULES.maxStalenessMs, 2 * Math.max(...durations)) + MAX_GAP_MS
    return reads.every((freshness) => freshness!.ageMs! <= limitMs)
  }), runs(100))
})

t.test('after the last read at most one more refresh begins; if it fails, it is repeated until it succeeds', async () => {
  const rare = fc.array(fc.nat(5000), { minLength: 1, maxLength: 20 })
  const durations = fc.array(fc.option(fc.nat(3000), { nil: undefined }), { minLength: 1, maxLength: 10 })
  await fc.assert(fc.asyncProperty(durations, rare, async (durations, gaps) => {
    const { refreshes, time } = await simulate({ coldMs: 0, durations, gaps })
    const before = refreshes.length
    await time.advance(3_600_000)
    return refreshes.slice(before, -1).every(({ fails }) => fails) && (!refreshes.at(-1)!.fails || durations.every((ms) => ms === undefined))
  }), runs(100))
})

t.test('reads so rare that the data is old each time start one refresh each', async (t) => {
  const { refreshes, time } = await simulate({ coldMs: 100, durations: [100], gaps: [5000, 5000, 5000] })
  await time.advance(3_600_000)
  t.equal(refreshes.length, 4)
})
