import type { Value } from '../schema/field-type.js'
import type { Cell, RecordFields, RecordRow } from '../schema/record.js'
import type { Births } from './births.js'
import { toCell } from './cell.js'
import { fromStored, type TableColumn, type TextColumn } from './column.js'
import { ImageTexts, type ImageKeys } from './image-keys.js'
import { keyNameOf, type TableField } from './table-field.js'
import { Utf8Reader, type Utf8Column } from './utf8-column.js'

/**
 * The records of one data version as columns in shared memory, in the byte order of the keys. Immutable, and plain data that can be
 * posted to another thread.
 */
export interface Table {
  readonly length: number
  /** The declared columns, in schema order. */
  readonly fields: readonly TableField[]
  /** The values of the key field. */
  readonly keys: Utf8Column
  /** The declared columns of files in schema order, and then the undeclared columns in the byte order of their names. */
  readonly columns: readonly TableColumn[]
  /** The object keys of each image field, in schema order; empty for rows without this image. */
  readonly images: readonly ImageKeys[]
  /** Absent without a birth field. */
  readonly births?: Births
  /**
   * The declared columns of each row as a JSON object, followed by a comma or, in the last row, by a closing bracket. The first row is
   * preceded by an opening bracket, so that `bytes` is the JSON array of all rows.
   */
  readonly json: Utf8Column
  /** The digests that the name of the version is made of: see version-name.ts. */
  readonly buckets: Uint8Array
  /** The name of the version: a hash of the rows, equal for equal rows. */
  readonly version: string
}

/** Reads a text column. */
export interface DictionaryReader extends TextColumn { readonly values: Utf8Reader }

/** Reads one column: the value of a row, and the value as responses have it. */
interface ColumnReader { readonly value: (row: number) => Value, readonly cell: (row: number) => Cell }

/** Reads a table. */
export class TableReader {
  readonly data: Table
  readonly keys: Utf8Reader
  /** The first image field; `undefined` if the schema has no image field. */
  readonly image: ImageTexts | undefined
  readonly json: Utf8Reader
  /** The names of the declared columns, in schema order. */
  readonly declared: readonly string[]
  /** The name of the key field. */
  readonly keyName: string
  readonly #dictionaries = new Map<string, DictionaryReader>()
  readonly #columns: ReadonlyMap<string, TableColumn>
  readonly #images: ReadonlyMap<string, ImageTexts>
  readonly #readers: ReadonlyMap<string, ColumnReader>

  constructor (data: Table) {
    this.data = data
    this.keys = new Utf8Reader(data.keys)
    this.json = new Utf8Reader(data.json)
    this.declared = data.fields.map(({ name }) => name)
    this.keyName = keyNameOf(data.fields)
    this.#columns = new Map(data.columns.map((column) => [column.name, column]))
    for (const column of data.columns) if (column.kind === 'dictionary') this.#dictionaries.set(column.name, { ...column, values: new Utf8Reader(column.values) })
    const imageFields = data.fields.filter(({ source }) => source === 'image')
    this.#images = new Map(imageFields.map(({ name }, i) => [name, new ImageTexts(data.images[i]!, data.keys)]))
    this.image = this.#images.values().next().value
    const undeclared = [...this.#columns.keys()].filter((name) => !this.declared.includes(name))
    this.#readers = new Map([
      ...data.fields.map((field): [string, ColumnReader] => [field.name, this.#readerOf(field)]),
      ...undeclared.map((name): [string, ColumnReader] => [name, this.#textReader(name)])
    ])
  }

  get length (): number {
    return this.data.length
  }

  /** The declared columns, then the undeclared ones that some row has, in the byte order of their names. */
  get columnNames (): string[] {
    return [...this.#readers.keys()]
  }

  /** Returns the text column of the info files with this name; `undefined` if it does not exist. An undeclared column exists only if some row has a value in it. */
  dictionary (name: string): DictionaryReader | undefined {
    return this.#dictionaries.get(name)
  }

  /** A column of the info files; `undefined` if they have none with this name. */
  column (name: string): TableColumn | undefined {
    return this.#columns.get(name)
  }

  /** The object keys of an image field; `undefined` if there is no image field with this name. */
  images (name: string): ImageTexts | undefined {
    return this.#images.get(name)
  }

  /** The value of a row in a column. */
  value (row: number, column: string): Value {
    return this.#readers.get(column)?.value(row) ?? null
  }

  /** The value of a row in a column as responses have it; `null` if the row has no value. */
  cell (row: number, column: string): Cell {
    return this.#readers.get(column)?.cell(row) ?? null
  }

  /** Whether a row has the first image. */
  hasImage (row: number): boolean {
    return this.image !== undefined && !this.image.isEmpty(row)
  }

  /** The fields of the info file of a row. */
  fields (row: number): RecordFields {
    const { fields, columns } = this.data
    const files = fields.filter(({ source }) => source === 'file')
    const undeclared: Record<string, string> = Object.create(null)
    for (const { name } of columns.slice(files.length)) {
      const value = this.cell(row, name)
      if (value !== null) undeclared[name] = String(value)
    }
    return { values: files.map(({ name }) => this.value(row, name)), undeclared }
  }

  /** A row as an object: all declared columns, and the undeclared ones in which it has a value. */
  row (row: number): RecordRow {
    const record: Record<string, Cell> = Object.create(null)
    for (const [name, { cell }] of this.#readers) {
      const value = cell(row)
      if (value !== null || this.declared.includes(name)) record[name] = value
    }
    return record
  }

  #readerOf ({ name, source, type }: TableField): ColumnReader {
    if (source === 'key') return sameCell((row) => this.keys.at(row))
    if (source === 'image') {
      const keys = this.#images.get(name)!
      return sameCell((row) => keys.isEmpty(row) ? null : keys.at(row))
    }
    const column = this.#columns.get(name)!
    if (column.kind === 'dictionary') return this.#textReader(name)
    const value = (row: number) => fromStored(column.kind, column.values[row]!)
    return { value, cell: type === 'date' || type === 'datetime' ? (row) => toCell(type, value(row)) : value }
  }

  #textReader (name: string): ColumnReader {
    const { codes, values } = this.#dictionaries.get(name)!
    return sameCell((row) => codes[row] === 0 ? null : values.at(codes[row]!))
  }
}

function sameCell (value: (row: number) => string | null): ColumnReader {
  return { value, cell: value }
}
