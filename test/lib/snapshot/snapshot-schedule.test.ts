import t from 'tap'
import { SnapshotSchedule } from '../../../lib/snapshot/snapshot-schedule.js'
import type { SourceState } from '../../../lib/source/source-state.js'
import { TestClock } from '../../support/app.js'

/** A schedule whose saves end as the test decides. */
function setUp () {
  const clock = new TestClock(0)
  const saves: { state: SourceState, end: (isSaved?: boolean) => void, fail: (error: Error) => void }[] = []
  const ends: unknown[] = []
  const failures: unknown[] = []
  const schedule = new SnapshotSchedule({
    save: (state) => new Promise((resolve, reject) => saves.push({ state, end: (isSaved = true) => resolve(isSaved), fail: reject })),
    clock: clock.monotonic,
    onEnd: (error) => {
      ends.push(error)
      if (error !== undefined) failures.push(error)
    }
  })
  return { clock, saves, ends, failures, schedule }
}

let states = 0
const newState = () => ({ name: `state ${++states}` }) as SourceState
const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('changes are written at most once a minute', async (t) => {
  const { clock, saves, schedule } = setUp()
  const [first, second, third] = [newState(), newState(), newState()]
  schedule.offer(first)
  await soon()
  saves[0]!.end()
  clock.advance(59_999)
  schedule.offer(second)
  await schedule.settle()
  t.equal(saves.length, 1)
  clock.advance(1)
  schedule.offer(third)
  await soon()
  t.equal(saves.length, 2)
  t.equal(saves[1]!.state, third, 'the states in between are not written')
})

t.test('a state that is written already is not written again', async (t) => {
  const { clock, saves, schedule } = setUp()
  const state = newState()
  schedule.offer(state)
  await soon()
  saves[0]!.end()
  clock.advance(600_000)
  schedule.offer({ ...state })
  await schedule.flush({ ...state })
  t.equal(saves.length, 1)
})

t.test('flush does not wait for the minute, but for the current write', async (t) => {
  const { saves, schedule } = setUp()
  const last = newState()
  schedule.offer(newState())
  let isDone = false
  const flushed = schedule.flush(last).then(() => { isDone = true })
  await soon()
  t.equal(saves.length, 1, 'writes do not overlap')
  saves[0]!.end()
  await soon()
  t.equal(saves[1]?.state, last)
  t.equal(isDone, false)
  saves[1]!.end()
  await flushed
})

t.test('settle waits for the current write and starts none', async (t) => {
  const { saves, schedule } = setUp()
  await schedule.settle()
  schedule.offer(newState())
  let isDone = false
  const settled = schedule.settle().then(() => { isDone = true })
  await soon()
  t.equal(isDone, false)
  saves[0]!.end()
  await settled
  t.equal(saves.length, 1)
})

t.test('a failure is reported, delays nothing, and is not retried within the minute', async (t) => {
  const { clock, saves, failures, schedule } = setUp()
  schedule.offer(newState())
  await soon()
  saves[0]!.fail(new Error('disk full'))
  await schedule.settle()
  t.match(failures, [{ message: 'disk full' }])
  schedule.offer(newState())
  await schedule.settle()
  t.equal(saves.length, 1)
  clock.advance(60_000)
  schedule.offer(newState())
  await soon()
  t.equal(saves.length, 2)
  saves[1]!.end()
  await schedule.settle()
  t.equal(failures.length, 1)
})

t.test('a state whose write has failed is written by the next flush, and a minute later', async (t) => {
  const { clock, saves, failures, schedule } = setUp()
  const state = newState()
  schedule.offer(state)
  await soon()
  saves[0]!.fail(new Error('no connection'))
  await schedule.settle()
  const flushed = schedule.flush(state)
  await soon()
  saves[1]?.fail(new Error('no connection'))
  await flushed
  t.equal(saves.length, 2)
  clock.advance(59_999)
  schedule.offer(state)
  await schedule.settle()
  t.equal(saves.length, 2)
  clock.advance(1)
  schedule.offer(state)
  await soon()
  saves[2]?.end()
  await schedule.flush(state)
  t.equal(saves.length, 3)
  t.equal(failures.length, 2)
})

t.test('a state that another replica was to write is due again at once, and does not count as written', async (t) => {
  const { saves, ends, schedule } = setUp()
  const state = newState()
  schedule.offer(state)
  await soon()
  saves[0]!.end(false)
  await schedule.settle()
  t.same(ends, [])
  schedule.offer(state)
  await soon()
  t.equal(saves[1]?.state, state)
  saves[1]!.end()
  await schedule.flush(state)
  t.equal(saves.length, 2)
  t.same(ends, [undefined])
})
