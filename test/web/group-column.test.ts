import t from 'tap'
import { findGroupColumn, withoutGroups } from '../../web/group-column.js'
import { parseQuery } from '../../web/query-state.js'
import type { Statistics } from '../../web/types.js'
import { columnsIn } from './columns.js'

const group = (count: number) => ({ value: 'x', count })

t.test('the records are grouped by the first column with few values, otherwise by the one with the largest groups', async (t) => {
  const products = columnsIn('examples/products/schema.json')
  const find = async (statistics: Readonly<Record<string, Statistics>>) => (await findGroupColumn(products, async ({ name }) => statistics[name] ?? { count: 0 }))?.name
  const many: Statistics = { count: 100, groups: [group(10), group(10)], other: { groups: 80, count: 80 } }
  const more: Statistics = { count: 100, groups: [group(20), group(20)], other: { groups: 60, count: 60 } }
  const few: Statistics = { count: 100, groups: [group(60), group(40)] }
  t.equal(await find({ name: many, category: few, in_stock: few }), 'category')
  t.equal(await find({ name: many, category: more, in_stock: { count: 100, groups: [group(100)] } }), 'category')
  t.equal(await find({}), 'name', 'an empty lake')
})

t.test('the filters that select a group are left out when groups are read, so that the other groups are still shown', async (t) => {
  const column = columnsIn('schemas/users.json', 'city').byName.get('city')!
  t.same(withoutGroups(parseQuery('?where=city=Rome&where=!city&where=city~r&min_age=3'), column), [['where', 'city~r'], ['min_age', '3']])
})
