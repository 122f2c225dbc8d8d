import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { MAX_STATE_BYTES } from '../../../lib/share/shared-state.js'
import { csv } from '../../support/app.js'
import { runs } from '../../support/property-runs.js'
import { Simulation, STATE_KEY } from '../../support/replicas.js'

/** What replaces the state: its text changed, or one member, at any depth, replaced by another value. */
const damages = fc.oneof(
  fc.constantFrom((_: string) => '', (text: string) => text.replace('"listingMs":0', '"listingMs":1e300'), (text: string) => text.replace('"id":"3"', '"id":3'), () => 'null', () => '{}', () => '[1]', () => ' '.repeat(MAX_STATE_BYTES + 1)),
  fc.double({ min: 0, max: 1, noNaN: true }).map((share) => (text: string) => text.slice(0, share * text.length)),
  fc.tuple(fc.nat(), fc.constantFrom(undefined, null, -1, 1e300, '', 'x', true, [], [null], {}, '__proto__')).map(([n, value]) => (text: string) => {
    const root = JSON.parse(text)
    const places = placesIn(root)
    const { parent, name } = places[n % places.length]!
    parent[name] = value
    return JSON.stringify(root)
  })
)

type Parent = Record<string, unknown>

function placesIn (value: unknown): { readonly parent: Parent, readonly name: string }[] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value as Parent
  return Object.keys(parent).flatMap((name) => [{ parent, name }, ...placesIn(parent[name])])
}

t.test('a damaged state never makes a refresh fail or serve anything but what the lake has had, and is replaced', async () => {
  await fc.assert(fc.asyncProperty(damages, async (damage) => {
    const simulation = new Simulation(2)
    const { bucket, replicas } = simulation
    const [leader, follower] = replicas
    bucket.put('source_data/1.csv', csv('Ann'))
    bucket.put('source_data/2.csv', csv('Bob'))
    bucket.put('source_data/2.png', 'image')
    const read = async (replica = follower!) => {
      const { ageMs, staleReasons } = await replica.transformer.ensureFresh()
      assert.deepEqual(staleReasons, [])
      assert.ok(ageMs! >= 0, `an age of ${ageMs} ms`)
      return JSON.stringify([...simulation.recordsOf(replica)])
    }
    for (const replica of [leader, leader, follower]) {
      await read(replica)
      await simulation.advance(2500)
    }
    const before = await read()
    bucket.put('source_data/1.csv', csv('Eve'))
    bucket.delete('source_data/2.png')
    bucket.put('source_data/3.csv', 'bad')
    await simulation.advance(2500)
    const after = await read(leader)
    await simulation.settle()
    const text = bucket.get(STATE_KEY)!.body.toString()
    bucket.put(STATE_KEY, damage(text))
    await simulation.advance(1500)
    assert.ok([before, after].includes(await read()))
    bucket.put('source_data/4.csv', csv('Kim'))
    bucket.put('source_data/2.png', 'another image')
    for (let i = 0; i < 20; i++) {
      await simulation.advance(2500)
      await read()
    }
    assert.equal(simulation.recordsOf(follower!).size, 3)
    assert.equal(simulation.leader, follower!.name)
  }), runs(60))
})
