import fc from 'fast-check'
import t from 'tap'
import { beginningOfText, compareUtf8 } from '../../../lib/base/utf8.js'
import { runs } from '../../support/property-runs.js'

t.test('compareUtf8 orders any two strings as their UTF-8 bytes', async (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '𐀀', '😀') })
  fc.assert(fc.property(text, text, (a, b) => {
    return Math.sign(compareUtf8(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b))
  }), runs(100))
  t.ok(compareUtf8('😀', '\uffff') > 0)
  t.ok('😀' < '\uffff', 'the operators of JavaScript compare UTF-16 code units, which gives another order')
})

t.test('the beginning of a text does not end with half a surrogate pair', async (t) => {
  t.equal(beginningOfText('a😀b', 2), 'a')
  t.equal(beginningOfText('a😀b', 3), 'a😀')
  t.equal(beginningOfText('a\ud83d', 2), 'a\ud83d', 'a text that is not cut is the same')
})
