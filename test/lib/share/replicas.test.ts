import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { RENEW_MS } from '../../../lib/share/share-rules.js'
import type { SharedState } from '../../../lib/share/shared-state.js'
import { StoreError } from '../../../lib/store/object-store.js'
import { csv } from '../../support/app.js'
import { runs } from '../../support/property-runs.js'
import { Simulation, SNAPSHOT_KEY, START, STATE_KEY, type SimulatedReplica } from '../../support/replicas.js'
import { until } from '../../support/until.js'

const KEYS = ['a', 'b', 'c', 'd.e', 'ü'] as const
const place = fc.nat(4)
const key = fc.constantFrom(...KEYS)

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'image' as const, 'delete' as const, 'reject' as const, 'orphan' as const), key }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('read' as const), places: fc.array(place, { minLength: 1, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fresh' as const, 'post' as const, 'restart' as const, 'stop' as const, 'flush' as const), place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 20_000 })) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const), place }) }
)
const history = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  skews: fc.array(fc.constantFrom(0, 0, 700, -30_000, 3_600_000), { minLength: 5, maxLength: 5 }),
  hasReader: fc.boolean(),
  steps: fc.array(step, { minLength: 5, maxLength: 60 })
})

/** A client that reads changes: the records that it has, and the position that they are from. */
interface Consumer { records: Map<string, string>, position: string }

/** The records of the bucket, as a single replica that lists for itself reads them. */
async function truthOf (simulation: Simulation): Promise<string> {
  const single = new Simulation(1, { sharing: false })
  for (const key of simulation.bucket.keys()) if (key.startsWith('source_data/')) single.bucket.put(key, simulation.bucket.get(key)!.body)
  await single.replicas[0]!.transformer.reconcile()
  return contentOf(single, single.replicas[0]!)
}

function contentOf (simulation: Simulation, replica: SimulatedReplica): string {
  return JSON.stringify([...simulation.recordsOf(replica)])
}

t.test('replicas never go back, reflect the lake when required, replay changes of each other and converge', async (t) => {
  // With fewer histories, the figures below would depend on chance.
  const property = { numRuns: Math.max(60, runs(60).numRuns) }
  let [replayed, refused, followed] = [0, 0, 0]
  await fc.assert(fc.asyncProperty(history, async ({ count, skews, hasReader, steps }) => {
    const simulation = new Simulation(count, { skews, readers: hasReader && count > 1 ? [count - 1] : [] })
    const { bucket } = simulation
    const at = (place: number) => simulation.replicas[place % count]!
    let writes = 0
    /** The contents of the lake, oldest first, and for each replica the index of what it has served last. */
    const truths: string[] = [await truthOf(simulation)]
    const served = new Map<string, number>()
    const consumer: Consumer = { records: new Map(), position: '' }
    const isUp = (replica: SimulatedReplica) => replica.cache.state.name !== '0'
    const check = (replica: SimulatedReplica) => {
      const content = contentOf(simulation, replica)
      const index = truths.findIndex((truth, i) => i >= (served.get(replica.name) ?? 0) && truth === content)
      assert.notEqual(index, -1, `${replica.name} serves what the lake did not have since its last response`)
      served.set(replica.name, index)
    }
    for (const step of steps) {
      if (step.do === 'write') bucket.put(`source_data/${step.key}.csv`, csv(`N${++writes}`))
      else if (step.do === 'image') bucket.put(`source_data/${step.key}.png`, `image ${++writes}`)
      else if (step.do === 'orphan') bucket.put('source_data/orphan.png', `image ${++writes}`)
      else if (step.do === 'reject') bucket.put(`source_data/bad-${step.key}.csv`, `bad ${++writes}`)
      else if (step.do === 'delete') for (const name of [`${step.key}.csv`, `bad-${step.key}.csv`]) bucket.delete(`source_data/${name}`)
      // No listing begins at the time of a change.
      await simulation.advance(1)
      if (['write', 'image', 'delete'].includes(step.do)) truths.push(await truthOf(simulation))
      if (step.do === 'advance') await simulation.advance(step.ms)
      if (step.do === 'read') {
        const replicas = [...new Set(step.places.map(at))]
        await Promise.all(replicas.map((replica) => replica.transformer.ensureFresh()))
        replicas.forEach(check)
      }
      if (step.do === 'fresh') {
        const { ageMs } = await at(step.place).transformer.ensureFresh({ fresh: true })
        assert.equal(ageMs, 0)
        assert.equal(contentOf(simulation, at(step.place)), truths.at(-1))
        check(at(step.place))
      }
      if (step.do === 'post' && !(hasReader && step.place % count === count - 1)) await at(step.place).transformer.updateOutput()
      if (step.do === 'flush' && isUp(at(step.place))) await at(step.place).transformer.flush()
      if (step.do === 'stop') await at(step.place).transformer.close()
      if (step.do === 'restart' || step.do === 'stop') simulation.start(step.place % count)
      if (step.do === 'replay') {
        const replica = at(step.place)
        await replica.transformer.ensureFresh()
        check(replica)
        const records = simulation.recordsOf(replica)
        const changes = consumer.position === '' ? undefined : replica.transformer.changesSince(consumer.position)
        if (changes === undefined) {
          if (consumer.position !== '') refused++
          consumer.records = new Map(records)
          consumer.position = replica.transformer.changesSince(undefined)!.next
        } else {
          for (const key of changes.keys) {
            const record = records.get(key)
            if (record === undefined) consumer.records.delete(key)
            else consumer.records.set(key, record)
          }
          consumer.position = changes.next
          replayed++
          assert.deepEqual([...consumer.records].sort(), [...records].sort(), `the changes of ${replica.name} do not lead to its records`)
        }
      }
      await simulation.settle()
    }
    for (let i = 0; i < 40; i++) {
      await simulation.advance(1000)
      await Promise.all(simulation.replicas.map((replica) => replica.transformer.ensureFresh()))
      simulation.replicas.forEach(check)
    }
    const lists = simulation.counts.LIST
    // 2 s of MAX_STALENESS, and 5 s until the leader writes a state again. With wrong clocks, an age may be too high by the time between two states.
    const maxAgeMs = skews.slice(0, count).every((skew) => skew === 0) ? 7000 : 7000 + RENEW_MS
    for (let i = 0; i < 20; i++) {
      await simulation.advance(500)
      const all = await Promise.all(simulation.replicas.map((replica) => replica.transformer.ensureFresh()))
      for (const { ageMs } of all) assert.ok(ageMs! <= maxAgeMs, `an age of ${ageMs} ms`)
    }
    const contents = new Set(simulation.replicas.map((replica) => contentOf(simulation, replica)))
    assert.deepEqual([...contents], [truths.at(-1)], 'all replicas have the last content')
    if (count > 1) {
      followed++
      assert.ok(simulation.counts.LIST - lists <= 6, `one replica lists: ${simulation.counts.LIST - lists} listings in 10 s`)
    }
  }), property)
  t.ok(replayed > property.numRuns / 6, `${replayed} replays, ${refused} refused`)
  t.ok(followed > property.numRuns / 6)
})

const stepWithEvents = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'delete' as const), key }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('event' as const, 'write and event' as const), key, place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fresh' as const, 'restart' as const), place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 6000 }) }) }
)

t.test('with events at some of the replicas, no replica serves an older state of a record after a newer one, /changes leads to the records, and all replicas converge', async (t) => {
  const property = { numRuns: Math.max(40, runs(60).numRuns) }
  let [changed, checked] = [0, 0]
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(stepWithEvents, { minLength: 15, maxLength: 50 }), async (count, steps) => {
    const simulation = new Simulation(count)
    const { bucket } = simulation
    const at = (place: number) => simulation.replicas[place % count]!
    bucket.put('source_data/first.csv', csv('First'))
    for (const { transformer } of simulation.replicas) await transformer.ensureFresh()
    let writes = 0
    /** The names that each record has had, oldest first; `undefined` while it did not exist. */
    const histories = new Map<string, (string | undefined)[]>(KEYS.map((key) => [key, [undefined]]))
    const served = new Map<SimulatedReplica, Map<string, number>>()
    const consumers = new Map<SimulatedReplica, Consumer>()
    const check = (replica: SimulatedReplica) => {
      const records = simulation.recordsOf(replica)
      const indexes = served.get(replica) ?? new Map<string, number>()
      served.set(replica, indexes)
      for (const [key, history] of histories) {
        const name = /"(N\d+)"/.exec(records.get(key) ?? '')?.[1]
        const index = history.findIndex((value, i) => i >= (indexes.get(key) ?? 0) && value === name)
        assert.notEqual(index, -1, `${key} of ${replica.name} is ${name}`)
        indexes.set(key, index)
      }
      const consumer = consumers.get(replica) ?? { records: new Map(records), position: replica.transformer.changesSince(undefined)!.next }
      consumers.set(replica, consumer)
      const { keys, next } = replica.transformer.changesSince(consumer.position)!
      for (const key of keys) {
        const record = records.get(key)
        if (record === undefined) consumer.records.delete(key)
        else consumer.records.set(key, record)
      }
      consumer.position = next
      assert.deepEqual([...consumer.records].sort(), [...records].sort(), `the changes of ${replica.name} do not lead to its records`)
    }
    for (const step of steps) {
      if (step.do === 'write' || step.do === 'write and event') {
        bucket.put(`source_data/${step.key}.csv`, csv(`N${++writes}`))
        histories.get(step.key)!.push(`N${writes}`)
      }
      if (step.do === 'delete') {
        bucket.delete(`source_data/${step.key}.csv`)
        histories.get(step.key)!.push(undefined)
      }
      await simulation.advance(1)
      if (step.do === 'event' || step.do === 'write and event') {
        const { transformer, cache } = at(step.place)
        const { state } = cache
        transformer.noteChanged([{ bucket: 'datalake', key: `source_data/${step.key}.csv` }])
        await simulation.settle()
        if (state.name !== '0') checked++
        if (cache.state !== state) changed++
      }
      if (step.do === 'advance') await simulation.advance(step.ms)
      if (step.do === 'restart') simulation.start(step.place % count)
      if (step.do === 'read' || step.do === 'fresh') {
        await at(step.place).transformer.ensureFresh({ fresh: step.do === 'fresh' })
        if (step.do === 'fresh') for (const [key, history] of histories) assert.equal(/"(N\d+)"/.exec(simulation.recordsOf(at(step.place)).get(key) ?? '')?.[1], history.at(-1))
        check(at(step.place))
      }
      await simulation.settle()
    }
    for (let i = 0; i < 20; i++) {
      await simulation.advance(1000)
      await Promise.all(simulation.replicas.map((replica) => replica.transformer.ensureFresh()))
      simulation.replicas.forEach(check)
    }
    const contents = new Set(simulation.replicas.map((replica) => contentOf(simulation, replica)))
    assert.deepEqual([...contents], [await truthOf(simulation)], 'all replicas have the last content')
  }), property)
  t.ok(changed > checked / 10, `${changed} of ${checked} events changed a replica`)
})

/** A leader that has requests, and a replica that may not write. Both have the records. @param skews see `SimulationOptions` */
async function leaderAndReader (skews: readonly number[] = []) {
  const simulation = new Simulation(2, { readers: [1], skews })
  const [leader, reader] = simulation.replicas as [SimulatedReplica, SimulatedReplica]
  simulation.bucket.put('source_data/a.csv', csv('First'))
  simulation.bucket.put('source_data/a.png', 'first image')
  const readBoth = async () => {
    await simulation.advance(2500)
    for (const { transformer } of [leader, reader]) await transformer.ensureFresh()
    await simulation.settle()
  }
  for (let i = 0; i < 3; i++) await readBoth()
  return { simulation, leader, reader, readBoth, bucket: simulation.bucket }
}

t.test('a replica that has listed for itself does not go back to what the leader has found before', async (t) => {
  const { simulation, reader, leader, bucket } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  await reader.transformer.ensureFresh({ fresh: true })
  const listings = simulation.counts.LIST
  for (const ageMs of [2500, 5000]) {
    await simulation.advance(2500)
    t.equal((await reader.transformer.ensureFresh()).ageMs, ageMs)
    t.match(simulation.recordsOf(reader).get('a'), 'Second')
  }
  t.match(simulation.recordsOf(leader).get('a'), 'First')
  t.equal(simulation.counts.LIST, listings)
})

t.test('what a replica has re-checked is taken over by the others without a listing', async (t) => {
  const { simulation, reader, leader, bucket, readBoth } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  const listings = simulation.counts.LIST
  leader.transformer.noteChanged([{ bucket: 'datalake', key: 'source_data/a.csv' }])
  await simulation.settle()
  t.match(simulation.recordsOf(leader).get('a'), 'Second')
  await simulation.advance(1900)
  await reader.transformer.ensureFresh()
  await simulation.advance(200)
  await reader.transformer.ensureFresh()
  t.match(simulation.recordsOf(reader).get('a'), 'Second')
  t.equal(simulation.counts.LIST, listings)
  await readBoth()
  t.match(simulation.recordsOf(leader).get('a'), 'Second')
})

t.test('the state has no earlier content of a record that was replaced or deleted, and a follower that is several changes behind still takes all over', async (t) => {
  const { simulation, leader, reader, readBoth, bucket } = await leaderAndReader()
  const state = () => bucket.get(STATE_KEY)!.body.toString()
  const change = async (edit: () => void) => {
    edit()
    await leader.transformer.ensureFresh({ fresh: true })
    await simulation.settle()
  }
  await change(() => { bucket.put('source_data/a.csv', csv('Replaced')) })
  await change(() => { bucket.put('source_data/b.csv', csv('Deleted')) })
  await change(() => { bucket.put('source_data/c.csv', 'first_name,last_name,birthts\nC,Corrected,soon') })
  for (const text of ['Replaced', 'Deleted', 'soon']) t.match(state(), text)
  await change(() => { bucket.put('source_data/a.csv', csv('Current')) })
  await change(() => { bucket.delete('source_data/b.csv') })
  await change(() => { bucket.put('source_data/c.csv', csv('Correct')) })
  for (const text of ['Replaced', 'Deleted', 'soon']) t.notMatch(state(), text)
  const listings = simulation.counts.LIST
  await simulation.advance(2500)
  await reader.transformer.ensureFresh()
  const records = simulation.recordsOf(reader)
  t.same([...records.keys()], ['a', 'c'])
  t.match(records.get('a'), 'Current')
  t.match(records.get('c'), 'Correct')
  t.equal(simulation.counts.LIST, listings, 'taken over, not listed')
  await readBoth()
})

t.test('a replica that could not read more than 1 % of the info files does not announce what it has re-checked', async (t) => {
  const simulation = new Simulation(1)
  const { bucket, replicas: [replica] } = simulation
  const { transformer } = replica!
  bucket.put('source_data/a.csv', csv('First'))
  await transformer.ensureFresh({ fresh: true })
  await simulation.settle()
  const announced = () => bucket.get(STATE_KEY)!.etag
  const before = announced()
  simulation.intercept = (operation, key) => {
    if (operation === 'GET' && key === 'source_data/b.csv') throw new StoreError('timeout', 'late')
  }
  bucket.put('source_data/b.csv', csv('Unread'))
  await transformer.ensureFresh({ fresh: true })
  bucket.put('source_data/a.csv', csv('Second'))
  transformer.noteChanged([{ bucket: 'datalake', key: 'source_data/a.csv' }])
  await simulation.settle()
  t.match(simulation.recordsOf(replica!).get('a'), 'Second')
  t.equal(announced(), before)
  simulation.intercept = () => {}
  await transformer.ensureFresh({ fresh: true })
  await simulation.settle()
  t.not(announced(), before)
})

/** Lets each write of the state fail as if the store did not respond. Returns a function that executes the first of them. */
function delayStateWrites (simulation: Simulation): () => Promise<void> {
  let late: (() => Promise<unknown>) | undefined
  simulation.intercept = (operation, key, execute) => {
    if (operation !== 'PUT' || key !== STATE_KEY) return
    late ??= execute
    throw new StoreError('timeout', 'PUT')
  }
  return async () => {
    simulation.intercept = () => {}
    await late!()
  }
}

t.test('a state that the store writes long after it was sent does not make the records of a follower seem newer than they are', async (t) => {
  const { simulation, leader, reader, bucket } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  const writeLate = delayStateWrites(simulation)
  await leader.transformer.ensureFresh({ fresh: true })
  await simulation.advance(2500)
  await reader.transformer.ensureFresh()
  await writeLate()
  await simulation.advance(2500)
  t.equal((await reader.transformer.ensureFresh()).ageMs, 5000)
  t.match(simulation.recordsOf(reader).get('a'), 'Second')
})

t.test('a refused read of the state does not make the records of a follower seem newer than they are', async (t) => {
  for (const isWrittenBefore of [false, true]) {
    const { simulation, leader, reader, bucket } = await leaderAndReader()
    const list = async (name: string) => {
      bucket.put('source_data/a.csv', csv(name))
      await leader.transformer.ensureFresh({ fresh: true })
      await simulation.settle()
    }
    const read = async (ms: number) => {
      await simulation.advance(ms)
      return await reader.transformer.ensureFresh()
    }
    // The state that the reader finds after the refused read is the one that it has known, or a later one that was written before that read.
    if (isWrittenBefore) await list('Second')
    await simulation.advance(500)
    const writeLate = delayStateWrites(simulation)
    await list('Late')
    await (isWrittenBefore ? simulation.advance(2500) : read(2500))
    simulation.intercept = () => { throw new StoreError('access_denied', 'denied') }
    t.same((await read(2500)).staleReasons, ['access_denied'])
    const failWrites = (operation: string) => { if (operation === 'PUT') throw new StoreError('unreachable', 'PUT') }
    simulation.intercept = failWrites
    await read(1500)
    t.match(simulation.recordsOf(reader).get('a'), isWrittenBefore ? 'Second' : 'First')
    await writeLate()
    simulation.intercept = failWrites
    t.equal((await read(2500)).ageMs, 9000)
    t.match(simulation.recordsOf(reader).get('a'), 'Late')
  }
})

t.test('a replica that has listed for itself does not go back to a state that the store writes long after it was sent, also if its clock is wrong', async (t) => {
  for (const skews of [[0, 0], [900, 0], [0, 3_600_000], [3_600_000, 0], [30_000, 0]]) {
    const { simulation, leader, reader, bucket } = await leaderAndReader(skews)
    bucket.put('source_data/a.csv', csv('Second'))
    const writeLate = delayStateWrites(simulation)
    await leader.transformer.ensureFresh({ fresh: true })
    bucket.put('source_data/a.csv', csv('Third'))
    await simulation.advance(100)
    await reader.transformer.ensureFresh({ fresh: true })
    await simulation.advance(2500)
    await reader.transformer.ensureFresh()
    await writeLate()
    await simulation.advance(2500)
    await reader.transformer.ensureFresh()
    t.match(simulation.recordsOf(reader).get('a'), 'Third', `clocks that differ by ${skews.join()} ms`)
  }
})

t.test('a replica that has downloaded a file after the leader has listed does not go back to what the leader has found', async (t) => {
  const { simulation, leader, reader, bucket } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  simulation.intercept = async (operation, key) => {
    if (operation !== 'GET' || key !== 'source_data/a.csv') return
    simulation.intercept = () => {}
    simulation.now += 3000
    await leader.transformer.ensureFresh({ fresh: true })
    await until(() => stateOf(simulation).listedAt === simulation.now)
    bucket.put('source_data/a.csv', csv('Third'))
  }
  await reader.transformer.ensureFresh({ fresh: true })
  t.match(simulation.recordsOf(reader).get('a'), 'Third')
  await simulation.advance(2500)
  await reader.transformer.ensureFresh()
  t.match(simulation.recordsOf(reader).get('a'), 'Third')
})

t.test('a replica that has just started takes over the first later state, or the second one if its clock is wrong', async (t) => {
  for (const [skews, states] of [[[0, 0], 1], [[-900, 0], 1], [[0, 3_600_000], 2], [[3_600_000, 0], 2]] as const) {
    const { simulation, leader, bucket } = await leaderAndReader(skews)
    const joined = simulation.start(1)
    const { transformer } = joined
    await transformer.ensureFresh()
    for (let i = 1; i <= 2; i++) {
      bucket.put('source_data/a.csv', csv(`N${i}`))
      await simulation.advance(2500)
      await leader.transformer.ensureFresh()
      await simulation.settle()
      await transformer.ensureFresh()
      t.match(simulation.recordsOf(joined).get('a'), i < states ? 'First' : `N${i}`, `clocks that differ by ${skews.join()} ms`)
    }
  }
})

t.test('a replica that has just started, with a clock that is wrong by an hour, does not report an age of an hour', async (t) => {
  const { simulation, leader } = await leaderAndReader([0, 3_600_000])
  const { transformer } = simulation.start(1)
  for (let ms = 0; ms < 10_000; ms += 500) {
    await simulation.advance(500)
    for (const replica of [leader.transformer, transformer]) await replica.ensureFresh()
    const { ageMs } = transformer.freshness()
    t.ok(ageMs! <= 7000 + RENEW_MS, `an age of ${ageMs} ms`)
  }
})

t.test('a refused read of the state does not make the next one seem an hour old if the clock is wrong by an hour', async (t) => {
  const { simulation, leader, reader, readBoth } = await leaderAndReader([0, 3_600_000])
  await simulation.advance(2500)
  await leader.transformer.ensureFresh()
  simulation.intercept = () => { throw new StoreError('access_denied', 'denied') }
  t.same((await reader.transformer.ensureFresh()).staleReasons, ['access_denied'])
  simulation.intercept = () => {}
  for (let i = 0; i < 3; i++) {
    await readBoth()
    const { ageMs } = reader.transformer.freshness()
    // The refused read is repeated between two listings of the leader, so the state may be older by the 2.5 s between them.
    t.ok(ageMs! <= 7000 + 2500 + RENEW_MS, `an age of ${ageMs} ms`)
  }
})

t.test('a replica whose clock is wrong, and that has not read the state for long, does not take an old state for a new one', async (t) => {
  const { simulation, leader, reader, bucket } = await leaderAndReader([0, -3_600_000])
  await leader.transformer.close()
  const next = simulation.start(0)
  await next.transformer.ensureFresh()
  await simulation.settle()
  bucket.put('source_data/a.csv', csv('Second'))
  await next.transformer.ensureFresh({ fresh: true })
  await simulation.settle()
  bucket.put('source_data/a.csv', csv('Third'))
  // The leader ends without a further state.
  simulation.intercept = (operation) => { if (operation === 'PUT') throw new StoreError('unreachable', 'PUT') }
  await simulation.advance(60_000)
  await reader.transformer.ensureFresh()
  t.match(simulation.recordsOf(reader).get('a'), 'Third')
})

/** The state in the bucket, and when it was listed, in milliseconds since the start. */
function stateOf ({ bucket }: Simulation): { readonly state: SharedState, readonly listedAt: number } {
  const { state } = JSON.parse(bucket.get(STATE_KEY)!.body.toString()) as { state: SharedState }
  return { state, listedAt: state.writtenAt - START - state.listingAgeMs }
}

t.test('the leader does not confirm a state by a listing that has found an earlier one while it was written', async (t) => {
  const { simulation, leader, bucket } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  await leader.transformer.ensureFresh({ fresh: true })
  // Of the next two listings, the second one finds again what the state had before the first one.
  await simulation.advance(1500)
  let release: (() => void) | undefined
  simulation.intercept = async (operation, key) => {
    if (operation === 'PUT' && key === STATE_KEY) await new Promise<void>((resolve) => { release = resolve })
  }
  bucket.put('source_data/b.csv', csv('Brief'))
  const listedAt = simulation.now
  await leader.transformer.ensureFresh({ fresh: true })
  await until(() => release !== undefined)
  bucket.delete('source_data/b.csv')
  simulation.now += 100
  await leader.transformer.ensureFresh({ fresh: true })
  simulation.intercept = () => {}
  release!()
  await simulation.advance(6000)
  t.match(stateOf(simulation), { listedAt, state: { isIdle: true } })
})

t.test('a record that a re-check has removed does not come back with an earlier listing that another replica passes on, whose clock is right', async (t) => {
  // The clock of the first leader is an hour ahead, so that the second replica regards the listing of that leader as later than it was.
  const simulation = new Simulation(3, { skews: [3_600_000, 0, 0] })
  const { bucket, replicas: [leader, second, third] } = simulation
  for (const key of ['a', 'b', 'c']) bucket.put(`source_data/${key}.csv`, csv('First'))
  const read = async (replica: SimulatedReplica, fresh = false) => {
    await replica.transformer.ensureFresh({ fresh })
    await simulation.settle()
  }
  const notify = async ({ transformer }: SimulatedReplica, key: string) => {
    transformer.noteChanged([{ bucket: 'datalake', key: `source_data/${key}.csv` }])
    await simulation.settle()
  }
  for (let i = 0; i < 4; i++) {
    bucket.put('source_data/a.csv', csv(`Name ${i}`))
    await read(leader!, true)
    simulation.now += 3000
    for (const replica of [second!, third!]) await read(replica)
  }
  simulation.now += 1000
  // After a listing of its own, the third replica knows all images, so that its re-checks can remove records.
  await read(third!, true)
  bucket.put('source_data/d.csv', csv('First'))
  await read(leader!, true)
  simulation.now += 600
  bucket.delete('source_data/b.csv')
  await notify(third!, 'b')
  t.same([...simulation.recordsOf(third!).keys()], ['a', 'c'])
  simulation.now += 1500
  await read(second!)
  t.same([...simulation.recordsOf(second!).keys()], ['a', 'b', 'c', 'd'])
  bucket.put('source_data/c.csv', csv('Second'))
  await notify(second!, 'c')
  t.equal(simulation.leader, second!.name)
  simulation.now += 500
  await read(third!)
  t.notOk(simulation.recordsOf(third!).has('b'))
  await read(second!, true)
  simulation.now += 3000
  await read(third!)
  t.same([...simulation.recordsOf(third!).keys()], ['a', 'c', 'd'])
})

t.test('a leader whose first state was written late replaces it by what it has listed since', async (t) => {
  const simulation = new Simulation(1)
  const { bucket, replicas: [leader] } = simulation
  bucket.put('source_data/a.csv', csv('First'))
  const listAfter = async (ms: number) => {
    await simulation.advance(ms)
    await leader!.transformer.ensureFresh({ fresh: true })
    await simulation.settle()
  }
  delayStateWrites(simulation)
  for (const ms of [0, 4000]) await listAfter(ms)
  // After a failure, the leader writes nothing for five seconds.
  const writeLate = delayStateWrites(simulation)
  for (const ms of [2000, 4500]) await listAfter(ms)
  await writeLate()
  bucket.put('source_data/a.csv', csv('Second'))
  await listAfter(600)
  t.match(stateOf(simulation), { listedAt: simulation.now, state: { version: leader!.cache.state.table.version } })
})

t.test('a replica that joins lists again if it has found something that the leader has never found', async (t) => {
  const { simulation, bucket, readBoth } = await leaderAndReader()
  bucket.put('source_data/b.csv', csv('Brief'))
  const joined = simulation.start(1)
  await joined.transformer.ensureFresh()
  t.ok(simulation.recordsOf(joined).has('b'))
  bucket.delete('source_data/b.csv')
  const listings = simulation.counts.LIST
  for (let i = 0; i < 4; i++) {
    await readBoth()
    await joined.transformer.ensureFresh()
  }
  t.notOk(simulation.recordsOf(joined).has('b'))
  t.ok(simulation.counts.LIST - listings <= 4 + 1, 'it lists once more')
})

t.test('a change that only one replica has found, and that was undone since, is among the changes of this replica', async (t) => {
  const { reader, readBoth, bucket, simulation } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  await reader.transformer.ensureFresh({ fresh: true })
  const { next } = reader.transformer.changesSince(undefined)!
  bucket.put('source_data/a.csv', csv('First'))
  for (let i = 0; i < 3; i++) await readBoth()
  t.match(simulation.recordsOf(reader).get('a'), 'First')
  t.match(reader.transformer.changesSince(next), { keys: ['a'] })
})

t.test('a record that was added and deleted before a replica lists again is among the changes of the replicas that follow it', async (t) => {
  const { simulation, leader, reader, readBoth, bucket } = await leaderAndReader()
  const joined = simulation.start(2)
  await joined.transformer.ensureFresh()
  bucket.put('source_data/b.csv', csv('Brief'))
  await leader.transformer.ensureFresh({ fresh: true })
  await readBoth()
  const { next } = reader.transformer.changesSince(undefined)!
  t.ok(simulation.recordsOf(reader).has('b'))
  bucket.delete('source_data/b.csv')
  await joined.transformer.ensureFresh({ fresh: true })
  await simulation.settle()
  t.equal(simulation.leader, joined.name)
  await simulation.advance(2500)
  await reader.transformer.ensureFresh()
  t.notOk(simulation.recordsOf(reader).has('b'))
  t.match(reader.transformer.changesSince(next), { keys: ['b'] })
})

t.test('an image that was replaced between the listings of two replicas is not missed by a consumer that goes from one to the other', async (t) => {
  const { leader, reader, readBoth, bucket } = await leaderAndReader()
  bucket.put('source_data/a.csv', csv('Second'))
  await reader.transformer.ensureFresh({ fresh: true })
  const { next, version } = reader.transformer.changesSince(undefined)!
  bucket.put('source_data/a.png', 'second image')
  for (let i = 0; i < 4; i++) await readBoth()
  t.equal(leader.transformer.current.version, version.version)
  t.match(leader.transformer.changesSince(next), { keys: ['a'] })
  t.match(reader.transformer.changesSince(next), { keys: ['a'] })
})

t.test('of two replicas that take over at the same time, each misses no image that was replaced between their listings', async (t) => {
  const simulation = new Simulation(2)
  const { bucket, replicas } = simulation
  bucket.put('source_data/a.csv', csv('First'))
  bucket.put('source_data/a.png', 'first image')
  const third = simulation.start(2)
  for (const { transformer } of [third, ...replicas]) {
    await transformer.ensureFresh()
    await simulation.settle()
  }
  await third.transformer.close()
  await simulation.advance(10_000)
  simulation.intercept = async (operation, key) => {
    if (operation === 'PUT' && key === STATE_KEY) await new Promise(() => {})
  }
  bucket.put('source_data/a.csv', csv('Second'))
  await replicas[0]!.transformer.ensureFresh({ fresh: true })
  const { next, version } = replicas[0]!.transformer.changesSince(undefined)!
  bucket.put('source_data/a.png', 'second image')
  await replicas[1]!.transformer.ensureFresh({ fresh: true })
  t.equal(replicas[1]!.transformer.current.version, version.version)
  t.match(replicas[1]!.transformer.changesSince(next), { keys: ['a'] })
})

t.test('a replica whose clients require a listing each time keeps the last positions of the leader only, and misses no change', async (t) => {
  const { simulation, leader, reader, readBoth, bucket } = await leaderAndReader()
  const since = reader.transformer.changesSince(undefined)!.next
  for (let i = 0; i < 150; i++) {
    bucket.put(`source_data/k${i}.csv`, csv(`N${i}`))
    await simulation.advance(2500)
    await leader.transformer.ensureFresh()
    await simulation.settle()
    await reader.transformer.ensureFresh({ fresh: true })
  }
  const own = reader.cache.state.changes.ends.length
  for (let i = 0; i < 6; i++) await readBoth()
  const added = reader.cache.state.changes.ends.length - own
  t.ok(added >= 90 && added <= 105, `${added} positions`)
  t.equal(reader.transformer.changesSince(since)!.keys.length, 150)
})

t.test('a replica that takes over before a long listing, and cannot write the state, lists all the same', async (t) => {
  const LISTING_MS = 1000
  const simulation = new Simulation(2)
  const { bucket, replicas: [leader, follower] } = simulation
  simulation.intercept = (operation) => { if (operation === 'LIST') simulation.now += LISTING_MS }
  for (let i = 0; i < 3; i++) {
    for (const replica of [leader!, follower!]) {
      await replica.transformer.ensureFresh()
      await simulation.settle()
    }
    await simulation.advance(2500)
  }
  // The leader ends, and the other replica has no requests for some time.
  simulation.intercept = (operation) => {
    if (operation === 'LIST') simulation.now += LISTING_MS
    if (operation === 'PUT') throw new StoreError('unreachable', 'PUT')
  }
  await simulation.advance(60_000)
  bucket.put('source_data/a.csv', csv('Second'))
  t.equal((await follower!.transformer.ensureFresh()).ageMs, LISTING_MS)
  t.match(simulation.recordsOf(follower!).get('a'), 'Second')
})

t.test('a replica that begins to lead writes the snapshot of a state that it had left to the leader', async (t) => {
  const simulation = new Simulation(2)
  const { bucket, replicas: [leader, follower] } = simulation
  bucket.put('source_data/a.csv', csv())
  for (const replica of [leader!, leader!, follower!]) {
    await replica.transformer.ensureFresh()
    await simulation.advance(2500)
  }
  await follower!.transformer.flush()
  t.equal(bucket.get(SNAPSHOT_KEY), undefined)
  const { state } = follower!.cache
  await leader!.transformer.close()
  await simulation.advance(2500)
  await follower!.transformer.ensureFresh()
  await simulation.settle()
  t.equal(simulation.leader, follower!.name)
  t.equal(follower!.cache.state, state)
  await follower!.transformer.flush()
  t.ok(bucket.get(SNAPSHOT_KEY))
})

t.test('closing does not wait for long if the snapshot and the state cannot be written because the store does not respond', async (t) => {
  const simulation = new Simulation(1)
  const { transformer } = simulation.replicas[0]!
  const hanging: string[] = []
  simulation.intercept = (operation, key) => {
    if (operation !== 'PUT' || ![SNAPSHOT_KEY, STATE_KEY].includes(key)) return
    hanging.push(key)
    return new Promise(() => {})
  }
  simulation.bucket.put('source_data/a.csv', csv())
  await transformer.updateOutput()
  await until(() => hanging.length === 2)
  await transformer.close()
  t.same(hanging.sort(), [SNAPSHOT_KEY, STATE_KEY])
})
