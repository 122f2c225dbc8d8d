import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'
import { parquet } from '../../lib/output/parquet.js'
import { TableVersion } from '../../lib/query/table-version.js'
import { tableOf, type TestRow } from '../support/tables.js'
import { testFolder } from '../support/test-folder.js'

// Needs tools/duckdb: `tools/install.sh duckdb`.

/** The part of @duckdb/node-api that is used. */
interface DuckDb {
  readonly DuckDBInstance: { create (): Promise<{ connect (): Promise<Connection> }> }
}
interface Connection {
  runAndReadAll (sql: string): Promise<{ columnNames (): string[], columnTypes (): object[], getRowsJS (): unknown[][] }>
  closeSync (): void
}

const { DuckDBInstance } = createRequire(new URL('../../../tools/duckdb/package.json', import.meta.url))('@duckdb/node-api') as DuckDb

/** The result of a query of DuckDB on the Parquet file at a path, which the query names FILE. */
async function queryParquet (path: string, sql: string) {
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(sql.replace('FILE', `'${path}'`))
  connection.closeSync()
  return { names: reader.columnNames(), types: reader.columnTypes().map(String), rows: reader.getRowsJS() }
}

t.test('DuckDB reads a Parquet output', async (t) => {
  const rows: TestRow[] = [
    { user_id: '0012', first_name: 'O, "Neil"', last_name: '', birthts: -8.64e15, img_path: 'source_data/0012.png', undeclared: { city: 'Zürich 😀' } },
    { user_id: '12', first_name: 'Łukasz', last_name: '李\n', birthts: 8.64e15, undeclared: { 'a=b': '' } },
    { user_id: 'x', birthts: 0 }
  ]
  const records = new TableVersion(tableOf(rows), 'UTC')
  const file = `${testFolder(t)}/output.parquet`
  writeFileSync(file, await parquet(await records.select({ columns: records.columns }), records.fields))
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

t.test('DuckDB reads a datetime as an instant, whatever its own time zone is', async (t) => {
  const file = `${testFolder(t)}/output.parquet`
  const selection = { columns: ['seen', 'day'], count: 1, next: undefined, countAmong: () => 0, async * batches () { yield [['2026-10-14T10:37:00Z', '2026-10-14']] } }
  writeFileSync(file, await parquet(selection, [{ name: 'seen', type: 'datetime' }, { name: 'day', type: 'date' }]))
  t.same((await queryParquet(file, 'SELECT * FROM FILE')).types, ['TIMESTAMP WITH TIME ZONE', 'DATE'])
  t.same((await queryParquet(file, 'SELECT epoch(seen)::BIGINT FROM FILE')).rows, [[BigInt(Date.UTC(2026, 9, 14, 10, 37) / 1000)]])
})

t.test('DuckDB reads several row groups, and a file without rows', async (t) => {
  const file = `${testFolder(t)}/output.parquet`
  const count = 250_000
  const records = new TableVersion(tableOf(Array.from({ length: count }, (_, i) => ({ user_id: String(i), first_name: `name ${i % 1000}`, birthts: i }))), 'UTC')
  writeFileSync(file, await parquet(await records.select({}), records.fields))
  t.same((await queryParquet(file, 'SELECT count(*), sum(birthts)::BIGINT, count(DISTINCT user_id), count(DISTINCT first_name) FROM FILE')).rows, [[BigInt(count), BigInt(count) * BigInt(count - 1) / 2n, BigInt(count), 1000n]])
  t.same((await queryParquet(file, 'SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(FILE) ORDER BY 1')).rows, [[0n, 100_000n], [1n, 100_000n], [2n, 50_000n]])
  writeFileSync(file, await parquet(await new TableVersion(tableOf([]), 'UTC').select({}), records.fields))
  t.same((await queryParquet(file, 'SELECT count(*) FROM FILE')).rows, [[0n]])
})
