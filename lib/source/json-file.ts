import { jsonErrorIndex, placeAt } from '../base/json-error.js'
import type { Value } from '../schema/field-type.js'
import type { ReadValue } from '../schema/read-value.js'
import type { Field } from '../schema/schema.js'
import { hintAtJson, hintAtJsonValue, hintAtMember } from './hint.js'
import { KEY, readHeader, UNDECLARED, type ParsedFile, type ParseOptions } from './info-columns.js'
import { rejection, type Rejection } from './reject.js'

/** A member of a JSON object. */
interface Member {
  readonly name: string
  /** The value as it is written. */
  readonly source: string
  /** The position of the value in the text of the file, in UTF-16 code units. */
  readonly at: number
}

/**
 * Parses an info file that is one JSON object. Strings are read as cells of a CSV file, numbers and booleans for columns of such a type
 * only. In undeclared columns, a value that is not a string is kept as it is written, and `null` is no value.
 */
export function parseJson (text: string, { schema, id }: ParseOptions): ParsedFile {
  const problem = checkObject(text)
  if (problem !== undefined) return { rejection: problem }
  const members = membersOf(text)
  const broken = /\\u[dD][89a-fA-F]/.test(text) ? members.find(({ name, source }) => hasLoneSurrogate(name) || hasLoneSurrogate(textOf(source))) : undefined
  if (broken !== undefined) {
    const { name, source, at } = broken
    const hint = 'The escape \\u of a character beyond U+FFFF is a pair, such as \\ud83d\\ude00: check where the text was cut'
    return { rejection: rejection('malformed_json', 'A text has half a surrogate pair, which is not a character', { line: lineAt(text, at), column: name, excerpt: source, hint }) }
  }
  const names = members.map(({ name }) => name.trim())
  const nested = names.filter((_, i) => isNested(members[i]!.source))
  const targets = readHeader(names, schema, { place: 'object', line: null, delimiter: ',', hint: (missing) => hintAtMember(missing, nested) })
  if ('code' in targets) return { rejection: targets }
  const values = new Array<Value>(schema.fileFields.length).fill(null)
  const undeclared: Record<string, string> = Object.create(null)
  for (let i = 0; i < members.length; i++) {
    const name = names[i]!
    const { source, at } = members[i]!
    const target = targets[i]!
    const place = () => ({ line: lineAt(text, at), column: name, excerpt: textOf(source) })
    if (target === UNDECLARED) {
      if (source !== 'null') undeclared[name] = textOf(source)
    } else if (target === KEY) {
      if (textOf(source) === id) continue
      const detail = `The column ${name} has ${JSON.stringify(textOf(source))}; must have ${JSON.stringify(id)}, the name of the file without its extension`
      return { rejection: rejection('reserved_header', detail, place()) }
    } else {
      const field = schema.fileFields[target]!
      const { value, mistake } = readMember(field, source)
      if (mistake !== undefined) return { rejection: rejection('invalid_value', `${name} ${mistake}`, { ...place(), hint: hintAtJsonValue(field, schema, source) }) }
      values[target] = value
    }
  }
  return { data: { values, undeclared } }
}

/** Why a text is not a JSON object; `undefined` if it is one. */
function checkObject (text: string): Rejection | undefined {
  if (text.trim() === '') return rejection('empty_file', 'The file is empty')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined
    const found = Array.isArray(value) ? 'an array' : JSON.stringify(value).slice(0, 20)
    return rejection('malformed_json', `The file has ${found}; must have one JSON object`, {
      hint: Array.isArray(value) ? 'Write one file for each object of the array, without the brackets around it' : null
    })
  } catch (error) {
    return rejection('malformed_json', `The file is not JSON: ${(error as Error).message}`, {
      line: lineAt(text, jsonErrorIndex(text, error as Error)),
      hint: hintAtJson(text)
    })
  }
}

/** The members of a text that is a JSON object, also if several have the same name. */
function membersOf (text: string): Member[] {
  const members: Member[] = []
  let name: string | undefined
  let start = text.indexOf('{') + 1
  let depth = 0
  for (let i = start; ; i++) {
    switch (text[i]) {
      case '"':
        i = endOfString(text, i)
        break
      case '{': case '[':
        depth++
        break
      case ':':
        if (depth > 0) break
        name = JSON.parse(text.slice(start, i)) as string
        start = i + 1
        break
      case ',': case ']': case '}':
        if (depth === 0 && name !== undefined) {
          const source = text.slice(start, i)
          members.push({ name, source: source.trim(), at: start + source.length - source.trimStart().length })
          name = undefined
          start = i + 1
        }
        if (text[i] !== ',' && depth-- === 0) return members
    }
  }
}

/** The position of the quote that ends the string that begins at `start`. */
function endOfString (text: string, start: number): number {
  for (let i = start + 1; ; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
}

function readMember (field: Field, source: string): ReadValue {
  if (isNested(source)) return field.readJson({})
  const value: unknown = JSON.parse(source)
  if (/^-?\d+$/.test(source) && !Number.isSafeInteger(value) && field.type.name !== 'string') {
    return { mistake: `is not an integer that a JSON number represents exactly: ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}` }
  }
  return field.readJson(value)
}

/** Whether a text contains half a surrogate pair, which UTF-8 cannot represent. */
function hasLoneSurrogate (text: string): boolean {
  return /\p{Surrogate}/u.test(text)
}

/** A string without its quotes, any other value as it is written. */
function textOf (source: string): string {
  return source.startsWith('"') ? JSON.parse(source) as string : source
}

function isNested (source: string): boolean {
  return source.startsWith('{') || source.startsWith('[')
}

function lineAt (text: string, at: number): number {
  return placeAt(text, at).line
}
