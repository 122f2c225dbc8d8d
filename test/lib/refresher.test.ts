import t from 'tap'
import { Refresher, type Freshness, type Refreshed } from '../../lib/refresher.js'
import { StoreError } from '../../lib/store/object-store.js'
import { VirtualTime } from '../support/virtual-time.js'

interface Run { end: (failed?: string[], readAgainAt?: number) => void, fail: (error: Error) => void }

function controlled (rules = {}) {
  const time = new VirtualTime()
  const runs: Run[] = []
  const changes: string[][] = []
  let progress = () => {}
  const refresher = new Refresher<Refreshed>((_fresh, onRequests) => new Promise((resolve, reject) => {
    progress = () => onRequests(1)
    const listedAt = time.clock()
    runs.push({ end: (failed = [], readAgainAt?: number) => resolve({ listedAt, listingMs: time.clock() - listedAt, requests: 0, failed, readAgainAt }), fail: reject })
  }), { clock: time.clock, timer: time.timer, pause: async () => {}, rules: { maxStalenessMs: 2000, refreshWaitMs: 20, maxStaleIfErrorMs: Infinity, maxListRequests: Infinity, ...rules }, onChange: ({ reasons }) => changes.push([...reasons]) })
  const load = async (listingMs = 0, failed: string[] = []) => {
    const done = refresher.refresh({ fresh: true })
    await time.advance(listingMs)
    runs.at(-1)!.end(failed)
    await done
  }
  /** Starts a refresh by a read, and lets it fail. */
  const fail = async () => {
    const reading = refresher.ensure()
    runs.at(-1)!.fail(new StoreError('unreachable', 'injected'))
    await reading
  }
  return { time, runs, refresher, load, fail, changes, progress: () => progress() }
}

t.test('before the first refresh there is nothing to serve', async (t) => {
  const { time, refresher, runs, load } = controlled()
  t.match(refresher.freshness(), { ageMs: undefined, isUsable: false })
  const waiting = refresher.ensure()
  await time.advance(60_000)
  t.same(refresher.freshness().staleReasons, [], 'while there is no data, it does not count as old')
  runs[0]!.fail(new Error('injected'))
  t.same(await waiting, { ageMs: undefined, staleReasons: ['internal_error'], isUsable: false, freshForMs: 0 })
  await load()
  t.match(refresher.freshness(), { ageMs: 0, staleReasons: { length: 0 }, isUsable: true, freshForMs: 2000 })
})

t.test('data younger than the limit is served as it is; older data is refreshed once for all callers', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load()
  await time.advance(1999)
  t.match(refresher.freshness(), { ageMs: 1999, staleReasons: { length: 0 }, isUsable: true, freshForMs: 1 })
  t.equal(runs.length, 1)
  await time.advance(2)
  const waiting = Promise.all([refresher.ensure(), refresher.ensure(), refresher.ensure()])
  runs[1]!.end()
  for (const freshness of await waiting) t.same(freshness, { ageMs: 0, staleReasons: [], isUsable: true, freshForMs: 2000 })
  t.equal(runs.length, 2)
})

t.test('data may be as old as two listing times, and one slow listing does not change that', async (t) => {
  const { time, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  for (const listingMs of [3000, 3000, 50_000, 3000]) await load(listingMs)
  await time.advance(2999)
  t.match(await refresher.ensure(), { ageMs: 5999, staleReasons: { length: 0 } })
  await time.advance(2)
  t.match(refresher.freshness(), { ageMs: 6001, staleReasons: ['refresh_slow'] }, 'the refresh that this read has started is late')
  runs.at(-1)!.end()
})

t.test('reads wait until the refresh has lasted REFRESH_WAIT, counted from its start', async (t) => {
  const { time, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  await load()
  await time.advance(3000)
  let isWaiting = true
  const first = refresher.ensure().then(() => { isWaiting = false })
  await time.advance(60_000)
  t.match(await refresher.ensure(), { ageMs: 63_000, staleReasons: ['refresh_slow'] })
  t.equal(isWaiting, true, 'the wait of this read is limited by a timer of the system, for which no time has passed')
  runs[1]!.end()
  await first
})

t.test('no read waits if the last refresh took longer than REFRESH_WAIT, even if it has failed', async (t) => {
  const { time, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  await load(60_001)
  await time.advance(60_000)
  t.match(await refresher.ensure(), { ageMs: 120_001, staleReasons: ['refresh_slow'] })
  await time.advance(60_001)
  runs[1]!.fail(new StoreError('timeout', 'silence'))
  await time.advance(2000)
  t.match(await refresher.ensure(), { staleReasons: ['timeout'] })
  t.equal(runs.length, 3)
})

t.test('under traffic a refresh begins two refresh times before the data is old, and no read waits for it', async (t) => {
  const { time, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  await load(300)
  await time.advance(500)
  await refresher.ensure()
  await time.advance(599)
  t.equal(runs.length, 1)
  await time.advance(1)
  t.equal(runs.length, 2, 'at an age of 1.4 s')
  t.match(await refresher.ensure(), { ageMs: 1400, staleReasons: { length: 0 } })
  await time.advance(601)
  t.match(await refresher.ensure(), { ageMs: 2001, staleReasons: ['refresh_slow'] })
  runs[1]!.end()
})

t.test('without traffic no refresh begins, and one read starts one refresh', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load(300)
  await time.advance(60_000)
  t.equal(runs.length, 1)
  const waiting = refresher.ensure()
  await time.advance(300)
  runs[1]!.end()
  await waiting
  await time.advance(60_000)
  t.equal(runs.length, 2)
})

t.test('without traffic a failed refresh is repeated after growing pauses until it succeeds', async (t) => {
  const { time, runs, load, fail, changes } = controlled()
  await load()
  await time.advance(3000)
  await fail()
  const started: number[] = []
  const failedAt = time.clock()
  for (let i = 2; i < 10; i++) {
    while (runs.length === i) await time.advance(100)
    started.push(time.clock() - failedAt)
    if (i < 9) runs[i]!.fail(new StoreError('unreachable', 'injected'))
    else runs[i]!.end()
    await time.advance(0)
  }
  t.same(started.map((ms, i) => ms - (started[i - 1] ?? 0)), [2000, 3000, 5000, 9000, 17_000, 31_000, 31_000, 31_000], 'a second, and the pause')
  t.same(changes, [['unreachable'], []])
  await time.advance(600_000)
  t.equal(runs.length, 10, 'no refresh without traffic')
})

t.test('a refresh that has failed before the first listing is not repeated by itself', async (t) => {
  const { time, runs, fail } = controlled()
  await fail()
  await time.advance(600_000)
  t.equal(runs.length, 1)
})

t.test('after stop() nothing is reported', async (t) => {
  const { time, refresher, runs, load, changes } = controlled()
  await load()
  await time.advance(3000)
  const interrupted = refresher.ensure()
  refresher.stop()
  runs[1]!.fail(new Error('injected'))
  t.match(await interrupted, { staleReasons: ['internal_error'] })
  t.same(changes, [])
})

t.test('after stop() refreshes begin only with reads', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load()
  await refresher.ensure()
  refresher.stop()
  await time.advance(60_000)
  t.equal(runs.length, 1)
})

t.test('fresh: waits for a refresh that starts after the call', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load()
  await time.advance(200)
  const first = refresher.ensure({ fresh: true })
  const second = refresher.ensure({ fresh: true })
  runs[1]!.end()
  await first
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(runs.length, 3)
  runs[2]!.end()
  t.match(await second, { ageMs: 0 })
})

t.test('fresh: a silent store is waited for 15 s, and one that makes progress as long as it does', async (t) => {
  const { time, refresher, load, progress } = controlled()
  await load()
  await time.advance(200)
  const seen: Freshness[] = []
  refresher.ensure({ fresh: true }).then((freshness) => { seen.push(freshness) })
  for (let i = 0; i < 5; i++) {
    await time.advance(14_999)
    progress()
  }
  t.equal(seen.length, 0)
  await time.advance(15_000)
  t.match(seen, [{ staleReasons: ['refresh_slow'], isUsable: true }])
})

t.test('fresh: a wait that begins during a refresh during which the store is silent does not restart with the next one', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load()
  await time.advance(2500)
  refresher.ensure()
  await time.advance(1000)
  const seen: Freshness[] = []
  refresher.ensure({ fresh: true }).then((freshness) => { seen.push(freshness) })
  await time.advance(13_000)
  runs[1]!.fail(new StoreError('timeout', 'no response'))
  await time.advance(1999)
  t.same([runs.length, seen.length], [3, 0])
  await time.advance(1)
  t.match(seen, [{ staleReasons: ['timeout'], isUsable: true }])
})

t.test('after a failed refresh the last data is served with the reason, and the next attempt is a second later', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load()
  await time.advance(3000)
  const failing = refresher.ensure()
  runs[1]!.fail(new StoreError('unreachable', 'down'))
  t.same(await failing, { ageMs: 3000, staleReasons: ['unreachable'], isUsable: true, freshForMs: 0 })
  await time.advance(999)
  t.equal(runs.length, 2)
  await time.advance(1)
  const healing = refresher.ensure()
  runs[2]!.end()
  t.same(await healing, { ageMs: 0, staleReasons: [], isUsable: true, freshForMs: 2000 })
})

t.test('under traffic the next attempt begins a second after a failure, and no read waits for it', async (t) => {
  const { time, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  await load()
  await time.advance(200)
  const failing = refresher.ensure({ fresh: true })
  runs[1]!.fail(new StoreError('unreachable', 'down'))
  await failing
  t.match(await refresher.ensure(), { staleReasons: ['unreachable'] })
  await time.advance(999)
  t.equal(runs.length, 2)
  await time.advance(1)
  t.equal(runs.length, 3)
  t.match(await refresher.ensure(), { staleReasons: ['unreachable'] })
  runs[2]!.end()
})

t.test('a failed refresh is retried even if the data is young', async (t) => {
  const { time, refresher, runs, load } = controlled({ maxStalenessMs: 3_600_000 })
  await load()
  await time.advance(200)
  const failing = refresher.ensure({ fresh: true })
  runs[1]!.fail(new TypeError('a bug'))
  t.match(await failing, { staleReasons: ['internal_error'], isUsable: true })
  await time.advance(1000)
  const healing = refresher.ensure()
  runs[2]!.end()
  t.match(await healing, { staleReasons: { length: 0 } })
})

t.test('data that is too old is not served once the bucket fails', async (t) => {
  const { time, refresher, runs, load } = controlled({ maxStaleIfErrorMs: 60_000 })
  await load()
  await time.advance(60_000)
  const failing = refresher.ensure()
  runs[1]!.fail(new StoreError('timeout', 'slow'))
  t.match(await failing, { isUsable: true })
  await time.advance(1)
  t.match(refresher.freshness(), { staleReasons: ['timeout'], isUsable: false })
})

t.test('a failed download makes the data stale', async (t) => {
  const { refresher, load } = controlled()
  await load(0, ['source_data/1.csv'])
  t.match(refresher.freshness(), { staleReasons: ['download_failed'], isUsable: true })
})

t.test('if a file can be read again, data is refreshed early; after a pause without reads, by the first read', async (t) => {
  const { time, refresher, runs } = controlled({ maxStalenessMs: 60_000 })
  const first = refresher.refresh()
  runs[0]!.end([], 1500)
  await first
  t.match(refresher.freshness(), { freshForMs: 1500, staleReasons: { length: 0 } })
  await time.advance(1501)
  const second = refresher.ensure()
  runs[1]!.end()
  t.match(await second, { ageMs: 0, freshForMs: 60_000 })
})

t.test('under traffic the refresh for a file that can be read again begins as soon as it can be read, and not earlier', async (t) => {
  const { time, refresher, runs } = controlled({ maxStalenessMs: 60_000 })
  refresher.refresh()
  await time.advance(1000)
  runs[0]!.end([], 1500)
  await time.advance(499)
  t.match(await refresher.ensure(), { ageMs: 1499, freshForMs: 1 })
  t.equal(runs.length, 1)
  await time.advance(1)
  t.equal(runs.length, 2)
})

t.test('lost data is not served until a refresh has succeeded, and that refresh begins without a read', async (t) => {
  const { time, refresher, runs, load } = controlled()
  await load()
  refresher.discard()
  t.match(refresher.freshness(), { ageMs: undefined, isUsable: false, freshForMs: 0 })
  t.equal(refresher.last, undefined)
  await time.advance(2000)
  t.equal(runs.length, 2)
  runs[1]!.fail(new StoreError('access_denied', 'denied'))
  await time.advance(0)
  t.match(refresher.freshness(), { ageMs: undefined, staleReasons: ['access_denied'], isUsable: false })
  await load()
  t.match(refresher.freshness(), { ageMs: 0, staleReasons: { length: 0 }, isUsable: true })
})

t.test('refresh rejects with the error of the listing', async (t) => {
  const { refresher, runs } = controlled()
  const failing = t.rejects(refresher.refresh(), { code: 'access_denied' })
  runs[0]!.fail(new StoreError('access_denied', 'no'))
  await failing
  t.match(refresher.freshness(), { ageMs: undefined, staleReasons: ['access_denied'], isUsable: false })
})

t.test('only a failing bucket makes data too old: slow listings and failed downloads do not', async (t) => {
  const { time, refresher, load } = controlled({ maxStaleIfErrorMs: 1000 })
  await load(5000, ['source_data/1.csv'])
  await time.advance(55_000)
  t.match(await refresher.ensure(), { ageMs: 60_000, isUsable: true })
})

t.test('while the bucket does not respond, one request waits and the others do not', async (t) => {
  const { time, refresher, runs, load } = controlled({ refreshWaitMs: 60_000 })
  await load()
  await time.advance(3000)
  const failing = refresher.ensure()
  runs[1]!.fail(new StoreError('timeout', 'silence'))
  await failing
  await time.advance(1000)
  let isWaiting = true
  const first = refresher.ensure().then(() => { isWaiting = false })
  t.match(await refresher.ensure(), { staleReasons: ['timeout'], isUsable: true })
  t.equal(isWaiting, true)
  runs[2]!.end()
  await first
})

t.test('several reasons are listed together, and each change is reported once', async (t) => {
  const { time, refresher, runs, load, changes } = controlled()
  await load()
  t.same(changes, [])
  await load(0, ['source_data/1.csv'])
  await load(0, ['source_data/1.csv'])
  t.same(changes, [['download_failed']])
  await time.advance(3000)
  t.match(await refresher.ensure(), { staleReasons: ['download_failed', 'refresh_slow'] })
  runs.at(-1)!.fail(new StoreError('unreachable', 'no'))
  await t.rejects(refresher.refresh(), { code: 'unreachable' })
  t.match(await refresher.ensure(), { staleReasons: ['unreachable', 'download_failed'] })
  t.same(changes.slice(1), [['download_failed', 'refresh_slow'], ['unreachable', 'download_failed']])
  await load()
  t.same(changes.slice(3), [[]])
  t.match(await refresher.ensure(), { staleReasons: { length: 0 } })
})
