import t from 'tap'
import { SingleFlight } from '../../../lib/base/single-flight.js'

/** Work that the test ends. */
function controlled () {
  const runs: { end: () => void, fail: () => void }[] = []
  let running = 0
  let most = 0
  const flight = new SingleFlight(async () => {
    most = Math.max(most, ++running)
    const number = runs.length
    try {
      await new Promise<void>((resolve, reject) => runs.push({ end: resolve, fail: () => reject(new Error(`run ${number}`)) }))
    } finally {
      running--
    }
    return number
  })
  return { flight, runs, most: () => most }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

t.test('callers share the current run', async (t) => {
  const { flight, runs } = controlled()
  const both = Promise.all([flight.join(), flight.join()])
  runs[0]!.end()
  t.same(await both, [0, 0])
})

t.test('a fresh run starts after the call, and all callers that wait for one share it', async (t) => {
  const { flight, runs, most } = controlled()
  const first = flight.join()
  const fresh = Promise.all([flight.fresh(), flight.fresh()])
  t.equal(runs.length, 1)
  runs[0]!.end()
  t.equal(await first, 0)
  await settle()
  t.equal(runs.length, 2)
  const later = flight.fresh()
  runs[1]!.end()
  t.same(await fresh, [1, 1])
  await settle()
  runs[2]!.end()
  t.equal(await later, 2)
  t.equal(most(), 1)
})

t.test('never runs twice at once, even for a call just as a run ends', async (t) => {
  const { flight, runs, most } = controlled()
  const calls = [flight.join(), flight.fresh()]
  calls[0]!.then(() => { calls.push(flight.join(), flight.fresh()) }).catch(() => {})
  for (let i = 0; i < 4; i++) {
    runs[i]?.end()
    await settle()
  }
  await Promise.all(calls)
  t.equal(most(), 1)
})

t.test('a failed run fails for its callers and not for later ones', async (t) => {
  const { flight, runs } = controlled()
  const first = t.rejects(flight.join(), { message: 'run 0' })
  const next = flight.fresh()
  runs[0]!.fail()
  await first
  await settle()
  runs[1]!.end()
  t.equal(await next, 1)
})
