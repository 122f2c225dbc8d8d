import t from 'tap'
import { Turns } from '../../../lib/base/turns.js'

/** Turns whose every piece of work takes 10 ms: more than a turn of the event loop has. */
function setUp (maxWaiting?: number) {
  let now = 0
  const turns = new Turns({ clock: () => now, ...maxWaiting !== undefined && { maxWaiting } })
  const order: string[] = []
  const piece = (name: string) => {
    now += 10
    order.push(name)
  }
  const enter = async (name: string, isGone?: () => boolean) => {
    await turns.enter(isGone)
    piece(name)
  }
  return { turns, order, piece, enter }
}

t.test('work that takes no noticeable time does not wait', async (t) => {
  const turns = new Turns({ clock: () => 0 })
  for (let i = 0; i < 1000; i++) t.equal(turns.enter(), undefined)
})

t.test('one piece begins in a turn of the event loop, in the order of asking', async (t) => {
  const { turns, order, piece, enter } = setUp()
  let turn = 0
  const counter = { isRunning: true }
  const count = () => {
    turn++
    if (counter.isRunning) setImmediate(count)
  }
  setImmediate(count)
  const begun: number[] = []
  await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => {
    await enter(name)
    begun.push(turn)
    await turns.next()
    piece(`${name}2`)
    begun.push(turn)
  }))
  counter.isRunning = false
  t.same(order, ['a', 'b', 'c', 'd', 'a2', 'b2', 'c2', 'd2'], 'a further piece comes after those that were waiting')
  t.equal(new Set(begun).size, order.length)
})

t.test('a request beyond the limit is refused, a further piece is not', async (t) => {
  const { turns, order, enter } = setUp(2)
  await enter('a')
  const waiting = [enter('b'), enter('c')]
  await t.rejects(enter('d'), { name: 'OverloadedError' })
  const further = turns.next()
  await Promise.all([...waiting, further])
  t.same(order, ['a', 'b', 'c'])
  await enter('e')
})

t.test('a request whose client has left loses its place', async (t) => {
  const { order, enter } = setUp(2)
  let hasLeft = false
  await enter('a')
  const b = t.rejects(enter('b', () => hasLeft), { name: 'RequestAbortedError' })
  const c = enter('c')
  await t.rejects(enter('d'), { name: 'OverloadedError' })
  hasLeft = true
  const e = enter('e')
  await Promise.all([b, c, e])
  t.same(order, ['a', 'c', 'e'])
  await t.rejects(enter('f', () => hasLeft), { name: 'RequestAbortedError' })
})
