import t from 'tap'
import { ageBinWidth, binFilters, binsOf, describeRange, formatTick, rangeOfBins, selectedBins } from '../../web/bins.js'
import { rangeOf } from '../../web/conditions.js'
import { parseQuery, toSearch } from '../../web/query-state.js'
import { readStatistics } from '../../web/statistics.js'
import type { Reader, Statistics } from '../../web/types.js'
import { buildOnExample } from '../support/examples.js'
import { columnsIn } from './columns.js'

const users = columnsIn('schemas/users.json')
const age = users.age!

t.test('ages have all bins between the lowest and the highest', async (t) => {
  const bins = binsOf(age, { count: 3, age_histogram: [{ min_age: -5, max_age: -1, count: 1 }, { min_age: 5, max_age: 9, count: 2 }] })
  t.same(bins, [{ from: -5, to: 0, count: 1 }, { from: 0, to: 5, count: 0 }, { from: 5, to: 10, count: 2 }])
  t.equal(describeRange(age, rangeOfBins(bins, 1, 1)), '0 – 4')
  t.equal(describeRange(age, rangeOfBins(bins, 0, 2)), '-5 – 9')
  t.same(binFilters(age, bins, 1, 2), [['min_age', '0'], ['max_age', '9']])
})

t.test('a column without values has no bins', async (t) => {
  t.same(binsOf(age, { count: 0, age_histogram: [] }), [])
  t.same(binsOf(users.byName.get('birthts')!, { count: 0 }), [])
})

t.test('the width of age bins leads to about 20 bins, and is at most 999 years', async (t) => {
  for (const [lowest, highest, width] of [[14, 90, 5], [0, 20, 1], [-3, 45, 2], [0, 249, 10], [0, 9999, 500], [0, 99_999, 999]] as const) t.equal(ageBinWidth(lowest, highest), width)
})

t.test('the filters of a bar select the records that it shows, in each example lake', async (t) => {
  let count = 0
  for (const name of ['devices', 'pets', 'products']) {
    const app = await buildOnExample(t, name)
    await app.inject({ method: 'POST', url: '/data' })
    const api: Reader = { get: async (path) => (await app.inject(`/${path}`)).json() }
    for (const column of columnsIn(`examples/${name}/schema.json`).numeric) {
      const bins = binsOf(column, await readStatistics(api, [], column))
      t.ok(bins.length > 1, column.name)
      for (let i = 0; i < bins.length; i++) {
        const filters = binFilters(column, bins, i, i)
        const { count: selected } = await api.get<Statistics>(`stats${toSearch(filters)}`)
        t.equal(selected, bins[i]!.count, `${column.name}: ${describeRange(column, rangeOfBins(bins, i, i))}`)
        t.same(selectedBins(bins, rangeOf({ filters }, column)), [i, i], column.name)
        count++
      }
    }
  }
  t.ok(count > 100)
})

t.test('a label below the plot has only the parts of a date that the range of the plot needs', async (t) => {
  const born = columnsIn('examples/pets/schema.json').byName.get('born')!
  const day = 86_400_000
  t.equal(formatTick(born, Date.UTC(2020, 4, 3), 20 * 365 * day), '2020')
  t.equal(formatTick(born, Date.UTC(2020, 4, 3), 365 * day), '2020-05')
  t.equal(formatTick(born, Date.UTC(2020, 4, 3), 20 * day), '05-03')
  t.equal(formatTick(age, 1234, 5000), '1,234')
})

t.test('a range without a lower or an upper bound is described by the other one', async (t) => {
  const describe = (search: string) => describeRange(age, rangeOf(parseQuery(search), age)!)
  t.same(['?min_age=23&max_age=47', '?min_age=23', '?max_age=47', '?min_age=3&max_age=3'].map(describe), ['23 – 47', 'from 23', 'up to 47', '3'])
})
