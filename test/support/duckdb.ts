import { DuckDBInstance } from '@duckdb/node-api'

/** What DuckDB answers to a query on the Parquet file at a path, which it names FILE. */
export async function queryParquet (path: string, sql: string) {
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(sql.replace('FILE', `'${path}'`))
  connection.closeSync()
  return { names: reader.columnNames(), types: reader.columnTypes().map(String), rows: reader.getRowsJS() }
}
