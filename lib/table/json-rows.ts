import { BLOCK_BYTES, targetOf } from './blocks.js'
import { JSON_STYLE } from './cell-style.js'
import { rowWriter, type RowColumns, type RowFormat } from './row-writer.js'
import { allocateUtf8, type Utf8Column } from './utf8-column.js'

const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d

const NO_ROWS = Buffer.from('[]')

/**
 * Computes `Table.json`. Rows with the same values as in the previous table are copied from there.
 *
 * @param previous the column `json` of the previous table
 * @param sameAs the row of the previous table with the same values; -1 if no row has the same values
 */
export function jsonRows (table: RowColumns, previous: Utf8Column, sameAs: Int32Array): Utf8Column {
  const length = sameAs.length
  if (length === 0) return { ...allocateUtf8(0, () => 0, 1), bytes: sharedCopy(NO_ROWS) }
  const columns = table.fields.map(({ name }) => name)
  const { maxLength, write } = rowWriter(table, columns, jsonFormat(columns, ','), sameAs.reduce((count, old) => old === -1 ? count + 1 : count, 0))
  /** Memory for one row. */
  const scratch = targetOf(new ArrayBuffer(maxLength + BLOCK_BYTES))
  const json = allocateUtf8(length, (row) => {
    const old = sameAs[row]!
    return old === -1 ? write(scratch, 0, row) : previous.offsets[old + 1]! - previous.offsets[old]!
  }, 1)
  const { bytes, offsets } = json
  const target = { bytes, view: new DataView(bytes.buffer) }
  bytes[0] = OPEN
  for (let row = 0; row < length;) {
    const old = sameAs[row]!
    if (old === -1) {
      // A writer may overwrite bytes after the end of the row: those of later rows are not written yet, but it must not exceed the array.
      if (offsets[row + 1]! + BLOCK_BYTES <= bytes.length) write(target, offsets[row]!, row)
      else bytes.set(scratch.bytes.subarray(0, write(scratch, 0, row)), offsets[row])
      row++
      continue
    }
    let run = 1
    while (row + run < length && sameAs[row + run] === old + run) run++
    bytes.set(previous.bytes.subarray(previous.offsets[old], previous.offsets[old + run]), offsets[row])
    row += run
    // After the last row of the previous table there is a bracket instead.
    bytes[offsets[row]! - 1] = COMMA
  }
  bytes[bytes.length - 1] = CLOSE
  return json
}

/** Rows as JSON objects, each followed by `separator`. */
export function jsonFormat (columns: readonly string[], separator: string): RowFormat {
  return { style: JSON_STYLE, before: columns.map((name, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`), end: `}${separator}` }
}

function sharedCopy (bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}
