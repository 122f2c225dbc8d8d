import fc from 'fast-check'
import t from 'tap'
import type { ColumnStatistics, Statistics, ValueStatistics } from '../../../lib/query/statistics.js'
import { MIN_RECORDS, suppressFew } from '../../../lib/query/suppress-few.js'
import { runs } from '../../support/property-runs.js'

const count = fc.integer({ min: 0, max: 12 })
// -99 stands for figures about single records, which are always removed: the lowest and highest values, and what is computed from them.
const figures: fc.Arbitrary<ValueStatistics> = fc.record({
  count, sum: fc.constant(1), mean: fc.constant(1), median: fc.constant(1), min: fc.constant(-99), max: fc.constant(-99), histogram: fc.constant([{ min: -99, max: -99, count: 1 }])
})
const columns = fc.dictionary(fc.constantFrom('a', 'b'), figures)
const statistics: fc.Arbitrary<Statistics & ColumnStatistics> = fc.record({
  count,
  average_age: fc.constant(30),
  median_age: fc.constant(30),
  youngest_age: fc.constant(-99),
  oldest_age: fc.constant(-99),
  with_image: count,
  age_histogram: fc.array(fc.record({ min_age: count, max_age: count, count: fc.integer({ min: 1, max: 12 }) }), { maxLength: 4 }),
  columns,
  groups: fc.array(fc.record({ value: fc.string(), count: fc.integer({ min: 1, max: 12 }), columns }), { maxLength: 4 }),
  other: fc.record({ groups: count, count })
})

/** Every `count` in a value. */
function countsIn (value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) => name === 'count' ? [part as number] : countsIn(part))
}

t.test('statistics about fewer than five records are removed, and no others', async (t) => {
  let suppressed = 0
  fc.assert(fc.property(statistics, (all) => {
    const shown = suppressFew(all)
    if (shown === undefined) return all.count < MIN_RECORDS
    suppressed++
    const enough = <T extends { readonly count: number }>(list: readonly T[] = []) => list.filter(({ count }) => count >= MIN_RECORDS)
    const withAge = all.age_histogram.reduce((sum, bin) => sum + bin.count, 0)
    return !JSON.stringify(shown).includes('-99') &&
      countsIn(shown).every((count) => count >= MIN_RECORDS) &&
      (shown.with_image === 0 || shown.with_image >= MIN_RECORDS) &&
      shown.average_age === (withAge >= MIN_RECORDS ? 30 : -1) &&
      shown.age_histogram.length === enough(all.age_histogram).length &&
      Object.keys(shown.columns!).length === enough(Object.values(all.columns!)).length &&
      shown.groups!.length === enough(all.groups).length
  }), runs(300))
  t.ok(suppressed > 20)
})

t.test('the records of small groups are counted in other', async (t) => {
  const all = { count: 20, average_age: 1, median_age: 1, youngest_age: 0, oldest_age: 2, with_image: 4, age_histogram: [{ min_age: 0, max_age: 9, count: 20 }] }
  const groups = [{ value: 'a', count: 12 }, { value: 'b', count: 4 }, { value: null, count: 2 }]
  t.same(suppressFew({ ...all, groups, other: { groups: 2, count: 2 } }), {
    ...all, youngest_age: null, oldest_age: null, with_image: 0, groups: [{ value: 'a', count: 12 }], other: { groups: 4, count: 8 }
  })
  const { other, ...shown } = suppressFew({ ...all, groups: groups.slice(0, 2), other: { groups: 0, count: 0 } })!
  t.same(shown.groups, [{ value: 'a', count: 12 }])
  t.equal(other, undefined)
})
