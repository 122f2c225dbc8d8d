import { takeRows } from '../table/take-rows.js'
import type { TableReader } from '../table/table.js'
import type { Allocate, Chunk, JsonRows } from './data-version.js'

const COMMA = 0x2c
const NEWLINE = 0x0a
const OPEN = 0x5b
const CLOSE = 0x5d

/** Rows of a table as JSON text, which the table contains. `isWhole`: they are all rows of the table in its own order. */
export class TableJsonRows implements JsonRows {
  readonly #table: TableReader
  readonly #listRows: () => Uint32Array
  readonly array: Buffer | undefined

  constructor (table: TableReader, listRows: () => Uint32Array, isWhole: boolean) {
    this.#table = table
    this.#listRows = listRows
    this.array = isWhole ? table.json.bytes : undefined
  }

  get length (): number {
    return this.#listRows().length
  }

  chunk (from: number, maxBytes: number, format: 'json' | 'ndjson', allocate: Allocate = (bytes) => new ArrayBuffer(bytes)): Chunk {
    const rows = this.#listRows()
    const { json } = this.#table
    if (rows.length === 0) return { bytes: Buffer.from(format === 'json' ? '[]' : ''), to: 0 }
    const { to, length } = this.#measure(rows, from, maxBytes)
    if (format === 'ndjson') return { bytes: takeRows(json, rows, from, to, { length, separator: NEWLINE, allocate }), to }
    const bytes = takeRows(json, rows, from, to, { length, separator: COMMA, allocate, ...from === 0 && { first: OPEN } })
    if (to === rows.length) bytes[bytes.length - 1] = CLOSE
    return { bytes, to }
  }

  #measure (rows: Uint32Array, from: number, maxBytes: number): { to: number, length: number } {
    const { offsets } = this.#table.json
    let length = 0
    let to = from
    while (to < rows.length && length < maxBytes) {
      const row = rows[to++]!
      length += offsets[row + 1]! - offsets[row]!
    }
    return { to, length }
  }
}
