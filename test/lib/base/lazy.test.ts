import t from 'tap'
import { Lazy } from '../../../lib/base/lazy.js'

t.test('the result is made once, when it is first needed, and again after a failure', async (t) => {
  let made = 0
  const lazy = new Lazy(async () => {
    made++
    if (made === 1) throw new Error('failed')
    return made
  })
  t.equal(lazy.begun, undefined)
  const [first, second] = [lazy.get(), lazy.get()]
  await t.rejects(first, { message: 'failed' })
  await t.rejects(second, { message: 'failed' })
  t.equal(made, 1, 'callers share an attempt')
  t.equal(lazy.begun, undefined)
  t.same([await lazy.get(), await lazy.get(), await lazy.begun], [2, 2, 2])
})
