import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { systemTimer } from '../../../lib/base/timer.js'

t.test('a timer may be longer than a timeout of Node, which would end at once', async (t) => {
  const warnings: string[] = []
  const note = ({ name }: Error) => { warnings.push(name) }
  process.on('warning', note)
  t.teardown(() => process.removeListener('warning', note))
  const cancel = systemTimer(2 ** 40, () => t.fail('the timer has ended'))
  await setImmediate()
  cancel()
  t.same(warnings, [])
})
