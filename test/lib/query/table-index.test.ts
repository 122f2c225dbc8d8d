import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { IndexCache } from '../../../lib/query/index-cache.js'
import { TableIndex } from '../../../lib/query/table-index.js'
import type { ComparableKeys, KeyColumn } from '../../../lib/query/query-column.js'
import { TableReader, type DictionaryReader } from '../../../lib/table/table.js'
import { tableOf } from '../../support/tables.js'

const data = tableOf(Array.from({ length: 200_000 }, (_, i) => ({ user_id: String(i), first_name: `name ${i * 7919 % 1000}` })))
const indexOf = (cache: IndexCache) => new TableIndex(new TableReader(data), 'UTC', cache)
const names = (index: TableIndex) => index.column('first_name') as DictionaryReader

t.test('an order is computed in steps, and only once for concurrent queries', async (t) => {
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
  t.equal(await index.order(column), first, 'the order is cached')
  t.equal(index.orderIfReady(column), first)
})

t.test('a query that can scan the column does not wait for its order, which is computed afterwards', async (t) => {
  const index = indexOf(new IndexCache(Infinity))
  t.equal(index.orderIfReady(names(index)), undefined)
  const order = await index.order(names(index))
  t.equal(index.orderIfReady(names(index)), order)
})

t.test('indexes of equal columns are shared, in bounded memory', async (t) => {
  const cache = new IndexCache(1_000_000)
  const [first, second] = [indexOf(cache), indexOf(cache)]
  const order = await first.order(names(first))
  t.equal(await second.order(names(second)), order, 'tables with the same arrays share an index')
  await first.order(first.column('last_name')!)
  t.not(await first.order(names(first)), order, 'the least recently used index is removed')
  const none = indexOf(new IndexCache(1000))
  t.same(await none.order(names(none)), order, 'an index that is larger than the limit is not cached')
  t.equal(none.orderIfReady(names(none)), undefined)
})

t.test('numbers of a large table are ordered by another thread, if there is one and it does not fail', async (t) => {
  const calls: number[] = []
  const fails = { now: false }
  const cacheOf = (maxScannedRows: number) => new IndexCache(0, maxScannedRows, async ({ values }) => {
    calls.push(values.length)
    if (fails.now) throw new Error('closed')
    return { rows: Uint32Array.of(7), valued: 1 }
  })
  const column = { name: 'n', kind: 'number', values: Float64Array.of(2, NaN, -1, 2, -Infinity, 0.5) } as const
  const here = { rows: Uint32Array.of(4, 2, 5, 0, 3, 1), valued: 5 }
  t.same(await cacheOf(6).orderNumbers(column), here, 'a small column is ordered in the calling thread')
  t.same(calls, [])
  t.same(await cacheOf(5).orderNumbers(column), { rows: Uint32Array.of(7), valued: 1 })
  fails.now = true
  t.same(await cacheOf(5).orderNumbers(column), here)
  t.same(calls, [6, 6])
})

t.test('the texts of object keys are cached like an index, and are computed again for each query if they exceed the limit', async (t) => {
  const table = new TableReader(tableOf(['1', '2'].map((id) => ({ user_id: id, img_path: `source_data/${id}.png` }))))
  const textsIn = async (index: TableIndex) => (await index.comparable(index.column('img_path')!) as ComparableKeys).texts
  for (const [maxBytes, isKept] of [[Infinity, true], [200, true], [40, false]] as const) {
    const index = new TableIndex(table, 'UTC', new IndexCache(maxBytes))
    const [first, second] = [await textsIn(index), await textsIn(index)]
    t.same([second.at(0), second.at(1)], ['source_data/1.png', 'source_data/2.png'])
    t.equal(second.bytes.buffer === first.bytes.buffer, isKept, String(maxBytes))
  }
})

t.test('versions whose images are stored in equal arrays, but belong to other records, share no index', async (t) => {
  const cache = new IndexCache(Infinity, 0)
  const first = tableOf(['1', '2'].map((id) => ({ user_id: id, img_path: `source_data/${id}.png` })))
  const second = tableOf(['7', '8'].map((id) => ({ user_id: id, img_path: `source_data/${id}.png` })), { previous: first })
  const textsIn = async (data: typeof first) => {
    const index = new TableIndex(new TableReader(data), 'UTC', cache)
    const { texts } = await index.foldedTexts(index.column('img_path') as KeyColumn)
    return [texts.at(0), texts.at(1)]
  }
  t.equal(second.images[0]!.bytes, first.images[0]!.bytes, 'the arrays are shared')
  t.same(await textsIn(first), ['SOURCE_DATA/1.PNG', 'SOURCE_DATA/2.PNG'])
  t.same(await textsIn(second), ['SOURCE_DATA/7.PNG', 'SOURCE_DATA/8.PNG'])
})
