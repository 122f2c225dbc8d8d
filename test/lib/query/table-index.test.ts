import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { IndexCache } from '../../../lib/query/index-cache.js'
import { TableIndex } from '../../../lib/query/table-index.js'
import { TableReader, type DictionaryReader } from '../../../lib/table/table.js'
import { tableOf } from '../../support/tables.js'

const data = tableOf(Array.from({ length: 200_000 }, (_, i) => ({ user_id: String(i), first_name: `name ${i * 7919 % 1000}` })))
const indexOf = (cache: IndexCache) => new TableIndex(new TableReader(data), 'UTC', cache)
const names = (index: TableIndex) => index.column('first_name') as DictionaryReader

t.test('an order is made in steps, once for all that wait for it', async (t) => {
  const index = indexOf(new IndexCache(Infinity))
  const column = names(index)
  const state = { isReady: false }
  const both = Promise.all([index.order(column), index.order(column)]).then((orders) => {
    state.isReady = true
    return orders
  })
  let turns = 0
  for (; !state.isReady; turns++) await setImmediate()
  const [first, second] = await both
  t.ok(turns >= 4, `${turns} turns of the event loop`)
  t.equal(first, second)
  t.equal(await index.order(column), first, 'and kept')
  t.equal(index.orderIfMade(column), first)
})

t.test('a query that can scan does not wait for an order, which is then made', async (t) => {
  const index = indexOf(new IndexCache(Infinity))
  t.equal(index.orderIfMade(names(index)), undefined)
  const order = await index.order(names(index))
  t.equal(index.orderIfMade(names(index)), order)
})

t.test('indexes of equal columns are shared, in bounded memory', async (t) => {
  const cache = new IndexCache(1_000_000)
  const [first, second] = [indexOf(cache), indexOf(cache)]
  const order = await first.order(names(first))
  t.equal(await second.order(names(second)), order, 'by tables with the same arrays')
  await first.order(first.column('last_name')!)
  t.not(await first.order(names(first)), order, 'the least recently used one is dropped')
  const none = indexOf(new IndexCache(1000))
  t.same(await none.order(names(none)), order, 'an index that exceeds the memory is used once')
  t.equal(none.orderIfMade(names(none)), undefined)
})
