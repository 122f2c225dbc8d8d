import { jsonLength, writeJson } from './json-text.js'
import type { Table } from './table.js'
import { allocateUtf8, type Utf8Column } from './utf8-column.js'

const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d

const NAMES = ['{"user_id":"', '","first_name":"', '","last_name":"', '","birthts":', ',"img_path":'].map((text) => Buffer.from(text))
const [USER_ID, FIRST_NAME, LAST_NAME, BIRTHTS, IMG_PATH] = NAMES as [Buffer, Buffer, Buffer, Buffer, Buffer]
const NAMES_LENGTH = NAMES.reduce((sum, { length }) => sum + length, 0)
const NULL = Buffer.from('null}')
const END = Buffer.from('"}')
const NO_ROWS = Buffer.from('[]')

type RowColumns = Pick<Table, 'userIds' | 'columns' | 'birthts' | 'images'>

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

function rowWriter ({ userIds, columns: [firstNames, lastNames], birthts, images }: RowColumns) {
  const [firstCodes, lastCodes] = [firstNames!.codes, lastNames!.codes]
  // Many rows share a name: each is escaped once.
  const first = escapeAll(firstNames!.values)
  const last = escapeAll(lastNames!.values)
  const lengthAt = ({ offsets }: Utf8Column, row: number) => offsets[row + 1]! - offsets[row]!
  const escapedLength = ({ bytes, offsets }: Utf8Column, row: number) => jsonLength(bytes, offsets[row]!, offsets[row + 1]!)
  const put = (to: Uint8Array, at: number, { bytes, offsets }: Utf8Column, row: number) => copy(to, at, bytes, offsets[row]!, offsets[row + 1]!)
  const putEscaped = (to: Uint8Array, at: number, { bytes, offsets }: Utf8Column, row: number) =>
    writeJson(to, at, bytes, offsets[row]!, offsets[row + 1]!)
  return {
    lengthOf (row: number): number {
      const image = lengthAt(images, row) === 0 ? NULL.length : 1 + escapedLength(images, row) + END.length
      return NAMES_LENGTH + escapedLength(userIds, row) + lengthAt(first, firstCodes[row]!) +
        lengthAt(last, lastCodes[row]!) + String(birthts[row]).length + image
    },
    write (to: Uint8Array, at: number, row: number): number {
      at = putEscaped(to, copy(to, at, USER_ID), userIds, row)
      at = put(to, copy(to, at, FIRST_NAME), first, firstCodes[row]!)
      at = put(to, copy(to, at, LAST_NAME), last, lastCodes[row]!)
      at = writeDigits(to, copy(to, at, BIRTHTS), String(birthts[row]))
      at = copy(to, at, IMG_PATH)
      if (lengthAt(images, row) === 0) return copy(to, at, NULL)
      to[at++] = 0x22
      return copy(to, putEscaped(to, at, images, row), END)
    }
  }
}

/** Copies a few bytes: faster than `set` for so few. Returns the end. */
function copy (to: Uint8Array, at: number, from: Uint8Array, start = 0, end = from.length): number {
  for (let i = start; i < end; i++) to[at++] = from[i]!
  return at
}

function writeDigits (to: Uint8Array, at: number, digits: string): number {
  for (let i = 0; i < digits.length; i++) to[at++] = digits.charCodeAt(i)
  return at
}

function escapeAll (values: Utf8Column): Utf8Column {
  const rangeOf = (row: number) => [values.bytes, values.offsets[row]!, values.offsets[row + 1]!] as const
  const escaped = allocateUtf8(values.offsets.length - 1, (row) => jsonLength(...rangeOf(row)))
  for (let row = 0; row < values.offsets.length - 1; row++) writeJson(escaped.bytes, escaped.offsets[row]!, ...rangeOf(row))
  return escaped
}

function sharedCopy (bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}
