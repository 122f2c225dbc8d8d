import t from 'tap'
import { entriesOf, parseQuery, toSearch } from '../../web/query-state.js'
import { describeUnknown, withKnownColumns } from '../../web/unknown-columns.js'
import { columnsIn } from './columns.js'

const users = columnsIn('schemas/users.json', 'city')

t.test('a query keeps its filters, but of its columns and its sort only what exists in the lake', async (t) => {
  const known = (search: string) => toSearch(entriesOf(withKnownColumns(parseQuery(search), users)))
  for (const search of ['', '?columns=user_id,city,age&sort=-city', '?where=height=3&columns=*', '?min_age=3']) t.equal(known(search), search)
  t.equal(known('?where=height=3&columns=user_id,height&sort=height'), '?where=height=3&columns=user_id')
  t.equal(known('?columns=height'), '', 'the default columns')
})

t.test('each unknown column is named once, and so is a column that cannot be shown as a histogram or as groups', async (t) => {
  const describe = (search: string, view = {}) => describeUnknown(parseQuery(search), view, users)
  t.same(describe('?columns=*,city&sort=age', { chart: 'birthts', group: 'city' }), [])
  t.same(describe('?columns=height,city&sort=-height', { chart: 'weight' }).map((text) => /“(.*)”: .* leave it out/.exec(text)?.[1]), ['height', 'weight'])
  t.same(describe('', { chart: 'city', group: 'user_id' }), ['The column “city” cannot be shown as a histogram.', 'The column “user_id” cannot be shown as groups.'])
})
