import { calendarDay } from '../../lib/base/calendar.js'
import type { RecordRow } from '../../lib/schema/record.js'
import { RowBuilder } from '../../lib/source/row-builder.js'
import { buildTable, EMPTY_TABLE } from '../../lib/table/build-table.js'
import { fromDraft } from '../../lib/table/row-source.js'
import { TableReader, type Table } from '../../lib/table/table.js'
import { takeUtf8, Utf8Builder, sliceAt, type Utf8Column } from '../../lib/table/utf8-column.js'
import { compareUtf8 } from '../../lib/base/utf8.js'
import './file-timeout.js'

export type TestRow = Partial<RecordRow> & Pick<RecordRow, 'user_id'>

/**
 * The table of these rows, made as an update of a previous one: a row that is there with the same values is taken over, all
 * others come from drafts.
 */
export function tableOf (rows: readonly TestRow[], { timeZone = 'UTC', previous = EMPTY_TABLE }: { timeZone?: string, previous?: Table } = {}): Table {
  const whole = rows.map((row) => complete(row, timeZone)).sort((a, b) => compareUtf8(a.user_id, b.user_id))
  const old = new TableReader(previous)
  const known = new Map(Array.from({ length: old.length }, (_, row) => [old.userIds.at(row), row]))
  const drafts = new RowBuilder(timeZone)
  const sources = whole.map((row) => {
    const last = known.get(row.user_id)
    const isSame = last !== undefined && JSON.stringify({ ...old.row(last), img_path: null }) === JSON.stringify({ ...row, img_path: null })
    return isSame ? last : fromDraft(drafts.add({ values: [row.first_name, row.last_name, row.birthts], undeclared: row.undeclared }, { etag: '', size: 0, racy: false }))
  })
  return buildTable(previous, drafts, {
    userIds: textsOf(whole.map((row) => row.user_id)),
    images: textsOf(whole.map((row) => row.img_path ?? '')),
    sources: Int32Array.from(sources)
  })
}

export function textsOf (texts: readonly string[]): Utf8Column {
  const growing = new Utf8Builder()
  for (const text of texts) growing.push(text)
  return takeUtf8(texts.length, (row) => sliceAt(growing, row))
}

/** All rows of a table as objects. */
export function rowsOf (data: Table): RecordRow[] {
  const table = new TableReader(data)
  return Array.from({ length: table.length }, (_, row) => table.row(row))
}

/** The row with its fields in the order in which tables answer them. */
function complete ({ user_id, first_name = '', last_name = '', birthts = 0, img_path = null, undeclared = {} }: TestRow, timeZone: string): RecordRow {
  const names = Object.keys(undeclared).sort(compareUtf8)
  return {
    user_id,
    first_name,
    last_name,
    birthts,
    img_path,
    birth_date: calendarDay(birthts, timeZone),
    undeclared: Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, undeclared[name]])))
  }
}
