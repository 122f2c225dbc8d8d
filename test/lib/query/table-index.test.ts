import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { TableIndex } from '../../../lib/query/table-index.js'
import { TableReader } from '../../../lib/table/table.js'
import { tableOf } from '../../support/tables.js'

const table = new TableReader(tableOf(Array.from({ length: 200_000 }, (_, i) => ({ user_id: String(i), first_name: `name ${i * 7919 % 1000}` }))))

t.test('an order is prepared in steps, once for all that wait for it', async (t) => {
  const index = new TableIndex(table)
  const state = { isReady: false }
  const all = Promise.all([index.prepare('first_name'), index.prepare('first_name')]).then(() => { state.isReady = true })
  let turns = 0
  for (; !state.isReady; turns++) await setImmediate()
  await all
  t.ok(turns >= 4, `${turns} turns of the event loop`)
  const prepared = index.postings('first_name')
  t.same(prepared, new TableIndex(table).postings('first_name'))
  await index.prepare('first_name')
  t.equal(index.postings('first_name'), prepared)
  await index.prepare('birthts')
  await index.prepare('unknown')
})
