import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { RecheckQueue } from '../../lib/recheck-queue.js'
import { noPause } from '../support/virtual-time.js'

function setUp (check: (keys: readonly string[]) => Promise<boolean> = async () => true) {
  const checked: string[] = []
  let listings = 0
  const queue = new RecheckQueue({
    check: async (keys) => {
      checked.push(...keys)
      return await check(keys)
    },
    list: () => { listings++ },
    pause: noPause,
    clock: () => 0
  })
  return { queue, checked, listings: () => listings }
}

t.test('a queue that was stopped stays so, also if a listing begins and events arrive afterwards', async (t) => {
  const { queue, checked, listings } = setUp()
  queue.add(['a'])
  await setImmediate()
  queue.stop()
  queue.listingBegins()
  queue.add(['b', ...Array.from({ length: 2000 }, (_, i) => `${i}`)])
  await setImmediate()
  t.same(checked, ['a'])
  t.equal(listings(), 0)
})

t.test('a check that fails after the queue was stopped requests no listing', async (t) => {
  let end = (_isChecked: boolean) => {}
  const { queue, listings } = setUp(async () => await new Promise((resolve) => { end = resolve }))
  queue.add(['a'])
  queue.stop()
  queue.listingBegins()
  end(false)
  await setImmediate()
  t.equal(listings(), 0)
})
