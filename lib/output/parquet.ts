import { yielding } from '../base/paced.js'
import type { Selection } from '../query/data-version.js'
import type { TypeName } from '../schema/field-type.js'
import type { Cell } from '../schema/record.js'
import type { TableField } from '../table/table-field.js'

/** The number of rows in a row group of the file. Each group is encoded in one step. */
const GROUP_ROWS = 100_000

interface ParquetColumn { readonly type: string, readonly converted_type?: string, readonly logical_type?: object, readonly encode: (cell: Cell) => unknown }

/** How the types are stored. Cells are `null` if there is no value; dates and datetimes are texts. */
const TYPES: Readonly<Record<TypeName, ParquetColumn>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', encode: (cell) => cell },
  integer: { type: 'INT64', encode: (cell) => typeof cell === 'number' ? BigInt(cell) : null },
  number: { type: 'DOUBLE', encode: (cell) => cell },
  boolean: { type: 'BOOLEAN', encode: (cell) => cell },
  date: { type: 'INT32', converted_type: 'DATE', encode: toDate },
  // By the standard, the converted type alone means an instant in UTC; DuckDB reads it as a local time.
  datetime: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' }, encode: toDate }
}

/** Encodes the selection as a Parquet file; undeclared columns are UTF-8 strings; compressed with Snappy. */
export async function parquet (selection: Selection, fields: readonly Pick<TableField, 'name' | 'type'>[]): Promise<Buffer> {
  // Loaded here because most lakes never need it, and its modules take 40 ms at the start of each thread.
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer')
  const columns = selection.columns.map((name) => ({ name, ...TYPES[fields.find((field) => field.name === name)?.type ?? 'string'] }))
  const overrides = columns.map(({ encode, ...element }) => [element.name, { ...element, repetition_type: 'OPTIONAL' as const }])
  const schema = schemaFromColumnData({ columnData: columns.map(({ name }) => ({ name, data: [] })), schemaOverrides: Object.fromEntries(overrides) })
  const writer = new ByteWriter()
  const file = new ParquetWriter({ writer, schema, createdBy: 'userlake' })
  let group: unknown[][] = columns.map(() => [])
  const flush = async () => {
    await file.write({ columnData: columns.map(({ name }, i) => ({ name, data: group[i]! })), rowGroupSize: GROUP_ROWS })
    group = columns.map(() => [])
  }
  for await (const rows of yielding(selection.batches())) {
    for (const row of rows) {
      row.forEach((cell, i) => group[i]!.push(columns[i]!.encode(cell)))
      if (group[0]!.length === GROUP_ROWS) await flush()
    }
  }
  if (group[0]!.length > 0) await flush()
  await file.finish()
  return Buffer.from(writer.getBytes())
}

function toDate (cell: Cell): Date | null {
  return cell === null ? null : new Date(String(cell))
}
