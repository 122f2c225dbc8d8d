import t from 'tap'
import { Turns, type TurnsOptions } from '../../../lib/base/turns.js'

/** Turns with a fake clock, a piece of work that takes `ms` of it, the names of the pieces in the order in which they began, and how many ran at a time. */
function setUp (ms: number, options: TurnsOptions = {}) {
  let now = 0
  const begun: string[] = []
  const running = { now: 0, max: 0 }
  const turns = new Turns({ clock: () => now, ...options })
  const work = (name: string) => async () => {
    begun.push(name)
    running.max = Math.max(running.max, ++running.now)
    await null
    now += ms
    running.now--
  }
  return { turns, begun, running, work }
}

/** Counts the turns of the event loop until a promise is settled. */
async function countTurns (during: Promise<unknown>): Promise<number> {
  const state = { turns: 0, isRunning: true }
  const count = () => {
    state.turns++
    if (state.isRunning) setImmediate(count)
  }
  setImmediate(count)
  await during
  state.isRunning = false
  return state.turns
}

const names = Array.from({ length: 20 }, (_, i) => String(i))

t.test('at most `maxRunning` pieces run at a time, and they begin in the order of the calls', async (t) => {
  const { turns, begun, running, work } = setUp(1, { maxRunning: 3 })
  await Promise.all(names.map((name) => turns.runFirst(work(name))))
  t.same(begun, names)
  t.equal(running.max, 3)
})

t.test('a further piece runs after those that are waiting', async (t) => {
  const { turns, begun, work } = setUp(1, { maxRunning: 1 })
  await Promise.all(['a', 'b', 'c'].map(async (name) => {
    await turns.runFirst(work(name))
    await turns.runNext(work(`${name}2`))
  }))
  t.same(begun, ['a', 'b', 'c', 'a2', 'b2', 'c2'])
})

t.test('after 5 ms of work the next piece waits for the next turn of the event loop', async (t) => {
  const slow = setUp(5, { maxRunning: 1 })
  t.ok(await countTurns(Promise.all(names.map((name) => slow.turns.runFirst(slow.work(name))))) >= names.length - 2, 'each piece is followed by a turn of the event loop')
  const quick = setUp(0.1, { maxRunning: 1 })
  t.ok(await countTurns(Promise.all(names.map((name) => quick.turns.runFirst(quick.work(name))))) <= 2, 'several short pieces run in one turn of the event loop')
})

t.test('if `maxWaiting` pieces are waiting, a first piece is refused and a further piece is not', async (t) => {
  const { turns, begun, work } = setUp(1, { maxRunning: 1, maxWaiting: 2 })
  const accepted = ['a', 'b', 'c'].map((name) => turns.runFirst(work(name)))
  await t.rejects(turns.runFirst(work('d')), { name: 'OverloadedError' })
  await Promise.all([...accepted, turns.runNext(work('a2'))])
  t.same(begun, ['a', 'b', 'c', 'a2'])
  await turns.runFirst(work('e'))
})

t.test('a piece is not run if its client has closed the connection', async (t) => {
  const { turns, begun, work } = setUp(1, { maxRunning: 1, maxWaiting: 2 })
  const client = { hasLeft: false }
  const isGone = () => client.hasLeft
  const a = turns.runFirst(work('a'))
  const b = t.rejects(turns.runFirst(work('b'), isGone), { name: 'RequestAbortedError' })
  const c = turns.runFirst(work('c'))
  const d = t.rejects(turns.runFirst(work('d')), { name: 'OverloadedError' })
  client.hasLeft = true
  await Promise.all([a, b, c, d, turns.runFirst(work('e'))])
  t.same(begun, ['a', 'c', 'e'])
  await t.rejects(turns.runFirst(work('f'), isGone), { name: 'RequestAbortedError' })
})

t.test('after a piece that fails the next one runs', async (t) => {
  const { turns, begun, work } = setUp(1, { maxRunning: 1 })
  const failing = t.rejects(turns.runFirst(async () => { throw new Error('failed') }), { message: 'failed' })
  await Promise.all([failing, turns.runFirst(work('a'))])
  t.same(begun, ['a'])
})
