import { parquetMetadata, parquetReadObjects } from 'hyparquet'

/** Reads a Parquet file with hyparquet. test/real/parquet.test.ts reads it with DuckDB. */
export async function readParquet (bytes: Buffer) {
  const file = Uint8Array.from(bytes).buffer
  const metadata = parquetMetadata(file)
  const columns = metadata.schema.slice(1)
  const names = columns.map(({ name }) => name)
  const records = await parquetReadObjects({ file, metadata })
  return {
    names,
    types: columns.map(({ type, converted_type: converted }) => converted ?? type),
    rows: records.map((record) => names.map((name) => record[name])),
    groups: metadata.row_groups.map(({ num_rows: rows }) => Number(rows))
  }
}
