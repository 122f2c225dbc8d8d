import {
  Batch, batchType, Column, dictionary, Endianness, field, float64, int16, int32, int64, int8, Table, tableFromIPC, tableToIPC, uint32, uint8, utf8,
  Version, type DataType, type TypedArray
} from '@uwdata/flechette'
import { countBits } from '../base/bits.js'
import { shared } from '../base/shared-memory.js'
import { DECLARED_COLUMNS } from '../schema/record.js'
import { EMPTY_STATE, type FileVersions, type ImageVersions, type SourceState } from '../source/source-state.js'
import type { SourceColumns } from '../table/build-table.js'
import { buildCaseFoldIndex, type Codes } from '../table/dictionary-column.js'
import type { NamedColumn } from '../table/table.js'
import type { Utf8Column } from '../table/utf8-column.js'

export type Metadata = Readonly<Record<string, string>>

/** The columns of a snapshot. */
export interface SnapshotColumns {
  readonly columns: SourceColumns
  readonly files: FileVersions
  readonly images: ImageVersions
}

const NO_ROWS: SnapshotColumns = { columns: EMPTY_STATE.table, files: EMPTY_STATE.files, images: EMPTY_STATE.images }

/** Fields that are not columns of the records have names with this prefix. */
const RESERVED = '__'

/** The field of an undeclared column. A name that begins with the reserved prefix gets the prefix once more. */
function toFieldName (column: string): string {
  return column.startsWith(RESERVED) ? RESERVED + column : column
}

/** The undeclared column of a field; `undefined` for a declared column and for a reserved field. */
function toUndeclaredName (fieldName: string): string | undefined {
  if ((DECLARED_COLUMNS as readonly string[]).includes(fieldName)) return undefined
  if (!fieldName.startsWith(RESERVED)) return fieldName
  return fieldName.startsWith(RESERVED + RESERVED) ? fieldName.slice(RESERVED.length) : undefined
}

type Field = readonly [name: string, column: Column<unknown>]

/** The columns of a state as an Arrow IPC file. */
export function writeColumns ({ table, files, images }: SourceState, metadata: Metadata): Uint8Array {
  const { length, userIds, columns, birthts, birthDates } = table
  const fieldOf = (column: NamedColumn): Field => [toFieldName(column.name), dictionaryColumn(column)]
  const declared = new Map(columns.map((column) => [column.name, column]))
  const fields: Field[] = [
    ['user_id', utf8Column(userIds)],
    ...['first_name', 'last_name'].map((name) => fieldOf(declared.get(name)!)),
    ['birthts', column(int64(), length, { values: BigInt64Array.from(birthts, BigInt) })],
    ['img_path', utf8Column(table.images, (row) => table.images.offsets[row] !== table.images.offsets[row + 1])],
    ...columns.filter(({ name }) => !(DECLARED_COLUMNS as readonly string[]).includes(name)).map(fieldOf),
    ['__birth_date', column(int32(), length, { values: birthDates })],
    ['__file_key', utf8Column(files.keys)],
    ['__file_etag', utf8Column(files.etags)],
    ['__file_size', column(uint32(), length, { values: files.sizes })],
    ['__file_racy', column(uint8(), length, { values: files.racy })],
    ['__image_etag', utf8Column(images.etags)],
    ['__image_size', column(float64(), length, { values: images.sizes })],
    ['__image_modified', column(float64(), length, { values: images.modified })]
  ]
  const schema = {
    version: Version.V5,
    endianness: Endianness.Little,
    fields: fields.map(([name, { type }]) => field(name, type)),
    metadata: new Map(Object.entries(metadata))
  }
  return tableToIPC(new Table(schema, fields.map(([, column]) => column)), { format: 'file' })!
}

/** Reads what `writeColumns` wrote, into shared memory. The file must not be damaged. */
export function readColumns (file: Uint8Array): SnapshotColumns & { readonly metadata: Metadata } {
  const bytes = shared(Uint8Array, file.length)
  bytes.set(file)
  const { schema, children, numRows: length } = tableFromIPC(bytes)
  const metadata = Object.fromEntries(schema.metadata ?? [])
  if (length === 0) return { metadata, ...NO_ROWS }
  const batches = new Map(schema.fields.map(({ name }, i) => [name, children[i]!.data[0]! as DictionaryBatch]))
  const text = (name: string): Utf8Column => ({ offsets: batches.get(name)!.offsets as Int32Array, bytes: batches.get(name)!.values as Uint8Array })
  const values = <T>(name: string) => batches.get(name)!.values as T
  const names = ['first_name', 'last_name'].map((name) => {
    const column = readDictionary(batches.get(name)!)
    return { name, ...column, folded: buildCaseFoldIndex(column) }
  })
  const undeclared = [...batches].flatMap(([fieldName, batch]) => {
    const name = toUndeclaredName(fieldName)
    return name === undefined ? [] : { name, ...readDictionary(batch) }
  })
  const birthts = shared(Float64Array, length)
  values<BigInt64Array>('birthts').forEach((value, row) => { birthts[row] = Number(value) })
  return {
    metadata,
    columns: { length, userIds: text('user_id'), columns: [...names, ...undeclared], birthts, birthDates: values('__birth_date'), images: text('img_path') },
    files: { keys: text('__file_key'), etags: text('__file_etag'), sizes: values('__file_size'), racy: values('__file_racy') },
    images: { etags: text('__image_etag'), sizes: values('__image_size'), modified: values('__image_modified') }
  }
}

interface Arrays {
  readonly values: TypedArray
  readonly offsets?: Int32Array
  readonly validity?: Uint8Array
}

const NO_VALIDITY = new Uint8Array()

function column (type: DataType, length: number, { values, offsets, validity = NO_VALIDITY }: Arrays, dictionary?: Column<unknown>): Column<unknown> {
  const nullCount = validity.length === 0 ? 0 : length - validity.reduce((count, byte) => count + countBits(byte), 0)
  const batch = new (batchType(type) as unknown as new (options: object) => Batch<unknown>)({ length, nullCount, type, values, offsets, validity })
  return new Column([dictionary === undefined ? batch : Object.assign(batch, { dictionary })], type)
}

function utf8Column ({ offsets, bytes }: Utf8Column, isValid?: (row: number) => boolean): Column<unknown> {
  const length = offsets.length - 1
  return column(utf8(), length, { values: bytes, offsets, ...isValid && { validity: bitmap(length, isValid) } })
}

/** Without code 0, which is `null` here: Arrow has validity bits for that. Indices are signed, as pandas requires. */
function dictionaryColumn ({ values, codes }: NamedColumn): Column<unknown> {
  const texts = utf8Column({ offsets: values.offsets.subarray(1), bytes: values.bytes })
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

type DictionaryBatch = Batch<unknown> & { readonly dictionary: Column<unknown> }

function readDictionary (batch: DictionaryBatch): { values: Utf8Column, codes: Codes } {
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
