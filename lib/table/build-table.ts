import { shared } from '../base/shared-memory.js'
import { reuseTypedArrays } from '../base/typed-arrays.js'
import { compareUtf8 } from '../base/utf8.js'
import { orderBirths } from './birth-order.js'
import { birthInstants, type Births } from './births.js'
import { allocateFixed, kindOf, type FixedColumn, type TableColumn, type TextColumn } from './column.js'
import { buildCaseFoldIndex, DictionaryBuilder, EMPTY_COLUMN, mergeDictionaries, type DictionaryColumn } from './dictionary-column.js'
import { plainImageKeys, type ImageKeys } from './image-keys.js'
import { jsonRows } from './json-rows.js'
import { draftOf, isDraft, isRow } from './row-source.js'
import type { TableField } from './table-field.js'
import type { Table } from './table.js'
import { EMPTY_UTF8, isSameValue, type NumberBuilder, type Utf8Column } from './utf8-column.js'
import { hashBuckets, nameVersion } from './version-name.js'

/** The rows of new and changed info files: the drafts. */
export interface BuiltRows {
  readonly length: number
  readonly fields: readonly TableField[]
  /** The declared columns of files, in schema order. */
  readonly declared: readonly (DictionaryBuilder | NumberBuilder<Float64Array | Int32Array | Uint8Array>)[]
  readonly undeclared: ReadonlyMap<string, DictionaryBuilder>
  /** Each a CalendarDay; empty without a birth field. */
  readonly birthDates: Int32Array
}

export interface RowSources {
  /** In ascending order of their bytes. */
  readonly keys: Utf8Column
  /** The object keys of each image field; empty for rows without this image. */
  readonly images: readonly ImageKeys[]
  /** Where the columns of a row's info file come from: a row of the previous table, or a draft. See row-source.ts. */
  readonly sources: Int32Array
}

/** The next version of a table, made of rows of the previous one, in the same order, and of drafts. */
export function buildTable (previous: Table, drafts: BuiltRows, { keys, images, sources }: RowSources): Table {
  const { fields } = drafts
  const columns = [...mergeDeclared(previous, drafts, sources), ...mergeUndeclared(previous, drafts, sources)]
  const birthDates = fields.some(({ isBirth }) => isBirth) ? mergeBirthDates(previous, drafts, sources) : undefined
  return addDerivedColumns({ length: sources.length, fields, keys, columns, images, birthDates }, previous, sources)
}

/** The columns that the derived ones are computed from. `birthDates`: `births.dates`; `undefined` without a birth field. */
export type SourceColumns = Omit<Table, 'json' | 'births' | 'buckets' | 'version'> & { readonly birthDates: Int32Array | undefined }

/** Adds the derived columns, which are copied from the previous table as far as they are the same there. `sources`: where each row comes from, see row-source.ts. */
export function addDerivedColumns ({ birthDates, ...table }: SourceColumns, previous: Table, sources: Int32Array): Table {
  const hasSameImages = (source: number, row: number) => table.images.every((image, i) => isSameValue(previous.images[i]!, source, image, row))
  const sameAs = sources.map((source, row) => isRow(source) && hasSameImages(source, row) ? source : -1)
  const json = jsonRows(table, previous.json, sameAs)
  const births = birthDates === undefined ? undefined : birthsOf(table, birthDates, previous, sources)
  const buckets = hashBuckets({ ...table, json }, previous, sameAs)
  return reuseColumns(previous, { ...table, ...births && { births }, json, buckets, version: nameVersion(table.fields, buckets) })
}

function birthsOf ({ fields, columns, images }: Omit<SourceColumns, 'birthDates'>, dates: Int32Array, previous: Table, sources: Int32Array): Births {
  const name = fields.find(({ isBirth }) => isBirth)!.name
  const instants = birthInstants(columns.find((column) => column.name === name)!)
  const newRows = new Int32Array(previous.length).fill(-1)
  const added: number[] = []
  sources.forEach((source, row) => {
    if (isRow(source)) newRows[source] = row
    else added.push(row)
  })
  return { instants, dates, ...orderBirths({ instants, dates, images: images[0] }, previous.births?.rows ?? new Uint32Array(), newRows, Uint32Array.from(added)) }
}

/** Replaces arrays by equal ones of the previous table, so that several versions share their memory. */
function reuseColumns ({ columns: previousColumns, ...previous }: Table, { columns, ...table }: Table): Table {
  const byName = new Map(previousColumns.map((column) => [column.name, column]))
  return {
    ...reuseTypedArrays<Omit<Table, 'columns'>>(previous, table),
    columns: columns.map((column) => reuseTypedArrays(byName.get(column.name) ?? column, column))
  }
}

function mergeDeclared (previous: Table, { fields, declared }: BuiltRows, sources: Int32Array): TableColumn[] {
  return fields.filter(({ source }) => source === 'file').map(({ name, type }, i) => {
    const kind = kindOf(type)
    const last = previous.columns.find((column) => column.name === name)
    const draft = declared[i]!
    return kind === 'dictionary'
      ? mergeText(name, last as TextColumn | undefined, draft as DictionaryBuilder, sources)
      : mergeFixed(allocateFixed(name, kind, sources.length), last as FixedColumn | undefined, draft as NumberBuilder<Float64Array>, sources)
  })
}

function mergeText (name: string, last: TextColumn | undefined, draft: DictionaryBuilder, sources: Int32Array): TextColumn {
  const column: DictionaryColumn = mergeDictionaries(last, draft, sources) ?? { values: EMPTY_COLUMN.values, codes: shared(Uint8Array, sources.length) }
  return { name, kind: 'dictionary', ...column, folded: last?.folded !== undefined && column.values === last.values ? last.folded : buildCaseFoldIndex(column) }
}

function mergeFixed (column: FixedColumn, last: FixedColumn | undefined, draft: NumberBuilder<Float64Array>, sources: Int32Array): FixedColumn {
  for (let row = 0; row < sources.length; row++) {
    const source = sources[row]!
    column.values[row] = isDraft(source) ? draft.values[draftOf(source)]! : last!.values[source]!
  }
  return column
}

function mergeUndeclared (previous: Table, { undeclared }: BuiltRows, sources: Int32Array): TextColumn[] {
  const old = new Map(undeclaredColumns(previous).map((column) => [column.name, column]))
  const names = [...new Set([...old.keys(), ...undeclared.keys()])].sort(compareUtf8)
  return names.flatMap((name) => {
    const column = mergeDictionaries(old.get(name), undeclared.get(name), sources)
    return column === undefined ? [] : { name, kind: 'dictionary' as const, ...column }
  })
}

function mergeBirthDates (previous: Table, drafts: BuiltRows, sources: Int32Array): Int32Array {
  const dates = shared(Int32Array, sources.length)
  sources.forEach((source, row) => { dates[row] = isDraft(source) ? drafts.birthDates[draftOf(source)]! : previous.births!.dates[source]! })
  return dates
}

function undeclaredColumns ({ fields, columns }: Pick<Table, 'fields' | 'columns'>): TextColumn[] {
  return columns.slice(fields.filter(({ source }) => source === 'file').length) as TextColumn[]
}

/** A table without rows. */
export function emptyTable (fields: readonly TableField[]): Table {
  const none: Table = { length: 0, fields: [], keys: EMPTY_UTF8, columns: [], images: [], json: EMPTY_UTF8, buckets: new Uint8Array(), version: '' }
  const images = fields.filter(({ source }) => source === 'image').map(() => plainImageKeys(EMPTY_UTF8))
  const declared = fields.filter(({ source }) => source === 'file').map(() => new DictionaryBuilder())
  return buildTable(none, { length: 0, fields, declared, undeclared: new Map(), birthDates: new Int32Array() }, { keys: EMPTY_UTF8, images, sources: new Int32Array() })
}
