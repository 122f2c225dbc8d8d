import {
  Batch, batchType, Column, dictionary, Endianness, field, float64, int16, int32, int64, int8, Table, tableFromIPC, tableToIPC, uint32, uint8, utf8,
  Version, type DataType, type TypedArray
} from '@uwdata/flechette'
import { EMPTY_STATE, type FileVersions, type ImageVersions, type SourceState } from '../source/source-state.js'
import type { SourceColumns } from '../table/build-table.js'
import { buildCaseFoldIndex, type Codes } from '../table/dictionary-column.js'
import { shared } from '../base/shared-memory.js'
import type { NamedColumn } from '../table/table.js'
import type { Utf8Column } from '../table/utf8-column.js'

export type Metadata = Readonly<Record<string, string>>

/** What a snapshot holds as columns. */
export interface SnapshotColumns {
  readonly columns: SourceColumns
  readonly files: FileVersions
  readonly images: ImageVersions
}

const NO_ROWS: SnapshotColumns = { columns: EMPTY_STATE.table, files: EMPTY_STATE.files, images: EMPTY_STATE.images }

/** Columns that are no undeclared columns of the records: so many stand before those, and so many behind them. */
const BEFORE = 5
const BEHIND = 8

/** The columns of a state as an Arrow IPC file. */
export function writeColumns ({ table, files, images }: SourceState, metadata: Metadata): Uint8Array {
  const { length, userIds, columns, birthts, birthDates } = table
  const [firstNames, lastNames, ...undeclared] = columns as [NamedColumn, NamedColumn, ...NamedColumn[]]
  const named: [string, Column<unknown>][] = [
    ['user_id', textColumn(userIds)],
    ['first_name', codedColumn(firstNames)],
    ['last_name', codedColumn(lastNames)],
    ['birthts', column(int64(), length, { values: BigInt64Array.from(birthts, BigInt) })],
    ['img_path', textColumn(table.images, (row) => table.images.offsets[row] !== table.images.offsets[row + 1])],
    ...undeclared.map((column): [string, Column<unknown>] => [column.name, codedColumn(column)]),
    ['birth_date', column(int32(), length, { values: birthDates })],
    ['file_key', textColumn(files.keys)],
    ['file_etag', textColumn(files.etags)],
    ['file_size', column(uint32(), length, { values: files.sizes })],
    ['file_racy', column(uint8(), length, { values: files.racy })],
    ['image_etag', textColumn(images.etags)],
    ['image_size', column(float64(), length, { values: images.sizes })],
    ['image_modified', column(float64(), length, { values: images.modified })]
  ]
  const fields = named.map(([name, { type }]) => field(name, type))
  const schema = { version: Version.V5, endianness: Endianness.Little, fields, metadata: new Map(Object.entries(metadata)) }
  return tableToIPC(new Table(schema, named.map(([, column]) => column)), { format: 'file' })!
}

/** Reads what `writeColumns` wrote; anything else is an error or nonsense. */
export function readColumns (file: Uint8Array): SnapshotColumns & { readonly metadata: Metadata } {
  const bytes = shared(Uint8Array, file.length)
  bytes.set(file)
  const { schema, children, numRows: length } = tableFromIPC(bytes)
  const metadata = Object.fromEntries(schema.metadata ?? [])
  if (length === 0) return { metadata, ...NO_ROWS }
  const batches = children.map(({ data }) => data[0]! as Batch<unknown> & { dictionary: Column<unknown> })
  const coded = (i: number) => ({ name: schema.fields[i]!.name, ...readCoded(batches[i]!) })
  const text = (i: number): Utf8Column => ({ offsets: batches[i]!.offsets as Int32Array, bytes: batches[i]!.values as Uint8Array })
  const values = <T>(i: number) => batches[i]!.values as T
  const names = [1, 2].map(coded).map((column) => ({ ...column, folded: buildCaseFoldIndex(column) }))
  const birthts = shared(Float64Array, length)
  values<BigInt64Array>(3).forEach((value, row) => { birthts[row] = Number(value) })
  const behind = children.length - BEHIND
  const undeclared = Array.from({ length: behind - BEFORE }, (_, i) => coded(BEFORE + i))
  return {
    metadata,
    columns: { length, userIds: text(0), columns: [...names, ...undeclared], birthts, birthDates: values(behind), images: text(4) },
    files: { keys: text(behind + 1), etags: text(behind + 2), sizes: values(behind + 3), racy: values(behind + 4) },
    images: { etags: text(behind + 5), sizes: values(behind + 6), modified: values(behind + 7) }
  }
}

interface Arrays {
  readonly values: TypedArray
  readonly offsets?: Int32Array
  readonly validity?: Uint8Array
}

const NO_VALIDITY = new Uint8Array()

function column (type: DataType, length: number, { values, offsets, validity = NO_VALIDITY }: Arrays, dictionary?: Column<unknown>): Column<unknown> {
  const nullCount = validity.length === 0 ? 0 : length - countBits(validity)
  const batch = new (batchType(type) as unknown as new (options: object) => Batch<unknown>)({ length, nullCount, type, values, offsets, validity })
  return new Column([dictionary === undefined ? batch : Object.assign(batch, { dictionary })], type)
}

function textColumn ({ offsets, bytes }: Utf8Column, isValid?: (row: number) => boolean): Column<unknown> {
  const length = offsets.length - 1
  return column(utf8(), length, { values: bytes, offsets, ...isValid && { validity: bitmap(length, isValid) } })
}

/** Without the place that stands for `null`: Arrow has bits for that, and indices with a sign, as pandas wants them. */
function codedColumn ({ values, codes }: NamedColumn): Column<unknown> {
  const texts = textColumn({ offsets: values.offsets.subarray(1), bytes: values.bytes })
  const [index, Indices] = texts.length <= 0x80 ? [int8(), Int8Array] as const : texts.length <= 0x8000 ? [int16(), Int16Array] as const : [int32(), Int32Array] as const
  const indices = new Indices(codes.length)
  let hasNulls = false
  codes.forEach((code: number, row: number) => {
    if (code === 0) hasNulls = true
    else indices[row] = code - 1
  })
  const validity = hasNulls ? { validity: bitmap(codes.length, (row) => codes[row] !== 0) } : {}
  return column(dictionary(texts.type, index), codes.length, { values: indices, ...validity }, texts)
}

function readCoded (batch: Batch<unknown> & { dictionary: Column<unknown> }): { values: Utf8Column, codes: Codes } {
  const { offsets, values: bytes } = batch.dictionary.data[0]! as unknown as { offsets: Int32Array, values: Uint8Array }
  const values = { offsets: shared(Int32Array, offsets.length + 1), bytes }
  values.offsets.set(offsets, 1)
  const indices = batch.values as Int8Array | Int16Array | Int32Array
  const codes = shared<Codes>(offsets.length <= 0x100 ? Uint8Array : offsets.length <= 0x10000 ? Uint16Array : Uint32Array, indices.length)
  indices.forEach((index: number, row: number) => { codes[row] = batch.nullCount === 0 || batch.isValid(row) ? index + 1 : 0 })
  return { values, codes }
}

function bitmap (length: number, isSet: (row: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8))
  for (let row = 0; row < length; row++) if (isSet(row)) bits[row >>> 3]! |= 1 << (row & 7)
  return bits
}

function countBits (bits: Uint8Array): number {
  let count = 0
  for (let byte of bits) for (; byte !== 0; byte &= byte - 1) count++
  return count
}
