import type { TypeName } from '../schema/field-type.js'
import { blockText, blockTexts, copyBlocks, copyBytes, copyPlain, WORD_BYTES, type Target } from './blocks.js'
import type { CellStyle } from './cell-style.js'
import { hasValue, type FixedColumn, type NumberColumn } from './column.js'
import type { DictionaryColumn } from './dictionary-column.js'
import { usualExtension, type ImageKeys } from './image-keys.js'
import { DATETIME_LENGTH, MAX_NUMBER_LENGTH, writeDate, writeDatetime, writeNumber } from './number-text.js'
import type { Table } from './table.js'
import { maxLengthOf, type Utf8Column } from './utf8-column.js'

/** Writes rows, or one of their columns, as text. */
export interface Writer {
  /** The maximum number of bytes that one row takes. */
  readonly maxLength: number
  /** Writes a row. Returns the end; up to `BLOCK_BYTES` after it may be overwritten. */
  readonly write: (to: Target, at: number, row: number) => number
}

export interface RowFormat {
  readonly style: CellStyle
  /** The text before the cell of each column. */
  readonly before: readonly string[]
  /** The text after the last cell. */
  readonly end: string
}

export type RowColumns = Pick<Table, 'fields' | 'keys' | 'columns' | 'images'>

/** Above this number of values, a dictionary is not escaped in advance. */
const MAX_ESCAPED_VALUES = 8000

/**
 * Makes the writer of these columns. A column that the table does not have has no values.
 *
 * @param rowCount about how many rows will be written
 */
export function rowWriter (table: RowColumns, columns: readonly string[], { style, before, end }: RowFormat, rowCount: number): Writer {
  const writers = columns.map((name, i) => columnWriter(table, name, style, before[i]!, rowCount))
  const last = blockText(end)
  return {
    maxLength: writers.reduce((sum, { maxLength }) => sum + maxLength, end.length),
    write: (to, at, row) => {
      for (let i = 0; i < writers.length; i++) at = writers[i]!.write(to, at, row)
      return copyBlocks(to, at, last, 0)
    }
  }
}

function columnWriter ({ fields, keys, columns, images }: RowColumns, name: string, style: CellStyle, before: string, rowCount: number): Writer {
  const field = fields.find((field) => field.name === name)
  if (field?.source === 'key') return textWriter(keys, style, before)
  if (field?.source === 'image') return imageWriter(images[fields.filter(({ source }) => source === 'image').indexOf(field)]!, keys, style, before)
  const column = columns.find((column) => column.name === name)
  if (column === undefined) return constantWriter(style, before)
  return column.kind === 'dictionary' ? dictionaryWriter(column, style, before, rowCount) : fixedWriter(column, field!.type, style, before)
}

function constantWriter ({ missing }: CellStyle, before: string): Writer {
  const text = blockText(Buffer.concat([Buffer.from(before), missing]))
  return { maxLength: text.offsets[1]!, write: (to, at) => copyBlocks(to, at, text, 0) }
}

function textWriter (column: Utf8Column, { maxTextLength, writeText, isQuoted, notPlain }: CellStyle, before: string): Writer {
  const { bytes, offsets } = column
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lead = blockText(before)
  // `copyPlain` needs WORD_BYTES bytes after a text.
  const maxEnd = bytes.length - WORD_BYTES
  return {
    maxLength: lead.offsets[1]! + maxTextLength(maxLengthOf(column)),
    write: (to, at, row) => {
      const begin = copyBlocks(to, at, lead, 0)
      const start = offsets[row]!
      const end = offsets[row + 1]!
      if (notPlain !== undefined && end <= maxEnd && start < end) {
        // Without quotes, a text is not plain if it begins or ends with white space beyond ASCII: see csv-text.ts.
        if (isQuoted) {
          const close = copyPlain(to, begin + 1, view, start, end, notPlain)
          if (close !== -1) {
            to.bytes[begin] = QUOTE
            to.bytes[close] = QUOTE
            return close + 1
          }
        } else if (bytes[start]! < 0x80 && bytes[end - 1]! < 0x80) {
          const close = copyPlain(to, begin, view, start, end, notPlain)
          if (close !== -1) return close
        }
      }
      return writeText(to.bytes, begin, bytes, start, end)
    }
  }
}

/** Usual object keys are composed of the prefix, the key of the record and an extension, see image-keys.ts. A row whose object key is empty has no image. */
function imageWriter (images: ImageKeys, keys: Utf8Column, style: CellStyle, before: string): Writer {
  const { offsets, prefix, extensions } = images
  const stored = textWriter(images, style, before)
  const none = constantWriter(style, before)
  const [start, ends] = [Buffer.from(prefix), extensions.map((extension) => Buffer.from(`.${extension}`))]
  const longest = start.length + maxLengthOf(keys) + Math.max(0, ...ends.map(({ length }) => length))
  const scratch = new Uint8Array(longest)
  scratch.set(start)
  const lead = blockText(before)
  const writePlain = plainImageWriter(images, keys, style, before)
  return {
    maxLength: Math.max(stored.maxLength, none.maxLength, lead.offsets[1]! + style.maxTextLength(longest)),
    write: (to, at, row) => {
      if (offsets[row] === offsets[row + 1]) return none.write(to, at, row)
      const extension = usualExtension(images, row)
      if (extension === -1) return stored.write(to, at, row)
      const end = writePlain(to, at, row, extension)
      if (end !== -1) return end
      const length = copyBytes(scratch, copyBytes(scratch, start.length, keys.bytes, keys.offsets[row], keys.offsets[row + 1]), ends[extension]!)
      return style.writeText(to.bytes, copyBlocks(to, at, lead, 0), scratch, 0, length)
    }
  }
}

/** Writes usual keys without anything to escape, and returns -1 for others. */
function plainImageWriter ({ prefix, extensions }: ImageKeys, { bytes, offsets }: Utf8Column, { isQuoted, notPlain, writeText, maxTextLength }: CellStyle, before: string) {
  const quote = isQuoted ? '"' : ''
  const isPlain = (text: string) => {
    const [from, to] = [Buffer.from(text), Buffer.alloc(maxTextLength(Buffer.byteLength(text)))]
    return to.toString('utf8', 0, writeText(to, 0, from, 0, from.length)) === `${quote}${text}${quote}`
  }
  if (notPlain === undefined || prefix === '' || ![prefix, ...extensions].every(isPlain)) return () => -1
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lead = blockText(`${before}${quote}${prefix}`)
  const tails = blockTexts(extensions.length, (i) => Buffer.byteLength(extensions[i]!) + 2, (to, at, i) => copyBytes(to.bytes, at, Buffer.from(`.${extensions[i]!}${quote}`)))
  return (to: Target, at: number, row: number, extension: number) => {
    const end = offsets[row + 1]!
    if (end + WORD_BYTES > bytes.length) return -1
    const close = copyPlain(to, copyBlocks(to, at, lead, 0), view, offsets[row]!, end, notPlain)
    return close === -1 ? -1 : copyBlocks(to, close, tails, extension)
  }
}

/** Many rows share a value: each is escaped once, unless there are more values than rows, or than `MAX_ESCAPED_VALUES`. */
function dictionaryWriter ({ values, codes }: DictionaryColumn, style: CellStyle, before: string, rowCount: number): Writer {
  const text = textWriter(values, style, before)
  const none = constantWriter(style, before)
  const count = values.offsets.length - 1
  const maxLength = Math.max(text.maxLength, none.maxLength)
  const write: Writer['write'] = (to, at, code) => code === 0 ? none.write(to, at, code) : text.write(to, at, code)
  if (count > Math.min(rowCount, MAX_ESCAPED_VALUES)) return { maxLength, write: (to, at, row) => write(to, at, codes[row]!) }
  const lengthOf = (code: number) => none.maxLength + Buffer.byteLength(before) + style.maxTextLength(values.offsets[code + 1]! - values.offsets[code]!)
  const escaped = blockTexts(count, lengthOf, write)
  return { maxLength, write: (to, at, row) => copyBlocks(to, at, escaped, codes[row]!) }
}

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const QUOTE = 0x22

function fixedWriter (column: FixedColumn, type: TypeName, style: CellStyle, before: string): Writer {
  if (column.kind === 'number' && type !== 'datetime') return numberWriter(column, style, before)
  const { kind, values } = column
  const lead = blockText(before)
  const none = constantWriter(style, before)
  const writeValue = valueWriter(type, style)
  return {
    maxLength: Math.max(none.maxLength, lead.offsets[1]! + Math.max(MAX_NUMBER_LENGTH, DATETIME_LENGTH + 2)),
    write: (to, at, row) => hasValue(kind, values[row]!) ? writeValue(to, copyBlocks(to, at, lead, 0), values[row]!) : none.write(to, at, row)
  }
}

/** Separate from the writers of other kinds: with a function in a variable, V8 would allocate each number that is passed to it. */
function numberWriter ({ values }: NumberColumn, style: CellStyle, before: string): Writer {
  const lead = blockText(before)
  const none = constantWriter(style, before)
  return {
    maxLength: Math.max(none.maxLength, lead.offsets[1]! + MAX_NUMBER_LENGTH),
    write: (to, at, row) => {
      const value = values[row]!
      return Number.isNaN(value) ? none.write(to, at, row) : writeNumber(to, copyBlocks(to, at, lead, 0), value)
    }
  }
}

/** Writes the stored number of a value. */
function valueWriter (type: TypeName, { isQuoted }: CellStyle): (to: Target, at: number, stored: number) => number {
  switch (type) {
    case 'boolean': return (to, at, stored) => copyBytes(to.bytes, at, stored === 1 ? TRUE : FALSE)
    case 'date': return isQuoted ? inQuotes(writeDate) : writeDate
    case 'datetime': return isQuoted ? inQuotes(writeDatetime) : writeDatetime
    default: throw new TypeError(`The type ${type} is not written here`)
  }
}

function inQuotes (write: (to: Target, at: number, stored: number) => number): typeof write {
  return (to, at, stored) => {
    to.bytes[at] = QUOTE
    const end = write(to, at + 1, stored)
    to.bytes[end] = QUOTE
    return end + 1
  }
}
