import t from 'tap'
import { csv } from '../../support/app.js'
import { Simulation, STATE_KEY, type RequestCounts, type SimulationOptions } from '../../support/replicas.js'

const HOUR_MS = 3_600_000
const STEP_MS = 500
const INTERVAL_MS = 300_000

interface Traffic {
  /** Milliseconds between two reads at one replica. */
  readonly readEveryMs: number
  /** Milliseconds between two changes of the lake. Default: it does not change. */
  readonly changeEveryMs?: number
}

/** The requests of one hour, after the replicas have started, and the downloads of info files among them. */
async function countHour (count: number, { readEveryMs, changeEveryMs = Infinity }: Traffic, options: SimulationOptions = {}): Promise<RequestCounts & { readonly downloads: number }> {
  const simulation = new Simulation(count, options)
  const { bucket, replicas, counts } = simulation
  bucket.put('source_data/1.csv', csv())
  for (const { transformer } of replicas) {
    await transformer.updateOutput()
    // The others read the snapshot of the first one. Otherwise each of them would write it once in this hour.
    await transformer.flush()
  }
  await simulation.advance(10_000)
  Object.assign(counts, { LIST: 0, GET: 0, PUT: 0 })
  let downloads = 0
  simulation.intercept = (operation, key) => { if (operation === 'GET' && key !== STATE_KEY) downloads++ }
  const start = simulation.now
  for (let step = 1; step * STEP_MS <= HOUR_MS; step++) {
    await simulation.advance(STEP_MS)
    const elapsed = simulation.now - start
    if (elapsed % changeEveryMs === 0) bucket.put('source_data/1.csv', csv(`N${step}`))
    for (const [i, { transformer }] of replicas.entries()) {
      if ((elapsed + STEP_MS * i) % readEveryMs === 0) await transformer.ensureFresh()
      // The schedule of each replica, as in plugins/scheduler.ts.
      if ((elapsed + 40_000 * i) % INTERVAL_MS === 0 && !((await transformer.outputAgeMs() ?? Infinity) < 0.9 * INTERVAL_MS)) await transformer.updateOutput()
    }
  }
  return { ...counts, downloads }
}

/** The price of requests if a listing has this many pages, in dollars: $0.005 per 1,000 LIST and PUT, $0.0004 per 1,000 GET. */
function dollars ({ LIST, GET, PUT }: RequestCounts, pages: number): number {
  return (LIST * pages + PUT) * 5e-6 + GET * 4e-7
}

const SIZES = [{ users: 1000, pages: 2, ratio: 1.5 }, { users: 20_000, pages: 40, ratio: 1.3 }, { users: 100_000, pages: 200, ratio: 1.3 }, { users: 1_000_000, pages: 2000, ratio: 1.3 }]

/** Counts the hour of one replica that lists for itself, of one that shares, and of five. */
async function compare (traffic: Traffic) {
  return { alone: await countHour(1, traffic, { sharing: false }), one: await countHour(1, traffic), five: await countHour(5, traffic) }
}

t.test('five replicas under steady traffic send about as many listings as one, for little more', async (t) => {
  const { alone, one, five } = await compare({ readEveryMs: STEP_MS })
  t.comment(JSON.stringify({ alone, one, five }))
  t.ok(five.LIST <= 1.1 * alone.LIST, `${five.LIST} listings, one replica ${alone.LIST}`)
  t.equal(one.LIST, alone.LIST)
  for (const { users, pages, ratio } of SIZES) {
    const [price, before] = [dollars(five, pages), dollars(alone, pages)]
    t.ok(price <= ratio * before, `${users} users: $${price.toFixed(4)} an hour, one replica $${before.toFixed(4)}, and $${dollars(one, pages).toFixed(4)} with the state`)
  }
})

t.test('while the lake changes, five replicas send about as many listings as one, and followers download nothing', async (t) => {
  const { alone, five } = await compare({ readEveryMs: STEP_MS, changeEveryMs: 10_000 })
  t.comment(JSON.stringify({ alone, five }))
  t.ok(five.LIST <= 1.1 * alone.LIST)
  t.ok(five.downloads <= alone.downloads + 2, 'followers download no info files')
  for (const { users, pages, ratio } of SIZES) t.ok(dollars(five, pages) <= ratio * dollars(alone, pages), `${users} users`)
})

t.test('without reads, replicas list as often as one, and do not renew the state of a leader that is idle', async (t) => {
  const { alone, five } = await compare({ readEveryMs: 2 * HOUR_MS })
  t.comment(JSON.stringify({ alone, five }))
  t.ok(five.LIST <= 1.1 * alone.LIST, `${five.LIST} listings, one replica ${alone.LIST}`)
  t.ok(five.PUT <= 2 * five.LIST, `${five.PUT} states for ${five.LIST} listings`)
})

t.test('five replicas whose refreshes a budget limits send as many listings as one', async (t) => {
  // A listing each 20 s: less often than the leader has to renew the state.
  const budget = { maxListRequests: 3 }
  const alone = await countHour(1, { readEveryMs: STEP_MS }, { ...budget, sharing: false })
  const five = await countHour(5, { readEveryMs: STEP_MS }, budget)
  t.comment(JSON.stringify({ alone, five }))
  t.ok(alone.LIST >= 160 && alone.LIST <= 182)
  t.ok(five.LIST <= 1.1 * alone.LIST, `${five.LIST} listings, one replica ${alone.LIST}`)
})

t.test('listings that clients require from a follower do not delay it: it follows without listings', async (t) => {
  const simulation = new Simulation(2, { maxListRequests: 3 })
  const { bucket, counts, replicas: [leader, follower] } = simulation
  const read = async (seconds: number) => {
    const ages: number[] = []
    for (let i = 0; i < 2 * seconds; i++) {
      await simulation.advance(500)
      for (const { transformer } of [leader!, follower!]) ages.push((await transformer.ensureFresh()).ageMs!)
    }
    return Math.max(...ages)
  }
  bucket.put('source_data/1.csv', csv())
  await leader!.transformer.updateOutput()
  await read(60)
  for (let i = 0; i < 20; i++) {
    await simulation.advance(300)
    await follower!.transformer.ensureFresh({ fresh: true })
  }
  counts.LIST = 0
  const oldest = await read(200)
  t.ok(oldest <= 27_000, `an age of ${oldest} ms`)
  t.ok(counts.LIST <= 11, `${counts.LIST} listings`)
})
