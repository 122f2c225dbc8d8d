import { createHash } from 'node:crypto'
import { compareUtf8 } from '../base/utf8.js'
import { orderBirths } from './birth-order.js'
import { foldValues, mergeCoded, NO_COLUMN, type CodedDraft } from './dictionary-column.js'
import { jsonRows } from './json-rows.js'
import { shared } from '../base/shared-memory.js'
import type { NamedColumn, TableData } from './table.js'
import { isSameText, NO_TEXTS, type Texts } from './utf8-column.js'

/** What the files of new or changed rows say, a row each. */
export interface RowDrafts {
  readonly length: number
  /** first_name, last_name and the further columns. */
  readonly columns: ReadonlyMap<string, CodedDraft>
  readonly birthts: Float64Array
  readonly birthDates: Int32Array
}

export interface TablePlan {
  /** In ascending order of their bytes. */
  readonly userIds: Texts
  /** img_path of each row, empty where there is none. */
  readonly images: Texts
  /** Where a row's personal data comes from: the row of the previous table, from 0, or that of the drafts, as `~row`. */
  readonly sources: Int32Array
}

const NAME_COLUMNS: readonly string[] = ['first_name', 'last_name']

/** The next version of a table: rows of the previous one, which ascend there as they do here, and new ones. */
export function buildTable (previous: TableData, drafts: RowDrafts, { userIds, images, sources }: TablePlan): TableData {
  const length = sources.length
  const birthts = shared(Float64Array, length)
  const birthDates = shared(Int32Array, length)
  sources.forEach((source, row) => {
    birthts[row] = source >= 0 ? previous.birthts[source]! : drafts.birthts[~source]!
    birthDates[row] = source >= 0 ? previous.birthDates[source]! : drafts.birthDates[~source]!
  })
  return completeTable({ length, userIds, columns: mergeColumns(previous, drafts, sources), birthts, birthDates, images }, previous, sources)
}

/** The columns of a table from which the others follow. */
export type PlainColumns = Omit<TableData, 'json' | 'births' | 'version'>

/** Makes the columns that follow from the others, of rows that may come from a previous table (`sources[row]`, from 0). */
export function completeTable (table: PlainColumns, previous: TableData, sources: Int32Array): TableData {
  const sameAs = sources.map((source, row) => source >= 0 && isSameText(previous.images, source, table.images, row) ? source : -1)
  const json = jsonRows(table, previous.json, sameAs)
  const newRows = new Int32Array(previous.length).fill(-1)
  const added: number[] = []
  sources.forEach((source, row) => {
    if (source >= 0) newRows[source] = row
    else added.push(row)
  })
  const births = orderBirths(table, previous.births.rows, newRows, Uint32Array.from(added))
  return { ...table, json, births, version: nameVersion(json, table.columns.slice(NAME_COLUMNS.length)) }
}

function mergeColumns (previous: TableData, drafts: RowDrafts, sources: Int32Array): NamedColumn[] {
  const old = new Map(previous.columns.map((column) => [column.name, column]))
  const merge = (name: string) => mergeCoded(old.get(name), drafts.columns.get(name), sources)
  const further = [...new Set([...old.keys(), ...drafts.columns.keys()])].filter((name) => !NAME_COLUMNS.includes(name)).sort(compareUtf8)
  const names = NAME_COLUMNS.map((name) => {
    const column = merge(name) ?? NO_COLUMN
    const last = old.get(name)
    return { name, ...column, folded: last?.folded !== undefined && column.values === last.values ? last.folded : foldValues(column) }
  })
  return [...names, ...further.flatMap((name) => {
    const column = merge(name)
    return column === undefined ? [] : { name, ...column }
  })]
}

/** Part of the name of a version: another way of naming must not give the same name to other rows. */
const NAMING = 'userlake rows 1'

/** Hashes all that the rows say. Values and codes of a column follow from its rows alone. */
function nameVersion (json: Texts, further: readonly NamedColumn[]): string {
  const hash = createHash('sha256').update(NAMING).update(json.bytes)
  for (const { name, values, codes } of further) {
    hash.update(JSON.stringify([name, values.offsets.length])).update(values.offsets).update(values.bytes).update(codes)
  }
  return hash.digest('base64url').slice(0, 22) // 132 bits
}

/** A table without rows. */
export const EMPTY_TABLE: TableData = buildTable(
  {
    length: 0,
    userIds: NO_TEXTS,
    columns: [],
    birthts: new Float64Array(),
    birthDates: new Int32Array(),
    images: NO_TEXTS,
    json: NO_TEXTS,
    births: orderBirths({ birthts: new Float64Array(), birthDates: new Int32Array(), images: NO_TEXTS }, new Uint32Array(), new Int32Array(), new Uint32Array()),
    version: ''
  },
  { length: 0, columns: new Map(), birthts: new Float64Array(), birthDates: new Int32Array() },
  { userIds: NO_TEXTS, images: NO_TEXTS, sources: new Int32Array() }
)
