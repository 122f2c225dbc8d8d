import t from 'tap'
import { forEachConcurrently } from '../../../lib/base/concurrent.js'

t.test('processes every item, never more than the limit at a time', async (t) => {
  const done: number[] = []
  let running = 0
  let most = 0
  await forEachConcurrently(Array.from({ length: 20 }, (_, i) => i), 3, async (item) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    done.push(item)
  })
  t.equal(done.length, 20)
  t.equal(most, 3)
})

t.test('after a failure starts no more items, waits for the running ones, and throws the first failure', async (t) => {
  const started: number[] = []
  let ended = 0
  await t.rejects(forEachConcurrently([0, 1, 2, 3, 4, 5], 2, async (item) => {
    started.push(item)
    await new Promise((resolve) => setImmediate(resolve))
    ended++
    if (item === 1) throw new Error('one')
  }), { message: 'one' })
  t.ok(started.length < 6)
  t.equal(ended, started.length)
})

t.test('rejects if the items cannot be iterated or weighed, once the running work has ended', async (t) => {
  const failAt = (n: number) => (item: number) => { if (item === n) throw new Error(`item ${n}`) }
  for (const at of [0, 1, 3]) {
    const done: number[] = []
    const work = async (item: number) => {
      await new Promise((resolve) => setImmediate(resolve))
      done.push(item)
    }
    const fail = failAt(at)
    const items = function * () {
      for (let i = 0; i < 5; i++) {
        fail(i)
        yield i
      }
    }
    await t.rejects(forEachConcurrently(items(), 2, work), { message: `item ${at}` })
    const read = done.length
    await t.rejects(forEachConcurrently([0, 1, 2, 3, 4], 2, work, { weigh: (item) => { fail(item); return 1 }, maxWeight: 2 }), { message: `item ${at}` })
    t.ok(read <= at && done.length - read <= at)
    const count = done.length
    await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(done.length, count, 'no work is running')
  }
})

t.test('items that are worked on together weigh at most the maximum, and a heavier one is worked on alone', async (t) => {
  let running: number[] = []
  const seen: number[][] = []
  await forEachConcurrently([4, 4, 4, 20, 1, 1, 8], 10, async (weight) => {
    running = [...running, weight]
    seen.push(running)
    await new Promise((resolve) => setImmediate(resolve))
    running = running.toSpliced(running.indexOf(weight), 1)
  }, { weigh: (weight) => weight, maxWeight: 10 })
  t.ok(seen.every((weights) => weights.length === 1 || weights.reduce((a, b) => a + b) <= 10))
  t.same(seen.find((weights) => weights.includes(20)), [20])
  t.ok(seen.some((weights) => weights.length === 3))
})

t.test('the limit may change while items are worked on', async (t) => {
  let limit = 1
  let running = 0
  let most = 0
  await forEachConcurrently(Array.from({ length: 20 }, (_, i) => i), () => limit, async (item) => {
    most = Math.max(most, ++running)
    if (item === 5) limit = 4
    await new Promise((resolve) => setImmediate(resolve))
    running--
  })
  t.equal(most, 4)
})
