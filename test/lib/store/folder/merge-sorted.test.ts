import fc from 'fast-check'
import t from 'tap'
import { mergeSorted } from '../../../../lib/store/folder/merge-sorted.js'
import { runs } from '../../../support/property-runs.js'

const compare = (a: number, b: number) => a - b

t.test('merges runs of any number and length', async () => {
  fc.assert(fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 20 }))), lists => {
    const sorted = lists.map(list => list.toSorted(compare))
    return JSON.stringify([...mergeSorted(sorted, compare)]) === JSON.stringify(lists.flat().sort(compare))
  }), runs(100))
})
