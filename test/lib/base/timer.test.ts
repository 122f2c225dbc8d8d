import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { systemTimer, within } from '../../../lib/base/timer.js'

t.test('a timer may be longer than the longest timeout of Node, beyond which Node ends a timeout at once', async (t) => {
  const warnings: string[] = []
  const note = ({ name }: Error) => { warnings.push(name) }
  process.on('warning', note)
  t.teardown(() => process.removeListener('warning', note))
  const cancel = systemTimer(2 ** 40, () => t.fail('the timer has ended'))
  await setImmediate()
  cancel()
  t.same(warnings, [])
})

t.test('a limited wait ends with the work, or after the limit', async () => {
  await within(2 ** 31 - 1, Promise.resolve())
  await within(1, new Promise(() => {}))
})
