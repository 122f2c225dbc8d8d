import './file-timeout.js'
import type { CalendarDay } from '../../lib/base/calendar.js'
import { compareUtf8 } from '../../lib/base/utf8.js'
import type { Value } from '../../lib/schema/field-type.js'
import { RowBuilder } from '../../lib/source/row-builder.js'
import { buildTable, emptyTable } from '../../lib/table/build-table.js'
import { packImageKeys } from '../../lib/table/image-keys.js'
import { fromDraft } from '../../lib/table/row-source.js'
import type { TableField } from '../../lib/table/table-field.js'
import { TableReader, type Table } from '../../lib/table/table.js'
import { takeUtf8, Utf8Builder, sliceAt, type Utf8Column } from '../../lib/table/utf8-column.js'
import { USER_FIELDS } from './user-fields.js'

/** A row of the users lake. */
export interface UserRow {
  readonly user_id: string
  readonly first_name: string
  readonly last_name: string
  readonly birthts: number
  readonly img_path: string | null
  readonly birth_date: CalendarDay
  readonly undeclared: Readonly<Record<string, string>>
}
export type TestRow = Partial<UserRow> & Pick<UserRow, 'user_id'>

const EMPTY_USERS = emptyTable(USER_FIELDS)

/** A row of any schema: the key, the values of the file fields in schema order, the keys of the images, and the undeclared columns. */
export interface AnyRow {
  readonly key: string
  readonly values: readonly Value[]
  readonly images?: readonly (string | null)[]
  readonly undeclared?: Readonly<Record<string, string>>
}

interface TableOptions { readonly timeZone?: string, readonly previous?: Table }

/**
 * Builds a table of users as an update of a previous table: rows that the previous table has with the same values are copied from it, all others are
 * built from drafts.
 */
export function tableOf (rows: readonly TestRow[], { timeZone = 'UTC', previous = EMPTY_USERS }: TableOptions = {}): Table {
  return tableOfAny(USER_FIELDS, rows.map(({ user_id: key, first_name: first = '', last_name: last = '', birthts = 0, img_path: image = null, undeclared = {} }) =>
    ({ key, values: [first, last, birthts], images: [image], undeclared })), { timeZone, previous })
}

/** Does the same as `tableOf`, for any fields. */
export function tableOfAny (fields: readonly TableField[], rows: readonly AnyRow[], { timeZone = 'UTC', previous = emptyTable(fields) }: TableOptions = {}): Table {
  const sorted = [...rows].sort((a, b) => compareUtf8(a.key, b.key))
  const old = new TableReader(previous)
  const drafts = new RowBuilder(fields, timeZone)
  const sources = sorted.map(({ key, values, undeclared = {} }) => {
    const last = old.keys.find(key)
    const data = { values, undeclared: sortedCopy(undeclared) }
    return last !== -1 && JSON.stringify(old.fields(last)) === JSON.stringify(data) ? last : fromDraft(drafts.add(data, { etag: '', size: 0, racy: false }))
  })
  const keys = utf8ColumnOf(sorted.map(({ key }) => key))
  const images = fields.filter(({ source }) => source === 'image').map((_, i) => packImageKeys(utf8ColumnOf(sorted.map((row) => row.images?.[i] ?? '')), keys, { prefix: 'source_data/', extensions: ['png', 'front.jpg'] }))
  return buildTable(previous, drafts, { keys, images, sources: Int32Array.from(sources) })
}

export function utf8ColumnOf (texts: readonly string[]): Utf8Column {
  const builder = new Utf8Builder()
  for (const text of texts) builder.push(text)
  return takeUtf8(texts.length, (row) => sliceAt(builder, row))
}

/** All rows of a table of users as objects. */
export function rowsOf (data: Table): UserRow[] {
  const table = new TableReader(data)
  return Array.from({ length: table.length }, (_, row) => userAt(table, row))
}

/** A row of a table of users. */
export function userAt (table: TableReader, row: number): UserRow {
  const { values: [first, last, birthts], undeclared } = table.fields(row)
  return {
    user_id: table.keys.at(row),
    first_name: String(first),
    last_name: String(last),
    birthts: Number(birthts),
    img_path: table.hasImage(row) ? table.image!.at(row) : null,
    birth_date: table.data.births!.dates[row]! as CalendarDay,
    undeclared
  }
}

function sortedCopy (undeclared: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(undeclared).sort(compareUtf8)
  return Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, undeclared[name]])))
}
