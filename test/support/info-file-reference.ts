import { gunzipSync } from 'node:zlib'
import type { Value } from '../../lib/schema/field-type.js'
import type { Schema } from '../../lib/schema/schema.js'
import type { ParseOptions } from '../../lib/source/info-columns.js'

/** A record as the plain reference reads it. */
export interface ReferenceRecord {
  readonly values: readonly Value[]
  readonly undeclared: Readonly<Record<string, string>>
}

/** A column of a file. A cell of CSV is text; a member of a JSON object has the value and its text in the file. */
interface Column {
  readonly name: string
  readonly text: string
  readonly json?: unknown
}

class Malformed extends Error {}

/**
 * Reads an info file as plainly as possible: one character after the other, without regard to what kind of mistake a file has. Single values are read by
 * the fields of the schema, which have tests of their own. Returns `undefined` if the file has to be rejected.
 */
export function readReference (bytes: Buffer, options: ParseOptions): ReferenceRecord | undefined {
  try {
    const isUtf8Json = options.format === 'json' && isUtf8(bytes) && !bytes.includes(0)
    const text = decode(options.format === 'csv.gz' ? unzip(bytes) : bytes, isUtf8Json ? 'utf-8' : options.encoding)
    const columns = options.format === 'json' ? readObject(text) : readTable(text, options.format === 'tsv' ? '\t' : options.delimiter)
    return toRecord(columns, options)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

function unzip (bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: 1024 * 1024 })
  } catch {
    throw new Malformed()
  }
}

function decode (bytes: Buffer, encoding: ParseOptions['encoding']): string {
  if (encoding === 'utf-8') return decodeUnicode(bytes, 'utf-8')
  if (encoding === 'utf-16') {
    if (!bytes.includes(0)) throw new Malformed()
    return decodeUnicode(bytes, bytes[0] === 0xfe || bytes[0] === 0 ? 'utf-16be' : 'utf-16le')
  }
  const hex = bytes.toString('hex')
  if (bytes.includes(0) || hex.startsWith('efbbbf') || hex.startsWith('fffe') || hex.startsWith('feff')) throw new Malformed()
  if (bytes.some((byte) => byte > 0x7f) && isUtf8(bytes)) throw new Malformed()
  if (encoding === 'iso-8859-1') return [...bytes].map((byte) => String.fromCharCode(byte)).join('')
  if ([0x81, 0x8d, 0x8f, 0x90, 0x9d].some((byte) => bytes.includes(byte))) throw new Malformed()
  return [...bytes].map((byte) => byte >= 0x80 && byte < 0xa0 ? WINDOWS_1252.get(byte)! : String.fromCharCode(byte)).join('')
}

const WINDOWS_1252 = new Map([...'€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ'].map((character, i) =>
  [[0x80, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8e, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9e, 0x9f][i]!, character]))

function isUtf8 (bytes: Buffer): boolean {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes) !== ''
  } catch {
    return false
  }
}

function decodeUnicode (bytes: Buffer, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new Malformed()
  }
}

/** The columns of the only row of a CSV file. */
function readTable (text: string, delimiter: string): Column[] {
  const rows = readRows(text, delimiter).filter((row) => row.some((cell) => cell.trim() !== ''))
  const [names, cells] = rows
  if (rows.length !== 2 || names!.length !== cells!.length) throw new Malformed()
  return names!.map((name, i) => ({ name: name.trim(), text: cells![i]! }))
}

/** All rows of a CSV file. White space around cells is removed, but not inside quotes. */
function readRows (text: string, delimiter: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at <= text.length) {
    const { cell, end } = readCell(text, at, delimiter)
    row.push(cell)
    if (text.startsWith(delimiter, end)) {
      at = end + delimiter.length
      continue
    }
    rows.push(row)
    row = []
    at = end + (text.startsWith('\r\n', end) ? 2 : 1)
  }
  return rows
}

function readCell (text: string, start: number, delimiter: string): { readonly cell: string, readonly end: number } {
  const isEnd = (at: number) => at >= text.length || text[at] === '\n' || text[at] === '\r' || text.startsWith(delimiter, at)
  let at = start
  while (!isEnd(at) && text[at]!.trim() === '') at++
  if (text[at] !== '"' || isEnd(at)) {
    while (!isEnd(at)) if (text[at++] === '"') throw new Malformed()
    return { cell: text.slice(start, at).trim(), end: at }
  }
  let cell = ''
  for (at++; ; at++) {
    if (at >= text.length) throw new Malformed()
    if (text[at] === '"' && text[at + 1] !== '"') break
    if (text[at] === '"') at++
    cell += text[at]
  }
  // csv-parse accepts white space of several bytes after a quote only if the cell is empty.
  const isSpace = (character: string) => character.trim() === '' && (character < '\x80' || cell === '')
  for (at++; !isEnd(at); at++) if (!isSpace(text[at]!)) throw new Malformed()
  return { cell, end: at }
}

/** The members of a JSON object; all of them, if several have the same name. */
function readObject (text: string): Column[] {
  let at = 0
  const columns: Column[] = []
  const skip = () => { while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++ }
  const expect = (token: string) => {
    if (!text.startsWith(token, at)) throw new Malformed()
    at += token.length
  }
  const readString = (): string => {
    expect('"')
    let value = ''
    for (;;) {
      const character = text[at++]
      if (character === '"') return value
      if (character === undefined || character < ' ') throw new Malformed()
      value += character === '\\' ? readEscape() : character
    }
  }
  const readEscape = (): string => {
    const character = text[at++]!
    const simple = 'bfnrt"\\/'.indexOf(character)
    if (character !== 'u') {
      if (character === undefined || simple === -1) throw new Malformed()
      return '\b\f\n\r\t"\\/'[simple]!
    }
    const digits = text.slice(at, at += 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Malformed()
    return String.fromCharCode(parseInt(digits, 16))
  }
  const readMembers = (close: string, readMember: () => void) => {
    at++
    skip()
    if (text[at] !== close) {
      for (;;) {
        skip()
        readMember()
        skip()
        if (text[at] === close) break
        expect(',')
      }
    }
    at++
  }
  const readValue = (): unknown => {
    if (text[at] === '"') return readString()
    if (text[at] === '{' || text[at] === '[') {
      const isObject = text[at] === '{'
      readMembers(isObject ? '}' : ']', () => { if (isObject) readName(); readValue() })
      return {}
    }
    const [token] = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(text.slice(at)) ?? []
    if (token === undefined) throw new Malformed()
    at += token.length
    return token === 'null' ? null : token === 'true' ? true : token === 'false' ? false : Number(token)
  }
  const readName = () => {
    const name = readString()
    skip()
    expect(':')
    skip()
    return name
  }
  // White space of Unicode is not white space of JSON.
  skip()
  if (text[at] !== '{') throw new Malformed()
  readMembers('}', () => {
    const name = readName()
    const start = at
    const json = readValue()
    columns.push({ name: name.trim(), text: typeof json === 'string' ? json : text.slice(start, at), json })
    if (/\p{Surrogate}/u.test(name) || (typeof json === 'string' && /\p{Surrogate}/u.test(json))) throw new Malformed()
  })
  skip()
  if (at < text.length) throw new Malformed()
  return columns
}

/** Finds declared columns by the names that they may have in files. A file with more than 64 others is rejected. */
function toRecord (columns: readonly Column[], { schema, id }: ParseOptions): ReferenceRecord {
  const { fileFields, key } = schema
  const values = new Array<Value>(fileFields.length).fill(null)
  const undeclared: Record<string, string> = Object.create(null)
  const found = new Set<unknown>()
  const once = (column: unknown) => {
    if (found.has(column)) throw new Malformed()
    found.add(column)
  }
  for (const { name, text, json } of columns) {
    if (name === '') throw new Malformed()
    const index = fileFields.findIndex(({ headers }) => headers.includes(name))
    once(index === -1 ? name : index)
    if (index !== -1) {
      values[index] = readValue(fileFields[index]!, text, json)
    } else if (key.headers.includes(name)) {
      if (text !== id) throw new Malformed()
    } else if (schema.fields.some((field) => field.name === name || (field.source === 'image' && field.headers.includes(name)))) {
      throw new Malformed()
    } else if (json !== null) {
      undeclared[name] = text
    }
  }
  if (columns.filter(({ name }) => !fileFields.some(({ headers }) => headers.includes(name)) && !key.headers.includes(name)).length > 64) throw new Malformed()
  checkMatch(columns.map(({ name }) => name), schema)
  return { values, undeclared }
}

function readValue (field: Schema['fileFields'][number], text: string, json: unknown): Value {
  const isUnsafe = typeof json === 'number' && /^-?\d+$/.test(text) && !Number.isSafeInteger(json) && field.type.name !== 'string'
  const { value, mistake } = json === undefined ? field.read(field.type.name === 'string' ? text : text.trim()) : field.readJson(json)
  if (mistake !== undefined || isUnsafe) throw new Malformed()
  return value
}

/** Checks the columns by the rules of `fieldsMatch` in the standard Table Schema. A column that repeats the key may be anywhere. */
function checkMatch (names: readonly string[], { fileFields, key, fieldsMatch }: Schema): void {
  const places = names.filter((name) => !key.headers.includes(name) || fileFields.some(({ headers }) => headers.includes(name))).map((name) => fileFields.findIndex(({ headers }) => headers.includes(name)))
  const missing = fileFields.filter((_, i) => !places.includes(i))
  const [hasAll, hasSome, hasOthers] = [missing.length === 0, places.some((place) => place !== -1) || fileFields.length === 0, places.includes(-1)]
  const isMatch = {
    exact: hasAll && !hasOthers && places.every((place, i) => place === i),
    equal: hasAll && !hasOthers,
    subset: hasAll,
    superset: !hasOthers,
    partial: hasSome
  }[fieldsMatch]
  if (!isMatch || missing.some(({ descriptor }) => descriptor.constraints?.required)) throw new Malformed()
}
