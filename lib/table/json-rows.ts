import type { TypeName } from '../schema/field-type.js'
import { createType } from '../schema/types/index.js'
import { fromStored, type TableColumn } from './column.js'
import type { DictionaryColumn } from './dictionary-column.js'
import { jsonLength, writeJson } from './json-text.js'
import type { Table } from './table.js'
import { allocateUtf8, type Utf8Column } from './utf8-column.js'

const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d
const BRACE = 0x7d
const QUOTE = 0x22
const NULL = Buffer.from('null')

const NO_ROWS = Buffer.from('[]')

type RowColumns = Pick<Table, 'fields' | 'keys' | 'columns' | 'images'>

/**
 * Makes the column `json` of a table. Rows that are also in the previous table are copied from there.
 *
 * @param previous the column `json` of the previous table
 * @param sameAs the row of the previous table with the same values; -1 if there is none
 */
export function jsonRows (columns: RowColumns, previous: Utf8Column, sameAs: Int32Array): Utf8Column {
  const rows = rowWriter(columns)
  const length = sameAs.length
  if (length === 0) return { ...allocateUtf8(0, () => 0, 1), bytes: sharedCopy(NO_ROWS) }
  const json = allocateUtf8(length, (row) => {
    const old = sameAs[row]!
    return old === -1 ? rows.lengthOf(row) + 1 : previous.offsets[old + 1]! - previous.offsets[old]!
  }, 1)
  const { bytes, offsets } = json
  bytes[0] = OPEN
  for (let row = 0; row < length;) {
    const old = sameAs[row]!
    if (old === -1) {
      bytes[rows.write(bytes, offsets[row]!, row)] = COMMA
      row++
      continue
    }
    let run = 1
    while (row + run < length && sameAs[row + run] === old + run) run++
    bytes.set(previous.bytes.subarray(previous.offsets[old], previous.offsets[old + run]), offsets[row])
    row += run
    bytes[offsets[row]! - 1] = COMMA
  }
  bytes[bytes.length - 1] = CLOSE
  return json
}

/** Writes one column as JSON. Lengths are in bytes; `write` returns the end. */
interface ColumnWriter {
  lengthOf (row: number): number
  write (to: Uint8Array, at: number, row: number): number
}

/** Writes a row as a JSON object of its declared columns, in schema order. */
function rowWriter ({ fields, keys, columns, images }: RowColumns): ColumnWriter {
  const names = fields.map(({ name }, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  const ofImages = [...images]
  const ofFiles = [...columns]
  const writers = fields.map(({ source, type }) => source === 'key'
    ? textWriter(keys)
    : source === 'image' ? imageWriter(ofImages.shift()!) : columnWriter(ofFiles.shift()!, type))
  const fixedLength = names.reduce((sum, { length }) => sum + length, 1)
  return {
    lengthOf (row) {
      let length = fixedLength
      for (const writer of writers) length += writer.lengthOf(row)
      return length
    },
    write (to, at, row) {
      for (let i = 0; i < writers.length; i++) at = writers[i]!.write(to, copy(to, at, names[i]!), row)
      to[at] = BRACE
      return at + 1
    }
  }
}

function textWriter ({ bytes, offsets }: Utf8Column): ColumnWriter {
  return {
    lengthOf: (row) => jsonLength(bytes, offsets[row]!, offsets[row + 1]!) + 2,
    write: (to, at, row) => {
      to[at] = QUOTE
      const end = writeJson(to, at + 1, bytes, offsets[row]!, offsets[row + 1]!)
      to[end] = QUOTE
      return end + 1
    }
  }
}

/** Rows without a key have no image. */
function imageWriter (keys: Utf8Column): ColumnWriter {
  const { offsets } = keys
  const text = textWriter(keys)
  return {
    lengthOf: (row) => offsets[row] === offsets[row + 1] ? NULL.length : text.lengthOf(row),
    write: (to, at, row) => offsets[row] === offsets[row + 1] ? copy(to, at, NULL) : text.write(to, at, row)
  }
}

function columnWriter (column: TableColumn, type: TypeName): ColumnWriter {
  if (column.kind === 'dictionary') return dictionaryWriter(column)
  const { kind, values } = column
  const { toJson } = createType(type)
  const textOf = (row: number) => {
    const value = fromStored(kind, values[row]!)
    return value === null ? 'null' : toJson(value)
  }
  return { lengthOf: (row) => textOf(row).length, write: (to, at, row) => writeAscii(to, at, textOf(row)) }
}

/** Many rows share a value: each is escaped once. */
function dictionaryWriter ({ values, codes }: DictionaryColumn): ColumnWriter {
  const { bytes, offsets } = values
  const lengthOf = (code: number) => code === 0 ? NULL.length : jsonLength(bytes, offsets[code]!, offsets[code + 1]!) + 2
  const escaped = allocateUtf8(offsets.length - 1, lengthOf)
  const { write } = textWriter(values)
  for (let code = 0; code < offsets.length - 1; code++) {
    if (code === 0) copy(escaped.bytes, 0, NULL)
    else write(escaped.bytes, escaped.offsets[code]!, code)
  }
  return {
    lengthOf: (row) => escaped.offsets[codes[row]! + 1]! - escaped.offsets[codes[row]!]!,
    write: (to, at, row) => copy(to, at, escaped.bytes, escaped.offsets[codes[row]!]!, escaped.offsets[codes[row]! + 1]!)
  }
}

/** Copies a few bytes: faster than `set` for so few. Returns the end. */
function copy (to: Uint8Array, at: number, from: Uint8Array, start = 0, end = from.length): number {
  for (let i = start; i < end; i++) to[at++] = from[i]!
  return at
}

function writeAscii (to: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) to[at++] = text.charCodeAt(i)
  return at
}

function sharedCopy (bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}
