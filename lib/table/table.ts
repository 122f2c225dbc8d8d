import type { CalendarDay } from '../base/calendar.js'
import { DECLARED_COLUMNS, type Cell, type RecordRow } from '../schema/record.js'
import type { BirthOrder } from './birth-order.js'
import type { DictionaryColumn, CaseFoldIndex } from './dictionary-column.js'
import { typedArraysIn } from '../base/typed-arrays.js'
import { sliceAt, Utf8Reader, type Utf8Column } from './utf8-column.js'

/** A column of text from the info files, by its name; first_name and last_name with their folded values. */
export interface NamedColumn extends DictionaryColumn { readonly name: string, readonly folded?: CaseFoldIndex }

/**
 * The records of one data version as columns in shared memory, in the order of the user ids' bytes; never changed. Plain
 * data, that threads can pass on.
 */
export interface Table {
  readonly length: number
  readonly userIds: Utf8Column
  /** first_name and last_name, then the undeclared ones by their bytes. */
  readonly columns: readonly NamedColumn[]
  /** Milliseconds since 1970-01-01 UTC. */
  readonly birthts: Float64Array
  /** The dates of birth in the configured time zone, each a CalendarDay. */
  readonly birthDates: Int32Array
  /** img_path; empty where there is none. */
  readonly images: Utf8Column
  /**
   * The base columns of each row as a JSON object with one more byte behind it, a comma or, at last, a bracket: with the
   * bracket before the first one, `bytes` as a whole are the JSON array of all rows.
   */
  readonly json: Utf8Column
  readonly births: BirthOrder
  /** Names the rows: equal rows have the equal name. */
  readonly version: string
}

/** A column to read. */
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

  /** Every column that some row has: the base columns, then the undeclared ones by their bytes. */
  get columnNames (): string[] {
    return [...DECLARED_COLUMNS, ...[...this.#columns.keys()].filter((name) => !isBaseColumn(name))]
  }

  /** The column of an info file's text; `undefined` where no row has it. */
  dictionary (name: string): DictionaryReader | undefined {
    return this.#columns.get(name)
  }

  /** The value of a row in a column, `null` where the row has no such column. */
  cell (row: number, column: string): Cell {
    switch (column) {
      case 'user_id': return this.userIds.at(row)
      case 'birthts': return this.data.birthts[row]!
      case 'img_path': return this.hasImage(row) ? this.images.at(row) : null
    }
    const coded = this.#columns.get(column)
    const code = coded?.codes[row] ?? 0
    return code === 0 ? null : coded!.values.at(code)
  }

  hasImage (row: number): boolean {
    return !this.images.isEmpty(row)
  }

  /** A row as an object. */
  row (row: number): RecordRow {
    const undeclared: Record<string, string> = Object.create(null)
    for (const name of this.#columns.keys()) {
      const value = isBaseColumn(name) ? null : this.cell(row, name)
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

function isBaseColumn (name: string): boolean {
  return (DECLARED_COLUMNS as readonly string[]).includes(name)
}

/** The memory that a table holds. Tables share the memory of equal columns. */
export function memoryOf (table: Table): ReadonlySet<ArrayBufferLike> {
  return new Set(typedArraysIn(table).map(({ buffer }) => buffer))
}

/** Bytes of memory that a table holds. */
export function byteLength (table: Table): number {
  return [...memoryOf(table)].reduce((sum, buffer) => sum + buffer.byteLength, 0)
}

/** The piece of a row's JSON, without the byte behind it. */
export function jsonSlice ({ json }: Table, row: number) {
  const { bytes, start, end } = sliceAt(json, row)
  return { bytes, start, end: end - 1 }
}
