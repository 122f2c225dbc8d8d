import t from 'tap'
import { Refresher, type Refreshed } from '../../lib/refresher.js'
import { StoreError } from '../../lib/store/object-store.js'
import { TestClock } from '../support/app.js'

interface Run { end: (listingMs?: number, failed?: string[], readAgainAt?: number) => void, fail: (error: Error) => void }

function controlled (rules = {}) {
  const clock = new TestClock()
  const runs: Run[] = []
  const changes: string[][] = []
  const refresher = new Refresher<Refreshed>(() => new Promise((resolve, reject) => {
    const listedAt = clock.monotonic()
    runs.push({ end: (listingMs = 0, failed = [], readAgainAt?: number) => resolve({ listedAt, listingMs, failed, readAgainAt }), fail: reject })
  }), { clock: clock.monotonic, rules: { maxStalenessMs: 2000, refreshWaitMs: 20, maxStaleIfErrorMs: Infinity, ...rules }, onChange: ({ reasons }) => changes.push([...reasons]) })
  const load = async (listingMs = 0, failed: string[] = []) => {
    const done = refresher.refresh({ fresh: true })
    runs.at(-1)!.end(listingMs, failed)
    await done
  }
  return { clock, runs, refresher, load, changes }
}

t.test('before the first refresh there is nothing to serve', async (t) => {
  const { refresher, runs } = controlled()
  t.match(refresher.freshness(), { ageMs: undefined, isUsable: false })
  const waiting = refresher.ensure()
  runs[0]!.end()
  t.same(await waiting, { ageMs: 0, staleReasons: [], isUsable: true, freshForMs: 2000 })
})

t.test('data younger than the limit is served as it is; older data is refreshed once for all callers', async (t) => {
  const { clock, refresher, runs, load } = controlled()
  await load()
  clock.advance(2000)
  t.same(await refresher.ensure(), { ageMs: 2000, staleReasons: [], isUsable: true, freshForMs: 0 })
  t.equal(runs.length, 1)
  clock.advance(1)
  const waiting = Promise.all([refresher.ensure(), refresher.ensure(), refresher.ensure()])
  runs[1]!.end()
  for (const freshness of await waiting) t.same(freshness, { ageMs: 0, staleReasons: [], isUsable: true, freshForMs: 2000 })
  t.equal(runs.length, 2)
})

t.test('data may be as old as two listing times, so that a slow listing is not repeated all the time', async (t) => {
  const { clock, refresher, runs, load } = controlled()
  await load(5000)
  clock.advance(10_000)
  t.match(await refresher.ensure(), { staleReasons: [] })
  t.equal(runs.length, 1)
  clock.advance(1)
  t.match(await refresher.ensure(), { ageMs: 10_001, staleReasons: ['refresh_slow'], isUsable: true }, 'it waits for REFRESH_WAIT and no longer')
  t.equal(runs.length, 2)
})

t.test('fresh: waits for a refresh that starts after the call', async (t) => {
  const { refresher, runs, load } = controlled()
  await load()
  const first = refresher.ensure({ fresh: true })
  const second = refresher.ensure({ fresh: true })
  runs[1]!.end()
  await first
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(runs.length, 3)
  runs[2]!.end()
  t.match(await second, { ageMs: 0 })
})

t.test('after a failed refresh the last data is served with the reason, and the next attempt is a second later', async (t) => {
  const { clock, refresher, runs, load } = controlled()
  await load()
  clock.advance(3000)
  const failing = refresher.ensure()
  runs[1]!.fail(new StoreError('unreachable', 'down'))
  t.same(await failing, { ageMs: 3000, staleReasons: ['unreachable'], isUsable: true, freshForMs: 0 })
  clock.advance(999)
  t.match(await refresher.ensure(), { staleReasons: ['unreachable'] })
  t.equal(runs.length, 2)
  clock.advance(1)
  const healing = refresher.ensure()
  runs[2]!.end()
  t.same(await healing, { ageMs: 0, staleReasons: [], isUsable: true, freshForMs: 2000 })
})

t.test('a failed refresh is retried even if the data is young', async (t) => {
  const { clock, refresher, runs, load } = controlled({ maxStalenessMs: 3_600_000 })
  await load()
  const failing = refresher.ensure({ fresh: true })
  runs[1]!.fail(new TypeError('a bug'))
  t.match(await failing, { staleReasons: ['internal_error'], isUsable: true })
  clock.advance(1000)
  const healing = refresher.ensure()
  runs[2]!.end()
  t.match(await healing, { staleReasons: [] })
})

t.test('data that is too old is not served once the bucket fails', async (t) => {
  const { clock, refresher, runs, load } = controlled({ maxStaleIfErrorMs: 60_000 })
  await load()
  clock.advance(60_000)
  const failing = refresher.ensure()
  runs[1]!.fail(new StoreError('timeout', 'slow'))
  t.match(await failing, { isUsable: true })
  clock.advance(1)
  t.match(refresher.freshness(), { staleReasons: ['timeout'], isUsable: false })
})

t.test('a failed download makes the data stale', async (t) => {
  const { refresher, load } = controlled()
  await load(0, ['source_data/1.csv'])
  t.match(refresher.freshness(), { staleReasons: ['download_failed'], isUsable: true })
})

t.test('data is refreshed early if a file can be read again, and not before twice the duration of the listing', async (t) => {
  const { clock, refresher, runs } = controlled({ maxStalenessMs: 60_000 })
  const first = refresher.refresh()
  runs[0]!.end(0, [], clock.monotonic() + 1500)
  await first
  t.match(refresher.freshness(), { freshForMs: 1500, staleReasons: [] })
  clock.advance(1500)
  t.match(await refresher.ensure(), { ageMs: 1500, freshForMs: 0 })
  t.equal(runs.length, 1)
  clock.advance(1)
  const second = refresher.ensure()
  runs[1]!.end(1000, [], clock.monotonic() + 500)
  t.match(await second, { ageMs: 0, freshForMs: 500 })
  clock.advance(2000)
  await refresher.ensure()
  t.equal(runs.length, 2)
  clock.advance(1)
  const third = refresher.ensure()
  runs[2]!.end()
  t.match(await third, { ageMs: 0, freshForMs: 60_000 })
})

t.test('refresh rejects with the error of the listing', async (t) => {
  const { refresher, runs } = controlled()
  const failing = t.rejects(refresher.refresh(), { code: 'access_denied' })
  runs[0]!.fail(new StoreError('access_denied', 'no'))
  await failing
  t.match(refresher.freshness(), { ageMs: undefined, staleReasons: ['access_denied'], isUsable: false })
})

t.test('only a failing bucket makes data too old: slow listings and failed downloads do not', async (t) => {
  const { clock, refresher, load } = controlled({ maxStaleIfErrorMs: 1000 })
  await load(5000, ['source_data/1.csv'])
  clock.advance(60_000)
  t.match(await refresher.ensure(), { ageMs: 60_000, isUsable: true })
})

t.test('while the bucket does not respond, one request waits and the others do not', async (t) => {
  const { clock, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  await load()
  clock.advance(3000)
  const failing = refresher.ensure()
  runs[1]!.fail(new StoreError('timeout', 'silence'))
  await failing
  clock.advance(1000)
  let isWaiting = true
  const first = refresher.ensure().then(() => { isWaiting = false })
  t.match(await refresher.ensure(), { staleReasons: ['timeout'], isUsable: true })
  t.equal(isWaiting, true)
  runs[2]!.end()
  await first
})

t.test('several reasons are listed together, and each change is reported once', async (t) => {
  const { clock, refresher, runs, load, changes } = controlled()
  await load()
  t.same(changes, [])
  await load(0, ['source_data/1.csv'])
  await load(0, ['source_data/1.csv'])
  t.same(changes, [['download_failed']])
  clock.advance(3000)
  t.match(await refresher.ensure(), { staleReasons: ['download_failed', 'refresh_slow'] })
  runs.at(-1)!.fail(new StoreError('unreachable', 'no'))
  await t.rejects(refresher.refresh(), { code: 'unreachable' })
  t.match(await refresher.ensure(), { staleReasons: ['unreachable', 'download_failed'] })
  t.same(changes.slice(1), [['download_failed', 'refresh_slow'], ['unreachable', 'download_failed']])
  await load()
  t.same(changes.slice(3), [[]])
  t.match(await refresher.ensure(), { staleReasons: [] })
})
