import fc from 'fast-check'
import t from 'tap'
import { AdaptiveLimit, type LimitBounds } from '../../../lib/base/adaptive-limit.js'
import { AdaptiveRate } from '../../../lib/base/adaptive-rate.js'
import { INITIAL_DOWNLOADS } from '../../../lib/store/s3/download-queue.js'
import { runs } from '../../support/property-runs.js'
import { simulate, type SimulatedStore } from '../../support/simulated-store.js'

const BOUNDS: LimitBounds = { min: 8, max: 512, initial: 64 }
/** The bounds of downloads, with which the speed of whole loads is tested. */
const DOWNLOADS: LimitBounds = { min: 8, max: 512, initial: INITIAL_DOWNLOADS }
const OBJECTS = 20_000

const fixed = (limit: number): LimitBounds => ({ min: limit, max: limit, initial: limit })

function load (bounds: LimitBounds, store: SimulatedStore): { readonly ms: number, readonly mostInFlight: number, readonly limit: number } {
  const limit = new AdaptiveLimit(bounds)
  return { ...simulate(limit, new AdaptiveRate(), OBJECTS, store), limit: limit.current }
}

t.test('a load takes at most 1/0.9 of the time that the best constant limit takes', async (t) => {
  for (const latencyMs of [30, 100]) {
    for (const clientMs of [0, 0.15]) {
      for (const parallelism of [undefined, 10, 64, 200]) {
        const store = { latencyMs, clientMs, parallelism }
        const best = Math.min(...[32, 64, 128, 256, 512].map((limit) => load(fixed(limit), store).ms))
        const ratio = best / load(DOWNLOADS, store).ms
        t.ok(ratio >= 0.9, `${JSON.stringify(store)}: ${ratio.toFixed(2)}`)
      }
    }
  }
})

t.test('a load whose client is busy only at first takes at most 1/0.9 of the time that the best constant limit takes', async (t) => {
  for (const latencyMs of [30, 100]) {
    const run = (bounds: LimitBounds) => {
      let [busyMs, now, last] = [0, 0, 0]
      const busyShare = () => {
        const share = busyMs / (now - last)
        ;[busyMs, last] = [0, now]
        return share
      }
      return simulate(new AdaptiveLimit(bounds, busyShare), new AdaptiveRate(), OBJECTS, {
        latencyMs,
        clientMs: (done) => done < 200 ? 2 : 0.125,
        onBusy: (ms, at) => {
          busyMs += ms
          now = at
        }
      }).ms
    }
    const ratio = Math.min(...[32, 64, 128, 256, 512].map((limit) => run(fixed(limit)))) / run(DOWNLOADS)
    t.ok(ratio >= 0.9, `${latencyMs} ms: ${ratio.toFixed(2)}`)
  }
})

t.test('latencies from nothing to twice their mean do not end the growth of the limit too early', async (t) => {
  for (let seed = 1; seed <= 50; seed++) {
    // A linear congruential generator (Numerical Recipes).
    let state = seed
    const jitterMs = () => {
      state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
      return state % 8 < 2 ? state % 3 : state / 2 ** 32 * 200
    }
    const { ms } = simulate(new AdaptiveLimit(DOWNLOADS), new AdaptiveRate(), OBJECTS, { latencyMs: 0, jitterMs })
    // With a constant limit of 512, the load takes 20,000 / 512 mean latencies of about 75 ms: 3 s.
    t.ok(ms <= 4500, `seed ${seed}: ${ms.toFixed(0)} ms`)
  }
})

t.test('the limit becomes the lowest one with the best throughput', async (t) => {
  t.equal(load(DOWNLOADS, { latencyMs: 30 }).limit, 512)
  t.equal(load(DOWNLOADS, { latencyMs: 30, parallelism: 64 }).limit, 64)
  t.equal(load(DOWNLOADS, { latencyMs: 100, parallelism: 16 }).limit, 16)
})

t.test('whatever the latencies are, the limit stays within its bounds and a load is nearly as fast as with the best constant limit', async () => {
  fc.assert(fc.property(
    fc.double({ min: 5, max: 200, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.3, noNaN: true }), fc.option(fc.integer({ min: 4, max: 600 }), { nil: undefined }), fc.infiniteStream(fc.double({ min: 0.001, max: 1, noNaN: true })),
    (latencyMs, spread, clientMs, parallelism, random) => {
      const draws = Array.from({ length: 997 }, () => random.next().value as number)
      const run = (bounds: LimitBounds) => {
        let next = 0
        return load(bounds, { latencyMs: latencyMs * (1 - spread), clientMs, parallelism, jitterMs: () => -latencyMs * spread * Math.log(draws[next++ % draws.length]!) })
      }
      const { ms, mostInFlight, limit } = run(DOWNLOADS)
      const best = Math.min(...[32, 128, 512].map((limit) => run(fixed(limit)).ms))
      // Six mean latencies do not count: the time in which the limit is found.
      return mostInFlight <= 512 && limit >= 8 && limit <= 512 && best / (ms - 6 * latencyMs) >= 0.75
    }
  ), runs(15))
})

t.test('failures halve the limit once for each round trip, down to 1, and it grows again', async (t) => {
  const limit = new AdaptiveLimit(BOUNDS)
  for (let i = 0; i < 64; i++) limit.failed(0, 10)
  t.equal(limit.current, 32, 'failures of requests that were sent before the limit was reduced do not count')
  for (let now = 20; now < 200; now += 10) for (let i = 0; i < 8; i++) limit.failed(now - 1, now)
  t.equal(limit.current, 1)
  for (let now = 5000; now < 10_000; now++) limit.succeeded(now - 10, now, true)
  t.ok(limit.current > 1)
})

t.test('failures of single objects do not change the limit', async (t) => {
  const limit = new AdaptiveLimit(BOUNDS)
  for (let i = 0; i < 3; i++) limit.failed(1, 2)
  t.equal(limit.current, 64)
})

t.test('a store that serves four requests at a time, and is too slow for more than 40, is not overloaded', async (t) => {
  const store = { latencyMs: 100, parallelism: 4, timeoutMs: 1000 }
  const run = (bounds: LimitBounds) => simulate(new AdaptiveLimit(bounds), new AdaptiveRate(), 1000, store)
  const adaptive = run({ ...DOWNLOADS, min: 32 })
  const constant = run(fixed(40))
  t.ok(adaptive.failed < 500, `${adaptive.failed} failed`)
  t.ok(adaptive.ms < 2 * constant.ms, `${adaptive.ms} ms; with the best constant limit ${constant.ms} ms`)
})

t.test('requests that do not fill the limit do not change it', async (t) => {
  const limit = new AdaptiveLimit(BOUNDS)
  for (let now = 0; now < 10_000; now++) limit.succeeded(now - 10, now, false)
  t.equal(limit.current, 64)
})

t.test('the limit does not grow while the thread is busy', async (t) => {
  const limit = new AdaptiveLimit({ ...BOUNDS, min: 64 }, () => 0.99)
  simulate(limit, new AdaptiveRate(), OBJECTS, { latencyMs: 30 })
  t.equal(limit.current, 64)
})

t.test('after a pause without requests, the limit is the initial one again', async (t) => {
  const limit = new AdaptiveLimit(BOUNDS)
  const { ms } = simulate(limit, new AdaptiveRate(), OBJECTS, { latencyMs: 30 })
  t.equal(limit.current, 512)
  limit.began(ms + 1000)
  t.equal(limit.current, 512)
  limit.began(ms + 20_000)
  t.equal(limit.current, 64)
})
