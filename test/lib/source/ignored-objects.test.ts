import t from 'tap'
import { IgnoredCounter } from '../../../lib/source/ignored-objects.js'

const count = (keys: readonly string[]) => {
  const counter = new IgnoredCounter()
  for (const key of keys) {
    const bytes = Buffer.from(`..${key}..`)
    counter.add({ bytes, start: 2, end: bytes.length - 2 })
  }
  return counter.list()
}

t.test('objects are counted by extension in lower case, the most frequent one first', async (t) => {
  t.same(count(['a.TXT', 'x/b.txt', 'c', 'd.txt', 'e.x/', 'f.gz']), [
    { extension: 'txt', count: 3, example: 'a.TXT' },
    { extension: null, count: 2, example: 'c' },
    { extension: 'gz', count: 1, example: 'f.gz' }
  ])
  t.same(count([]), [])
})

t.test('the report is bounded, even if every object has another extension', async (t) => {
  const found = count(Array.from({ length: 1000 }, (_, i) => `a.${i % 500}`))
  t.ok(found.length <= 101)
  t.equal(found.reduce((sum, { count }) => sum + count, 0), 1000)
  t.match(found[0], { extension: null })
})
