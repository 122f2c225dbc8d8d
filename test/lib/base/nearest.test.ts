import t from 'tap'
import { nearest } from '../../../lib/base/nearest.js'

t.test('nearest returns the most similar name', async (t) => {
  const names = ['image_exists', 'min_age', 'max_age', 'user_id']
  t.equal(nearest('min_agee', names), 'min_age')
  t.equal(nearest('MaxAge', names), 'max_age')
  t.equal(nearest('image_exist', names), 'image_exists')
  t.equal(nearest('zzzzzz', names), undefined)
  t.equal(nearest('', []), undefined)
  t.equal(nearest('x'.repeat(65), ['x'.repeat(64)]), undefined, 'too long to be compared')
  t.equal(nearest('ab', ['x'.repeat(1e6), 'abc']), 'abc', 'a far longer name is not compared')
})

t.test('the only name that begins with the word is suggested if no name is similar, unless the number of edits is given or the word is short', async (t) => {
  const names = ['decimalChar', 'groupChar', 'first_name', 'first_visit', 'decimalChar']
  t.equal(nearest('Decimal', names), 'decimalChar')
  t.equal(nearest('first', names), undefined, 'two names begin with it')
  t.equal(nearest('dec', names), undefined)
  t.equal(nearest('decimal', names, 1), undefined)
})

t.test('short words are suggested only for a single typing error, long ones for a third of their length', async (t) => {
  const names = ['sort', 'where', 'columns', 'age', 'q', 'id', 'is_image_exists']
  const found = (word: string) => nearest(word, names)
  t.equal(found('sotr'), 'sort', 'swapped neighbours are one error')
  t.equal(found('wehre'), 'where')
  t.equal(found('ages'), 'age')
  t.equal(found('cloumsn'), 'columns')
  t.equal(found('image_exists'), 'is_image_exists')
  for (const far of ['x', 'zz', 'box', 'role', 'size', 'form', 'height']) t.equal(found(far), undefined, far)
})
