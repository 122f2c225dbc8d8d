import type { CalendarDay } from '../base/calendar.js'
import { DECLARED_COLUMNS, type Cell, type RecordFields, type RecordRow } from '../schema/record.js'
import type { BirthOrder } from './birth-order.js'
import type { DictionaryColumn, CaseFoldIndex } from './dictionary-column.js'
import { sliceAt, Utf8Reader, type Utf8Column } from './utf8-column.js'

/** A text column of the info files. `folded`: the case-folded values, for first_name and last_name only. */
export interface NamedColumn extends DictionaryColumn { readonly name: string, readonly folded?: CaseFoldIndex }

/**
 * The records of one data version as columns in shared memory, in the byte order of the user ids. Immutable, and plain data that can be
 * posted to another thread.
 */
export interface Table {
  readonly length: number
  readonly userIds: Utf8Column
  /** first_name, last_name, and then the undeclared columns in the byte order of their names. */
  readonly columns: readonly NamedColumn[]
  /** Milliseconds since 1970-01-01 UTC. */
  readonly birthts: Float64Array
  /** The dates of birth in the configured time zone, each a CalendarDay. */
  readonly birthDates: Int32Array
  /** img_path; empty for rows without an image. */
  readonly images: Utf8Column
  /**
   * The declared columns of each row as a JSON object, followed by a comma or, in the last row, by a closing bracket. The first row is
   * preceded by an opening bracket, so that `bytes` is the JSON array of all rows.
   */
  readonly json: Utf8Column
  readonly births: BirthOrder
  /** The name of the version: a hash of the rows, equal for equal rows. */
  readonly version: string
}

/** Reads a text column. */
export interface DictionaryReader extends NamedColumn { readonly values: Utf8Reader }

/** Reads a table. */
export class TableReader {
  readonly data: Table
  readonly userIds: Utf8Reader
  readonly images: Utf8Reader
  readonly json: Utf8Reader
  readonly #columns: ReadonlyMap<string, DictionaryReader>

  constructor (data: Table) {
    this.data = data
    this.userIds = new Utf8Reader(data.userIds)
    this.images = new Utf8Reader(data.images)
    this.json = new Utf8Reader(data.json)
    this.#columns = new Map(data.columns.map((column) => [column.name, { ...column, values: new Utf8Reader(column.values) }]))
  }

  get length (): number {
    return this.data.length
  }

  /** The declared columns, then the undeclared ones that some row has, in the byte order of their names. */
  get columnNames (): string[] {
    return [...DECLARED_COLUMNS, ...[...this.#columns.keys()].filter((name) => !isDeclared(name))]
  }

  /** A text column of the info files; `undefined` if no row has a value in it. */
  dictionary (name: string): DictionaryReader | undefined {
    return this.#columns.get(name)
  }

  /** The value of a row in a column; `null` if there is none. */
  cell (row: number, column: string): Cell {
    switch (column) {
      case 'user_id': return this.userIds.at(row)
      case 'birthts': return this.data.birthts[row]!
      case 'img_path': return this.hasImage(row) ? this.images.at(row) : null
    }
    const dictionary = this.#columns.get(column)
    const code = dictionary?.codes[row] ?? 0
    return code === 0 ? null : dictionary!.values.at(code)
  }

  hasImage (row: number): boolean {
    return !this.images.isEmpty(row)
  }

  /** What the info file of a row has. */
  fields (row: number): RecordFields {
    const { first_name, last_name, birthts, undeclared } = this.row(row)
    return { values: [first_name, last_name, birthts], undeclared }
  }

  /** A row as an object. */
  row (row: number): RecordRow {
    const undeclared: Record<string, string> = Object.create(null)
    for (const name of this.#columns.keys()) {
      const value = isDeclared(name) ? null : this.cell(row, name)
      if (value !== null) undeclared[name] = String(value)
    }
    return {
      user_id: this.userIds.at(row),
      first_name: String(this.cell(row, 'first_name')),
      last_name: String(this.cell(row, 'last_name')),
      birthts: this.data.birthts[row]!,
      img_path: this.hasImage(row) ? this.images.at(row) : null,
      birth_date: this.data.birthDates[row]! as CalendarDay,
      undeclared
    }
  }
}

function isDeclared (name: string): boolean {
  return (DECLARED_COLUMNS as readonly string[]).includes(name)
}

/** The JSON object of a row, without the comma or bracket that follows it. */
export function jsonSlice ({ json }: Table, row: number) {
  const { bytes, start, end } = sliceAt(json, row)
  return { bytes, start, end: end - 1 }
}
