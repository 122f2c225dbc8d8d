import t from 'tap'
import { EventStreams } from '../../../routes/http/event-streams.js'

function setUp () {
  const timers = new Map<() => void, number>()
  let refreshes = 0
  const streams = new EventStreams({
    refresh: () => { refreshes++ },
    refreshMs: 2000,
    every: (ms, task) => {
      timers.set(task, ms)
      return () => timers.delete(task)
    }
  })
  const elapse = (ms: number) => { for (const [task, period] of [...timers]) if (period === ms) task() }
  return { streams, timers, elapse, refreshes: () => refreshes }
}

t.test('a stream sends comments, which show that the connection is alive', async (t) => {
  const { streams, elapse } = setUp()
  let ticks = 0
  const { body, send } = streams.open(() => { ticks++ })
  send({ name: 'changes', id: 'V', data: '{}' })
  elapse(15_000)
  t.equal(String(body.read()), ':\n\nevent: changes\nid: V\ndata: {}\n\n:\n\n')
  t.equal(ticks, 1)
})

t.test('data is refreshed while there are streams, and no timer outlives them', async (t) => {
  const { streams, elapse, timers, refreshes } = setUp()
  const [first, second] = [streams.open(() => {}), streams.open(() => {})]
  elapse(2000)
  t.equal(refreshes(), 1)
  for (const { body } of [first, second]) await new Promise((resolve) => body.destroy().once('close', resolve))
  t.equal(timers.size, 0)
})

t.test('a stream that was ended sends nothing more', async (t) => {
  const { streams, elapse, timers } = setUp()
  const { body, send, end } = streams.open(() => {})
  end()
  end()
  send({ name: 'changes', id: 'V', data: '{}' })
  elapse(15_000)
  streams.end()
  t.same(await body.toArray().then((chunks) => chunks.map(String)), [':\n\n'])
  t.equal(timers.size, 0)
})

t.test('a client that does not read gets no further events until it does', async (t) => {
  const { body, send, isReady } = setUp().streams.open(() => {})
  t.ok(isReady())
  send({ name: 'changes', id: 'V', data: 'x'.repeat(1024 * 1024) })
  t.notOk(isReady())
  body.read()
  t.ok(isReady())
})

t.test('the number of streams is limited, and all are ended at shutdown', async (t) => {
  const { streams } = setUp()
  const all = Array.from({ length: 256 }, () => streams.open(() => {}))
  t.throws(() => streams.open(() => {}), { status: 503, code: 'overloaded' })
  await new Promise((resolve) => all[0]!.body.destroy().once('close', resolve))
  const last = streams.open(() => {})
  streams.end()
  last.body.resume()
  await new Promise((resolve) => last.body.once('end', resolve))
  t.throws(() => streams.open(() => {}), { status: 503, code: 'draining' })
  last.send({ name: 'changes', id: 'V', data: '{}' })
})
