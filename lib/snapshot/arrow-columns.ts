import {
  Batch, batchType, binary, bool, Column, dateDay, dictionary, Endianness, field, float64, int16, int32, int64, int8, Table, tableFromIPC, tableToIPC, timestamp,
  TimeUnit, uint32, uint8, utf8, Version, type DataType, type TypedArray
} from '@uwdata/flechette'
import { countBits } from '../base/bits.js'
import { shared } from '../base/shared-memory.js'
import { finishSteps } from '../base/steps.js'
import type { TypeName } from '../schema/field-type.js'
import { emptyState, type FileVersions, type ImageVersions, type SourceState } from '../source/source-state.js'
import type { SourceColumns } from '../table/build-table.js'
import { allocateFixed, hasValue, kindOf, toStored, type TableColumn } from '../table/column.js'
import { buildCaseFoldIndex, type Codes, type DictionaryColumn } from '../table/dictionary-column.js'
import { expandImageKeys, packImageKeys, type ImageNaming } from '../table/image-keys.js'
import type { TableField } from '../table/table-field.js'
import type { Table as Records } from '../table/table.js'
import type { Utf8Column } from '../table/utf8-column.js'

/** The metadata of an Arrow file: strings by name. */
export type Metadata = Readonly<Record<string, string>>

/** The columns of a snapshot. */
export interface SnapshotColumns {
  readonly columns: SourceColumns
  readonly files: FileVersions
  readonly images: readonly ImageVersions[]
}

/** The names of Arrow fields that are not columns of the records begin with this prefix. */
const RESERVED = '__'

/** The name of the Arrow field of a column. If the name of the column begins with the reserved prefix, the prefix is doubled. */
function toFieldName (column: string): string {
  return column.startsWith(RESERVED) ? RESERVED + column : column
}

/** The name of the column of an Arrow field; `undefined` if the field is not a column of the records. */
function toColumnName (fieldName: string): string | undefined {
  if (!fieldName.startsWith(RESERVED)) return fieldName
  return fieldName.startsWith(RESERVED + RESERVED) ? fieldName.slice(RESERVED.length) : undefined
}

type Field = readonly [name: string, column: Column<unknown>]

/** Encodes the columns of a state as an Arrow IPC file. */
export function writeColumns ({ table, files, images }: SourceState, metadata: Metadata): Uint8Array {
  const { length, births } = table
  const fields: Field[] = [
    ...recordFields(table),
    ...births === undefined ? [] : [['__birth_date', column(int32(), length, { values: births.dates })] as const],
    ['__file_key', utf8Column(files.keys)],
    ['__file_etag', binaryColumn(files.etags)],
    ['__file_size', column(uint32(), length, { values: files.sizes })],
    ['__file_racy', column(uint8(), length, { values: files.racy })],
    ...images.flatMap(({ etags, sizes, modified }, i): Field[] => [
      [`__image_etag_${i}`, binaryColumn(etags)],
      [`__image_size_${i}`, column(float64(), length, { values: sizes })],
      [`__image_modified_${i}`, column(float64(), length, { values: modified })]
    ])
  ]
  const schema = {
    version: Version.V5,
    endianness: Endianness.Little,
    fields: fields.map(([name, { type }]) => field(name, type)),
    metadata: new Map(Object.entries({
      fields: JSON.stringify(table.fields),
      images: JSON.stringify(table.images.map(({ prefix, extensions }) => ({ prefix, extensions }))),
      ...metadata
    }))
  }
  return tableToIPC(new Table(schema, fields.map(([, column]) => column)), { format: 'file' })!
}

/** The columns of the records, in the order in which responses have them. */
function recordFields ({ fields, keys, columns, images }: Records): Field[] {
  const ofFiles = [...columns]
  const ofImages = [...images]
  const declared = fields.map(({ name, source, type }): Field => {
    if (source === 'key') return [toFieldName(name), utf8Column(keys)]
    return [toFieldName(name), source === 'image' ? imageColumn(finishSteps(expandImageKeys(ofImages.shift()!, keys))) : fileColumn(ofFiles.shift()!, type)]
  })
  return [...declared, ...ofFiles.map((column): Field => [toFieldName(column.name), fileColumn(column, 'string')])]
}

/** Decodes a file that `writeColumns` has written, into shared memory. The file must be intact: it is not validated. */
export function readColumns (file: Uint8Array): SnapshotColumns & { readonly metadata: Metadata } {
  const bytes = shared(Uint8Array, file.length)
  bytes.set(file)
  const { schema, children, numRows: length } = tableFromIPC(bytes)
  const metadata = Object.fromEntries(schema.metadata ?? [])
  const fields = JSON.parse(metadata['fields'] ?? '[]') as TableField[]
  const namings = JSON.parse(metadata['images'] ?? '[]') as ImageNaming[]
  const { table, files, images } = emptyState(fields)
  const hasBirths = fields.some(({ isBirth }) => isBirth)
  if (length === 0) return { metadata, columns: { ...table, birthDates: table.births?.dates }, files, images }
  const batches = new Map(schema.fields.map(({ name }, i) => [name, children[i]!.data[0]! as DictionaryBatch]))
  const batchOf = (name: string) => batches.get(toFieldName(name))!
  const text = (batch: DictionaryBatch): Utf8Column => ({ offsets: batch.offsets as Int32Array, bytes: batch.values as Uint8Array })
  const values = <T>(name: string) => batches.get(name)!.values as T
  const from = (source: TableField['source']) => fields.filter((field) => field.source === source)
  const undeclared = [...batches.keys()].flatMap((name) => toColumnName(name) ?? []).filter((name) => !fields.some((field) => field.name === name))
  return {
    metadata,
    columns: {
      length,
      fields,
      keys: text(batchOf(from('key')[0]!.name)),
      columns: [
        ...from('file').map(({ name, type }) => readFileColumn(name, type, batchOf(name))),
        ...undeclared.map((name) => ({ name, kind: 'dictionary' as const, ...readDictionary(batchOf(name)) }))
      ],
      images: from('image').map(({ name }, i) => packImageKeys(text(batchOf(name)), text(batchOf(from('key')[0]!.name)), namings[i]!)),
      birthDates: hasBirths ? values('__birth_date') : undefined
    },
    files: { keys: text(batches.get('__file_key')!), etags: text(batches.get('__file_etag')!), sizes: values('__file_size'), racy: values('__file_racy') },
    images: from('image').map((_, i) => ({ etags: text(batches.get(`__image_etag_${i}`)!), sizes: values(`__image_size_${i}`), modified: values(`__image_modified_${i}`) }))
  }
}

/** The Arrow column of a column of the info files. */
function fileColumn (source: TableColumn, type: TypeName): Column<unknown> {
  if (source.kind === 'dictionary') return dictionaryColumn(source)
  const { kind, values } = source
  const { length } = values
  const isValid = (row: number) => hasValue(kind, values[row]!)
  const validity = Array.prototype.every.call(values, (value: number) => hasValue(kind, value)) ? {} : { validity: bitmap(length, isValid) }
  switch (type) {
    case 'integer': return column(int64(), length, { values: BigInt64Array.from(values, (value) => BigInt(value || 0)), ...validity })
    case 'datetime': return column(timestamp(TimeUnit.MILLISECOND, 'UTC'), length, { values: BigInt64Array.from(values, (value) => BigInt(value || 0)), ...validity })
    case 'date': return column(dateDay(), length, { values, ...validity })
    case 'boolean': return column(bool(), length, { values: bitmap(length, (row) => values[row] === 1), ...validity })
    default: return column(float64(), length, { values, ...validity })
  }
}

function readFileColumn (name: string, type: TypeName, batch: DictionaryBatch): TableColumn {
  const kind = kindOf(type)
  if (kind === 'dictionary') {
    const column = readDictionary(batch)
    return { name, kind, ...column, folded: buildCaseFoldIndex(column) }
  }
  const column = allocateFixed(name, kind, batch.length)
  const stored = batch.values as ArrayLike<number | bigint>
  const valueAt = kind === 'boolean' ? (row: number) => Number(stored[row >>> 3]) >>> (row & 7) & 1 : (row: number) => Number(stored[row]!)
  for (let row = 0; row < batch.length; row++) {
    column.values[row] = batch.nullCount === 0 || batch.isValid(row) ? valueAt(row) : toStored(kind, null)
  }
  return column
}

function imageColumn (keys: Utf8Column): Column<unknown> {
  return utf8Column(keys, (row) => keys.offsets[row] !== keys.offsets[row + 1])
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

function binaryColumn ({ offsets, bytes }: Utf8Column): Column<unknown> {
  return column(binary(), offsets.length - 1, { values: bytes, offsets })
}

/** In the table, code 0 means `null`; in Arrow it becomes a validity bit, and all other codes become indices that are smaller by 1. pandas requires signed indices. */
function dictionaryColumn ({ values, codes }: DictionaryColumn): Column<unknown> {
  const entries = utf8Column({ offsets: values.offsets.subarray(1), bytes: values.bytes })
  const [index, Indices] = entries.length <= 0x80 ? [int8(), Int8Array] as const : entries.length <= 0x8000 ? [int16(), Int16Array] as const : [int32(), Int32Array] as const
  const indices = new Indices(codes.length)
  let hasNulls = false
  codes.forEach((code: number, row: number) => {
    if (code === 0) hasNulls = true
    else indices[row] = code - 1
  })
  const validity = hasNulls ? { validity: bitmap(codes.length, (row) => codes[row] !== 0) } : {}
  return column(dictionary(entries.type, index), codes.length, { values: indices, ...validity }, entries)
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
