import t from 'tap'
import { SerialQueue } from '../../../lib/base/serial-queue.js'
import { gate } from '../../support/until.js'

t.test('work runs one piece at a time and in order, also after work that fails', async (t) => {
  const queue = new SerialQueue()
  const { opened, open } = gate()
  const begun: string[] = []
  const first = queue.run(async () => {
    begun.push('first')
    await opened
    throw new Error('first')
  })
  const second = queue.run(async () => {
    begun.push('second')
    return 2
  })
  await new Promise(setImmediate)
  t.same(begun, ['first'])
  open()
  await t.rejects(first, { message: 'first' })
  t.equal(await second, 2)
  t.same(begun, ['first', 'second'])
})
