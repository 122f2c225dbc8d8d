import t from 'tap'
import { parquet } from '../../../lib/output/parquet.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { readParquet } from '../../support/parquet.js'
import { tableOf, type TestRow } from '../../support/tables.js'

t.test('all columns are written, integers as INT64 and missing values as null', async (t) => {
  const rows: TestRow[] = [
    { user_id: '0012', first_name: 'O, "Neil"', last_name: '', birthts: -8.64e15, img_path: 'source_data/0012.png', undeclared: { city: 'Zürich 😀' } },
    { user_id: '12', first_name: 'Łukasz', last_name: '李\n', birthts: 8.64e15, undeclared: { 'a=b': '' } },
    { user_id: 'x', birthts: 0 }
  ]
  const records = new TableVersion(tableOf(rows), 'UTC')
  t.same(await readParquet(await parquet(await records.select({ columns: records.columns }), records.fields)), {
    names: ['user_id', 'first_name', 'last_name', 'birthts', 'img_path', 'a=b', 'city'],
    types: ['UTF8', 'UTF8', 'UTF8', 'INT64', 'UTF8', 'UTF8', 'UTF8'],
    rows: [
      ['0012', 'O, "Neil"', '', -8640000000000000n, 'source_data/0012.png', null, 'Zürich 😀'],
      ['12', 'Łukasz', '李\n', 8640000000000000n, null, '', null],
      ['x', '', '', 0n, null, null, null]
    ],
    groups: [3]
  })
})

t.test('many rows are written in row groups of 100,000, and a selection without rows as a file with columns and no rows', async (t) => {
  const count = 250_000
  const records = new TableVersion(tableOf(Array.from({ length: count }, (_, i) => ({ user_id: String(i), first_name: `name ${i % 1000}`, birthts: i }))), 'UTC')
  const body = await parquet(await records.select({ columns: ['birthts'] }), records.fields)
  const { rows, groups } = await readParquet(body)
  t.same(groups, [100_000, 100_000, 50_000])
  t.equal(rows.reduce((sum, [birthts]) => sum + birthts, 0n), BigInt(count) * BigInt(count - 1) / 2n)
  t.ok((await parquet(await records.select({ columns: ['birthts'] }), records.fields)).equals(body), 'equal records have equal bytes')
  t.match(await readParquet(await parquet(await new TableVersion(tableOf([]), 'UTC').select({}), records.fields)), { names: ['user_id', 'first_name', 'last_name', 'birthts', 'img_path'], rows: { length: 0 } })
})
