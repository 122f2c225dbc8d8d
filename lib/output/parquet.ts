import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer'
import type { Selection } from '../query/data-version.js'
import type { Cell } from '../schema/record.js'
import { yielding } from './paced.js'

/** The number of rows in a row group of the file, which is encoded at once. */
const GROUP_ROWS = 100_000

/** Encodes the selection as a Parquet file: `birthts` as INT64, other columns as UTF-8 strings; compressed with Snappy. */
export async function parquet (selection: Selection): Promise<Buffer> {
  const types = selection.columns.map((name) => ({ name, type: name === 'birthts' ? 'INT64' as const : 'STRING' as const, nullable: true }))
  const schema = schemaFromColumnData({ columnData: types.map((column) => ({ ...column, data: [] })) })
  const writer = new ByteWriter()
  const file = new ParquetWriter({ writer, schema, createdBy: 'userlake' })
  let group: Cell[][] = types.map(() => [])
  const flush = async () => {
    await file.write({ columnData: types.map(({ name, type }, i) => ({ name, data: type === 'INT64' ? group[i]!.map(toBigInt) : group[i]! })), rowGroupSize: GROUP_ROWS })
    group = types.map(() => [])
  }
  for await (const rows of yielding(selection.batches())) {
    for (const row of rows) row.forEach((cell, i) => group[i]!.push(cell))
    if (group[0]!.length >= GROUP_ROWS) await flush()
  }
  if (group[0]!.length > 0) await flush()
  await file.finish()
  return Buffer.from(writer.getBytes())
}

function toBigInt (cell: Cell): bigint | null {
  return typeof cell === 'number' ? BigInt(cell) : null
}
