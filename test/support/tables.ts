import { calendarDate } from '../../lib/base/calendar.js'
import type { UserRow } from '../../lib/schema/record.js'
import { Drafts } from '../../lib/source/row-builder.js'
import { buildTable, EMPTY_TABLE } from '../../lib/table/build-table.js'
import { Table, type TableData } from '../../lib/table/table.js'
import { gatherTexts, GrowingTexts, pieceAt, type Texts } from '../../lib/table/utf8-column.js'
import { compareUtf8 } from '../../lib/base/utf8.js'

export type TestRow = Partial<UserRow> & Pick<UserRow, 'user_id'>

/**
 * The table of these rows, made as an update of a previous one: a row that is there with the same values is taken over, all
 * others come from drafts.
 */
export function tableOf (rows: readonly TestRow[], { timeZone = 'UTC', previous = EMPTY_TABLE }: { timeZone?: string, previous?: TableData } = {}): TableData {
  const whole = rows.map((row) => complete(row, timeZone)).sort((a, b) => compareUtf8(a.user_id, b.user_id))
  const old = new Table(previous)
  const known = new Map(Array.from({ length: old.length }, (_, row) => [old.userIds.at(row), row]))
  const drafts = new Drafts()
  const sources = whole.map((row) => {
    const last = known.get(row.user_id)
    const isSame = last !== undefined && JSON.stringify({ ...old.row(last), img_path: null }) === JSON.stringify({ ...row, img_path: null })
    return isSame ? last : ~drafts.add(row, row.birth_date, { etag: '', size: 0, settled: true })
  })
  return buildTable(previous, drafts, {
    userIds: textsOf(whole.map((row) => row.user_id)),
    images: textsOf(whole.map((row) => row.img_path ?? '')),
    sources: Int32Array.from(sources)
  })
}

export function textsOf (texts: readonly string[]): Texts {
  const growing = new GrowingTexts()
  for (const text of texts) growing.push(text)
  return gatherTexts(texts.length, (row) => pieceAt(growing, row))
}

/** All rows of a table as objects. */
export function rowsOf (data: TableData): UserRow[] {
  const table = new Table(data)
  return Array.from({ length: table.length }, (_, row) => table.row(row))
}

/** The row with its fields in the order in which tables answer them. */
function complete ({ user_id, first_name = '', last_name = '', birthts = 0, img_path = null, further = {} }: TestRow, timeZone: string): UserRow {
  const names = Object.keys(further).sort(compareUtf8)
  return {
    user_id,
    first_name,
    last_name,
    birthts,
    img_path,
    birth_date: calendarDate(birthts, timeZone),
    further: Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, further[name]])))
  }
}
