import fc from 'fast-check'
import t from 'tap'
import { isLargeLoss, MIN_LOSS, parseShare } from '../../../lib/base/large-loss.js'
import { runs } from '../../support/property-runs.js'

t.test('a loss is large above the share, from 100 records on', async (t) => {
  t.notOk(isLargeLoss({ lost: 200, before: 1000 }, 0.2))
  t.ok(isLargeLoss({ lost: 201, before: 1000 }, 0.2))
  t.notOk(isLargeLoss({ lost: 99, before: 99 }, 0.2))
  t.ok(isLargeLoss({ lost: 100, before: 100 }, 0.2))
  t.ok(isLargeLoss({ lost: 100, before: 1_000_000 }, 0))
  t.notOk(isLargeLoss({ lost: 1000, before: 1000 }, 1))
})

t.test('a larger loss, or a smaller share, never makes a large loss small', async () => {
  const count = fc.nat(10_000)
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(fc.property(count, count, count, share, share, (a, b, before, x, y) => {
    const [less, more] = [Math.min(a, b), Math.max(a, b)]
    const [low, high] = [Math.min(x, y), Math.max(x, y)]
    if (isLargeLoss({ lost: less, before }, high)) return isLargeLoss({ lost: more, before }, low)
    return less < MIN_LOSS || less <= high * before || high === 1
  }), runs(1000))
})

t.test('a share is a percentage', async (t) => {
  t.same(['0%', '20%', '12.5%', '100%'].map(parseShare), [0, 0.2, 0.125, 1])
  t.same(['', '%', '20', '101%', '100.1%', '-1%', ' 20%', '2e1%', '0x1%'].map(parseShare), Array(9).fill(undefined))
})
