import fc from 'fast-check'
import t from 'tap'
import { AdaptiveLimit } from '../../../lib/base/adaptive-limit.js'
import { AdaptiveRate } from '../../../lib/base/adaptive-rate.js'
import { INITIAL_DOWNLOADS } from '../../../lib/store/s3/download-queue.js'
import { runs } from '../../support/property-runs.js'
import { simulate } from '../../support/simulated-store.js'

t.test('20,000 objects of a store that refuses more than 1,000 requests a second: at least 0.85 of that rate, less than 5 % refused', async () => {
  fc.assert(fc.property(fc.double({ min: 0.2, max: 200, noNaN: true }), fc.constantFrom(0, 0.15), (latencyMs, clientMs) => {
    const { ms, sent, refused } = simulate(new AdaptiveLimit({ min: 32, max: 512, initial: INITIAL_DOWNLOADS }), new AdaptiveRate(), 20_000, { latencyMs, clientMs, requestsPerSecond: 1000 })
    return 20_000 / (ms / 1000) >= 850 && refused / sent < 0.05
  }), runs(20))
})

t.test('what the store accepted before an earlier refusal, which may have been a burst, does not count', async (t) => {
  const rate = new AdaptiveRate()
  // 2,000 a second from its burst, then 1,000 a second.
  for (let i = 0; i < 2000; i++) rate.accepted(i / 2)
  rate.refused(900, 1000)
  t.ok(rate.rate(1000) > 1400)
  for (let i = 0; i < 200; i++) rate.accepted(1000 + i)
  rate.refused(1001, 1200)
  t.ok(rate.rate(1200) < 1100, `${rate.rate(1200)} requests a second`)
})

t.test('the rate is unlimited until a request is refused, and again after half a minute', async (t) => {
  const rate = new AdaptiveRate()
  for (let now = 0; now < 1000; now++) {
    rate.sent(now)
    rate.accepted(now)
  }
  t.equal(rate.delay(1000), 0)
  rate.refused(990, 1000)
  t.ok(Math.abs(rate.rate(1000) - 800) < 100, `${rate.rate(1000)} requests a second`)
  t.ok(rate.delay(1000) > 0)
  rate.sent(31_001)
  t.equal(rate.delay(31_001), 0)
})

t.test('refusals of requests that were sent before the rate was reduced do not reduce it again', async (t) => {
  const rate = new AdaptiveRate()
  for (let now = 0; now < 1000; now++) rate.accepted(now)
  rate.refused(900, 1000)
  const reduced = rate.rate(1000)
  for (let i = 0; i < 100; i++) rate.refused(950, 1000)
  t.equal(rate.rate(1000), reduced)
})

t.test('if everything is refused, fifty requests a second are sent', async (t) => {
  const rate = new AdaptiveRate()
  for (let now = 0; now < 5000; now += 10) rate.refused(now, now)
  t.equal(rate.rate(5000), 50)
})

t.test('after seconds in which everything was refused, the rate grows back to a thousand within ten seconds', async (t) => {
  const rate = new AdaptiveRate()
  for (let now = 0; now < 5000; now += 10) rate.refused(now, now)
  t.ok(rate.rate(15_000) > 1000, `${rate.rate(15_000)} requests a second`)
})
