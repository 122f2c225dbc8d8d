import fc from 'fast-check'
import t from 'tap'
import { entriesOf, parseQuery, parseView, toFragment, toSearch, withFilter, withNextSort, withoutFilter, withParameter, type Entry } from '../../web/query-state.js'

t.test('a query is read from a URL and written to one', async (t) => {
  const search = '?min_age=30&where=city~a&where=!height&columns=user_id,city&sort=-city'
  const query = parseQuery(search)
  t.same(query, {
    filters: [['min_age', '30'], ['where', 'city~a'], ['where', '!height']],
    columns: ['user_id', 'city'],
    sort: { column: 'city', isReversed: true }
  })
  t.equal(toSearch(entriesOf(query)), search)
})

t.test('a query without entries is an empty text', async (t) => {
  t.same(parseQuery(''), { filters: [] })
  t.equal(toSearch([]), '')
})

t.test('parameters that mean nothing on the page are left out', async (t) => {
  t.same(parseQuery('?limit=5&cursor=x&format=csv&q=+&q=ann').filters, [['q', 'ann']])
})

t.test('every filter survives a URL, whatever its characters', (t) => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => !['limit', 'cursor', 'format', 'bom', 'delimiter', 'escape_formulas', 'q', 'columns', 'sort'].includes(name))
  fc.assert(fc.property(fc.array(fc.tuple(name, fc.string({ unit: 'grapheme' }))), (filters: readonly Entry[]) => {
    t.strictSame(parseQuery(toSearch(filters)).filters.map((entry) => [...entry]), filters.map((entry) => [...entry]))
  }))
  t.end()
})

t.test('a view is read from a fragment and written to one', async (t) => {
  const view = { chart: 'a&b', group: 'x=y', record: 'Zoë #1' }
  t.same(parseView(toFragment(view)), view)
  t.same(parseView(''), {})
  t.equal(toFragment({}), '')
})

t.test('filters are added once, removed, and replaced', async (t) => {
  const query = parseQuery('?where=a=1')
  t.equal(withFilter(query, ['where', 'a=1']), query)
  const two = withFilter(query, ['where', 'b=1'])
  t.same(two.filters, [['where', 'a=1'], ['where', 'b=1']])
  t.same(withoutFilter(two, ['where', 'a=1']).filters, [['where', 'b=1']])
  t.same(withParameter(parseQuery('?q=ann&where=a'), 'q', 'bob').filters, [['where', 'a'], ['q', 'bob']])
  t.same(withParameter(parseQuery('?q=ann&where=a'), 'q', '').filters, [['where', 'a']])
})

t.test('clicks on a head sort ascending, descending, and by key again', async (t) => {
  const first = withNextSort(parseQuery(''), 'age')
  const second = withNextSort(first, 'age')
  t.same([first.sort, second.sort, withNextSort(second, 'age').sort], [{ column: 'age', isReversed: false }, { column: 'age', isReversed: true }, undefined])
  t.same(withNextSort(second, 'city').sort, { column: 'city', isReversed: false })
})
