import t from 'tap'
import type { Filter } from '../../../lib/query/filter.js'
import { IndexCache } from '../../../lib/query/index-cache.js'
import { Match } from '../../../lib/query/match.js'
import { TableIndex } from '../../../lib/query/table-index.js'
import { TableReader } from '../../../lib/table/table.js'
import { tableOf } from '../../support/tables.js'

t.test('the size of a match includes its list of rows and its set of rows (a bitmap), but not its conditions, which it does not keep', async (t) => {
  const table = new TableReader(tableOf(Array.from({ length: 1000 }, (_, i) => ({ user_id: String(i), first_name: `name ${i}` }))))
  const index = new TableIndex(table, 'UTC', new IndexCache(Infinity))
  const bytesOf = async (...filters: Filter[]) => (await Match.find(index, { filters })).bytes
  const none: Filter = { column: 'first_name', op: 'contains', value: 'unknown' }
  t.equal(await bytesOf(none), 128, 'no row in the list; the set takes a bit for each row of the table')
  t.equal(await bytesOf({ op: 'words', value: ['name 7', '7'] }), 128 + 4 * 111)
  t.equal(await bytesOf({ op: 'words', value: Array.from({ length: 300 }, (_, i) => i % 2 === 0 ? 'na' : 'me') }), 128 + 4 * 1000, 'also of more than 255 words')
  t.equal(await bytesOf({ op: 'not', filter: none }), 128 + 4 * 1000)
})
