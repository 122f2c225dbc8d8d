import t from 'tap'
import { EvenSample } from '../../../scripts/infer-schema/even-sample.js'

t.test('a sample has all items of a short sequence, and evenly spread ones of a long sequence', async (t) => {
  for (const count of [1, 2, 7]) {
    for (const length of [0, 1, 6, 7, 8, 13, 14, 15, 1000]) {
      const sample = new EvenSample<number>(count)
      for (let i = 0; i < length; i++) sample.add(i)
      const items = sample.items()
      t.equal(items.length, Math.min(count, length), `${count} of ${length}`)
      const gaps = items.slice(1).map((item, i) => item - items[i]!)
      t.ok(gaps.every((gap) => gap >= 1 && gap <= 3 * length / count), `${count} of ${length}: ${items.join()}`)
      t.ok(length <= count || items.at(-1)! >= length * (count - 1) / count / 2, 'the last item is near the end of the sequence')
    }
  }
})
