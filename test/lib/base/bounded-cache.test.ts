import t from 'tap'
import { BoundedCache } from '../../../lib/base/bounded-cache.js'

t.test('caches the most recently used values that fit', async (t) => {
  const cache = new BoundedCache<number>(100)
  cache.set('a', 1, 30)
  cache.set('b', 2, 30)
  cache.set('c', 3, 30)
  t.equal(cache.get('a'), 1)
  cache.set('d', 4, 30)
  t.equal(cache.get('b'), undefined, 'the least recently used one was removed')
  t.same(['a', 'c', 'd'].map((key) => cache.get(key)), [1, 3, 4])
})

t.test('keys count towards the size', async (t) => {
  const cache = new BoundedCache<number>(1000)
  for (let i = 0; i < 1000; i++) cache.set(`key-${i}`, i, 0)
  const kept = Array.from({ length: 1000 }, (_, i) => cache.get(`key-${i}`)).filter((value) => value !== undefined)
  // A key of 7 characters counts as 14 bytes.
  t.ok(kept.length > 50 && kept.length < 80, `${kept.length}`)
  t.equal(kept.at(-1), 999)
})

t.test('a value that is too large is not cached, and the value that it replaces is removed', async (t) => {
  const cache = new BoundedCache<number>(100)
  cache.set('a', 1, 10)
  cache.set('a', 2, 1000)
  t.equal(cache.get('a'), undefined)
  cache.set('b', 3, 90)
  t.equal(cache.get('b'), 3)
})
