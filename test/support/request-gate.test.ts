import t from 'tap'
import { RequestGate, type StoreLimits } from './request-gate.js'

/** Admits requests at these times, in milliseconds. Returns the delay of each one. */
function admitAt (limits: StoreLimits, times: readonly number[]): (number | undefined)[] {
  let now = 0
  const gate = new RequestGate(limits, () => now)
  return times.map((time) => {
    now = time
    return gate.admit()
  })
}

t.test('without limits a request is executed at once', async (t) => {
  t.same(admitAt({}, [0, 0, 5]), [0, 0, 0])
})

t.test('each request is delayed by the latency, whatever the others do', async (t) => {
  t.same(admitAt({ latencyMs: 30 }, [0, 0, 10]), [30, 30, 30])
})

t.test('requests above the parallelism wait until one that came before them is executed', async (t) => {
  t.same(admitAt({ latencyMs: 30, parallelism: 2 }, [0, 10, 10, 20, 25, 200]), [30, 30, 50, 50, 65, 30])
})

t.test('requests above the rate are refused, after a burst of one second', async (t) => {
  const outcomes = admitAt({ requestsPerSecond: 2 }, [0, 0, 0, 499, 500, 500, 5000, 5000, 5000])
  t.same(outcomes.map((delay) => delay !== undefined), [true, true, false, false, true, false, true, true, false])
})

t.test('a refused request does not delay other requests', async (t) => {
  t.same(admitAt({ latencyMs: 100, parallelism: 1, requestsPerSecond: 1 }, [0, 500, 1000]), [100, undefined, 100])
})
