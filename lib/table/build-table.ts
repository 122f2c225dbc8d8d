import { createHash } from 'node:crypto'
import { compareUtf8 } from '../base/utf8.js'
import { orderBirths } from './birth-order.js'
import { buildCaseFoldIndex, mergeDictionaries, EMPTY_COLUMN, type DictionaryBuilder } from './dictionary-column.js'
import { jsonRows } from './json-rows.js'
import { shared } from '../base/shared-memory.js'
import { reuseTypedArrays } from '../base/typed-arrays.js'
import { draftOf, isDraft, isRow } from './row-source.js'
import type { NamedColumn, Table } from './table.js'
import { isSameValue, EMPTY_UTF8, type Utf8Column } from './utf8-column.js'

/** The rows of new and changed info files: the drafts. */
export interface BuiltRows {
  readonly length: number
  /** first_name, last_name and the undeclared columns. */
  readonly columns: ReadonlyMap<string, DictionaryBuilder>
  readonly birthts: Float64Array
  readonly birthDates: Int32Array
}

export interface RowSources {
  /** In ascending order of their bytes. */
  readonly userIds: Utf8Column
  /** img_path of each row, empty if it has no image. */
  readonly images: Utf8Column
  /** Where the columns of a row's info file come from: a row of the previous table, or a draft. See row-source.ts. */
  readonly sources: Int32Array
}

const NAME_COLUMNS: readonly string[] = ['first_name', 'last_name']

/** The next version of a table, made of rows of the previous one, in the same order, and of drafts. */
export function buildTable (previous: Table, drafts: BuiltRows, { userIds, images, sources }: RowSources): Table {
  const length = sources.length
  const birthts = shared(Float64Array, length)
  const birthDates = shared(Int32Array, length)
  sources.forEach((source, row) => {
    birthts[row] = isDraft(source) ? drafts.birthts[draftOf(source)]! : previous.birthts[source]!
    birthDates[row] = isDraft(source) ? drafts.birthDates[draftOf(source)]! : previous.birthDates[source]!
  })
  return addDerivedColumns({ length, userIds, columns: mergeColumns(previous, drafts, sources), birthts, birthDates, images }, previous, sources)
}

/** The columns of a table that the derived ones are computed from. */
export type SourceColumns = Omit<Table, 'json' | 'births' | 'version'>

/** Adds the derived columns, and takes from the previous table what its rows (`sources`, see row-source.ts) have in common with it. */
export function addDerivedColumns (table: SourceColumns, previous: Table, sources: Int32Array): Table {
  const sameAs = sources.map((source, row) => isRow(source) && isSameValue(previous.images, source, table.images, row) ? source : -1)
  const json = jsonRows(table, previous.json, sameAs)
  const newRows = new Int32Array(previous.length).fill(-1)
  const added: number[] = []
  sources.forEach((source, row) => {
    if (isRow(source)) newRows[source] = row
    else added.push(row)
  })
  const births = orderBirths(table, previous.births.rows, newRows, Uint32Array.from(added))
  const version = nameVersion(json, table.columns.slice(NAME_COLUMNS.length))
  return reuseColumns(previous, { ...table, json, births, version })
}

/** Reuses the arrays of the previous table that are equal, so that several versions hold them once. */
function reuseColumns ({ columns: previousColumns, ...previous }: Table, { columns, ...table }: Table): Table {
  const byName = new Map(previousColumns.map((column) => [column.name, column]))
  return {
    ...reuseTypedArrays<Omit<Table, 'columns'>>(previous, table),
    columns: columns.map((column) => reuseTypedArrays(byName.get(column.name) ?? column, column))
  }
}

function mergeColumns (previous: Table, drafts: BuiltRows, sources: Int32Array): NamedColumn[] {
  const old = new Map(previous.columns.map((column) => [column.name, column]))
  const merge = (name: string) => mergeDictionaries(old.get(name), drafts.columns.get(name), sources)
  const undeclared = [...new Set([...old.keys(), ...drafts.columns.keys()])].filter((name) => !NAME_COLUMNS.includes(name)).sort(compareUtf8)
  const names = NAME_COLUMNS.map((name) => {
    const column = merge(name) ?? EMPTY_COLUMN
    const last = old.get(name)
    return { name, ...column, folded: last?.folded !== undefined && column.values === last.values ? last.folded : buildCaseFoldIndex(column) }
  })
  return [...names, ...undeclared.flatMap((name) => {
    const column = merge(name)
    return column === undefined ? [] : { name, ...column }
  })]
}

/** Part of the hash: changed whenever the same bytes could come from other rows. */
const VERSION_FORMAT = 'userlake rows 1'

/** Names the rows by a hash. The values and codes of a column are determined by its rows. */
function nameVersion (json: Utf8Column, undeclared: readonly NamedColumn[]): string {
  const hash = createHash('sha256').update(VERSION_FORMAT).update(json.bytes)
  for (const { name, values, codes } of undeclared) {
    hash.update(JSON.stringify([name, values.offsets.length])).update(values.offsets).update(values.bytes).update(codes)
  }
  return hash.digest('base64url').slice(0, 22) // 132 bits
}

/** A table without rows. */
export const EMPTY_TABLE: Table = buildTable(
  {
    length: 0,
    userIds: EMPTY_UTF8,
    columns: [],
    birthts: new Float64Array(),
    birthDates: new Int32Array(),
    images: EMPTY_UTF8,
    json: EMPTY_UTF8,
    births: orderBirths({ birthts: new Float64Array(), birthDates: new Int32Array(), images: EMPTY_UTF8 }, new Uint32Array(), new Int32Array(), new Uint32Array()),
    version: ''
  },
  { length: 0, columns: new Map(), birthts: new Float64Array(), birthDates: new Int32Array() },
  { userIds: EMPTY_UTF8, images: EMPTY_UTF8, sources: new Int32Array() }
)
