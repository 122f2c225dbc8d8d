import { writeFileSync } from 'node:fs'
import t from 'tap'
import { parquet } from '../../../lib/output/parquet.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { queryParquet } from '../../support/duckdb.js'
import { tableOf, type TestRow } from '../../support/tables.js'

t.test('DuckDB reads what was written', async (t) => {
  const rows: TestRow[] = [
    { user_id: '0012', first_name: 'O, "Neil"', last_name: '', birthts: -8.64e15, img_path: 'source_data/0012.png', undeclared: { city: 'Zürich 😀' } },
    { user_id: '12', first_name: 'Łukasz', last_name: '李\n', birthts: 8.64e15, undeclared: { 'a=b': '' } },
    { user_id: 'x', birthts: 0 }
  ]
  const records = new TableVersion(tableOf(rows), 'UTC')
  const file = `${t.testdir()}/output.parquet`
  writeFileSync(file, await parquet(await records.select({ columns: records.columns })))
  t.same(await queryParquet(file, 'SELECT * FROM FILE'), {
    names: ['user_id', 'first_name', 'last_name', 'birthts', 'img_path', 'a=b', 'city'],
    types: ['VARCHAR', 'VARCHAR', 'VARCHAR', 'BIGINT', 'VARCHAR', 'VARCHAR', 'VARCHAR'],
    rows: [
      ['0012', 'O, "Neil"', '', -8640000000000000n, 'source_data/0012.png', null, 'Zürich 😀'],
      ['12', 'Łukasz', '李\n', 8640000000000000n, null, '', null],
      ['x', '', '', 0n, null, null, null]
    ]
  })
})

t.test('many rows are written as several row groups, and none as an empty file', async (t) => {
  const file = `${t.testdir()}/output.parquet`
  const count = 250_000
  const records = new TableVersion(tableOf(Array.from({ length: count }, (_, i) => ({ user_id: String(i), first_name: `name ${i % 1000}`, birthts: i }))), 'UTC')
  const body = await parquet(await records.select({}))
  writeFileSync(file, body)
  t.same((await queryParquet(file, 'SELECT count(*), sum(birthts)::BIGINT, count(DISTINCT user_id), count(DISTINCT first_name) FROM FILE')).rows, [[BigInt(count), BigInt(count) * BigInt(count - 1) / 2n, BigInt(count), 1000n]])
  t.same((await queryParquet(file, 'SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(FILE) ORDER BY 1')).rows, [[0n, 100_000n], [1n, 100_000n], [2n, 50_000n]])
  t.ok((await parquet(await records.select({}))).equals(body), 'the same records, the same bytes')
  writeFileSync(file, await parquet(await new TableVersion(tableOf([]), 'UTC').select({})))
  t.same((await queryParquet(file, 'SELECT count(*) FROM FILE')).rows, [[0n]])
})
