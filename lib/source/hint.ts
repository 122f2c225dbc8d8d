import { isUtf8 } from 'node:buffer'
import type { InfoFormat, InputEncoding } from '../base/info-formats.js'
import { nearest } from '../base/nearest.js'
import { isImpossibleDay } from '../schema/date-pattern.js'
import type { Field, Schema } from '../schema/schema.js'

/** First bytes of files that are not text, and what to do. */
const SIGNATURES: readonly (readonly [bytes: readonly number[], hint: string])[] = [
  [[0x1f, 0x8b], 'The file looks like gzip: upload it uncompressed, or with a name that ends in .csv.gz'],
  [[0x50, 0x4b, 0x03, 0x04], 'The file looks like an Excel workbook or a ZIP archive: save it as CSV'],
  [[0x25, 0x50, 0x44, 0x46], 'The file looks like a PDF document: save it as CSV'],
  [[0x89, 0x50, 0x4e, 0x47], 'The file looks like a PNG image: its name has to end in .png'],
  [[0xff, 0xd8, 0xff], 'The file looks like a JPEG image: its name has to end in .jpg']
]

/** Advice for a file that is not text in the encoding of the settings. */
export function hintAtEncoding (body: Uint8Array, encoding: InputEncoding): string {
  const startsWith = (bytes: readonly number[]) => bytes.every((byte, i) => body[i] === byte)
  const found = SIGNATURES.find(([bytes]) => startsWith(bytes))
  if (found !== undefined) return found[1]
  const remedy = (setting: InputEncoding) => `save it as ${encoding.toUpperCase()}, or set INPUT_ENCODING=${setting} if all files are like this one`
  if (encoding === 'utf-16' && (startsWith([0xff, 0xfe]) || startsWith([0xfe, 0xff]))) return 'The file is damaged or incomplete: upload it again'
  if (startsWith([0xff, 0xfe]) || startsWith([0xfe, 0xff]) || (encoding !== 'utf-16' && body.includes(0))) return `The file looks like UTF-16: ${remedy('utf-16')}`
  if (encoding !== 'utf-8' && isUtf8(body)) return `The file looks like UTF-8, while INPUT_ENCODING is ${encoding}: convert it (iconv -f UTF-8 -t ${encoding.toUpperCase()}), or set INPUT_ENCODING=utf-8 if all files are like this one`
  return encoding === 'windows-1252'
    ? `The file looks like ISO-8859-1: ${remedy('iso-8859-1')}`
    : `The file looks like Windows-1252 or another encoding of one byte a character: ${remedy('windows-1252')}`
}

/** Whether a hint is about the format of a whole file: its delimiter, encoding or type. Such a hint contains no text of the file. */
export function isFormatHint (hint: string | null): hint is string {
  return hint !== null && /^The (file looks like|fields look separated by) /.test(hint)
}

/** Characters that other programs put between fields. */
const DELIMITERS = { ';': ';', '\t': '\\t', '|': '|', ',': ',' } as const

/** Advice for text that is not CSV, or whose header lacks a declared column; `null` if it is not a known mistake. */
export function hintAtFormat (text: string, { format, delimiter, schema }: { readonly format: InfoFormat, readonly delimiter: string, readonly schema: Schema }): string | null {
  if (text.includes('\0')) return 'The file looks like UTF-16 without a byte order mark: save it as UTF-8, or set INPUT_ENCODING=utf-16'
  const hintAt = (character: string, setting: string) => {
    const remedy = format === 'tsv' ? 'use a tab in the file, or a name that ends in .csv' : `set INPUT_DELIMITER='${setting}', or use ${JSON.stringify(delimiter)} in the file`
    return `The fields look separated by ${JSON.stringify(character)}: ${remedy}`
  }
  const [header = ''] = text.trimStart().split(/[\r\n]/, 1)
  for (const [character, setting] of Object.entries(DELIMITERS)) {
    const names = header.split(character).map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    if (character !== delimiter && names.length > 1 && schema.fileFields.some(({ headers }) => headers.some((name) => names.includes(name)))) {
      return hintAt(character, setting)
    }
  }
  if (/^[[{]/.test(header)) return 'The file looks like JSON: save it as CSV, or give it a name that ends in .json'
  if (header.startsWith('<')) return 'The file looks like HTML or XML: save it as CSV'
  // Its names may be those of another schema.
  const other = header.includes(delimiter) ? undefined : Object.entries(DELIMITERS).find(([character]) => header.includes(character))
  return other === undefined ? null : hintAt(...other)
}

/** Advice for a header that lacks a declared column: the most similar name in it or, if the column may be optional, how to declare that. */
export function hintAtColumn ({ name: field, headers: [missing = field], descriptor }: Field, names: readonly string[], { fileFields, fieldsMatch }: Schema): string | null {
  const others = names.filter((name) => !fileFields.some(({ headers }) => headers.includes(name)))
  const simple = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '')
  const suggestion = others.find((name) => simple(name) === simple(missing)) ?? nearest(missing, others)
  if (suggestion === undefined) return fieldsMatch === 'subset' && !descriptor.constraints?.required ? 'If files may lack this column, add "fieldsMatch": "partial" to the schema' : null
  const text = JSON.stringify(suggestion)
  return `If the column ${text} is meant, rename it to ${missing}, or add ${text} to the header of the field ${field} in the schema`
}

/**
 * Advice for a JSON object that lacks a declared column; `null` unless that column is named as a member of a nested object, such as `address.city`.
 *
 * @param nested the names of the members that are objects or arrays
 */
export function hintAtMember ({ headers }: Field, nested: readonly string[]): string | null {
  const [found] = headers.flatMap((header) => nested.filter((parent) => header.startsWith(`${parent}.`)).map((parent) => ({ header, parent })))
  if (found === undefined) return null
  const { header, parent } = found
  return `${parent} is an object or an array, and its members are not columns: flatten the file, so that it has a member ${JSON.stringify(header)} itself`
}

/** Texts that usually stand for a missing value. */
export const MISSING_WORDS: ReadonlySet<string> = new Set(['NA', 'N/A', 'n/a', '#N/A', 'null', 'NULL', 'None', 'nan', 'NaN', '-', '--', '?', '\\N', 'ø', 'k.A.', 'n.a.', 'N.A.', 'unknown'])

const NO_SUCH_DAY = 'There is no such day'

/** Advice for a value that its column does not accept; `null` if it is not a known mistake. */
export function hintAtValue (field: Field, schema: Schema, text: string): string | null {
  if (text === '') return 'The field is empty; each file needs a value in this column'
  if (MISSING_WORDS.has(text)) return hintAtMissing(field, schema, text)
  if (field.type.name !== 'integer') return hintAtEnum(field, text) ?? hintAtDecimal(field, text) ?? hintAtDate(field, text)
  if (/^-?\d+([.,]\d+)?e[+-]?\d+$/i.test(text)) return 'It looks like scientific notation, as spreadsheets write large numbers: format the column as a number without decimals'
  if (/^-?\d+[.,]\d+$/.test(text)) return 'Write it without decimals'
  if (field !== schema.birth) return null
  if (isImpossibleDay(text)) return NO_SUCH_DAY
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? null : `It looks like a date: write ${date}, the milliseconds since 1970-01-01 UTC`
}

function hintAtMissing ({ descriptor }: Field, schema: Schema, text: string): string | null {
  if (descriptor.constraints?.required) return null
  const missingValues = [...descriptor.missingValues ?? schema.descriptor.missingValues ?? [''], text]
  return `If ${JSON.stringify(text)} stands for a missing value, declare "missingValues": ${JSON.stringify(missingValues)} in the field`
}

function hintAtEnum ({ type, allowed = [] }: Field, text: string): string | null {
  const similar = type.name !== 'string' || allowed.includes(text) ? undefined : nearest(text, allowed.map(String))
  return similar === undefined ? null : `Did you mean ${JSON.stringify(similar)}?`
}

/** Three digits after the only separator may also be a group, so that the number is not known. */
const DECIMALS = /^[+-]?\d+[.,](?!\d{3}$)\d+$/

function hintAtDecimal ({ type, descriptor: { decimalChar = '.' } }: Field, text: string): string | null {
  if (type.name !== 'number' || type.parse(text) !== undefined || !DECIMALS.test(text)) return null
  const corrected = text.replace(/[.,]/, decimalChar)
  return type.parse(corrected) === undefined ? null : `It has a decimal ${text.includes('.') ? 'point' : 'comma'}: write ${JSON.stringify(decimalChar)} instead, or change the decimalChar of the field in the schema`
}

function hintAtDate ({ type, descriptor: { format = 'default' } }: Field, text: string): string | null {
  if ((type.name !== 'date' && type.name !== 'datetime') || type.parse(text) !== undefined) return null
  if (isImpossibleDay(text, format)) return NO_SUCH_DAY
  if (format !== 'default') return /^\d{4}-\d{2}-\d{2}/.test(text) ? `It is written as YYYY-MM-DD: write it as ${format}, or remove the format of the field in the schema` : null
  return /^\d{1,2}\.\d{1,2}\.\d{4}$/.test(text) ? 'Write the year first, as in 2024-01-26, or declare "format": "%d.%m.%Y" in the schema' : null
}

/** Advice for text that is not JSON; `null` if it is not a known mistake. */
export function hintAtJson (text: string): string | null {
  const [first = '', second = ''] = text.trim().split('\n', 2).map((line) => line.trim())
  if (first.endsWith('}') && second.startsWith('{')) return 'The file looks like JSON Lines: write one file for each line'
  if (!/^[[{]/.test(first) && /[,;\t]/.test(first)) return 'The file looks like CSV: give it a name that ends in .csv'
  if (first.startsWith('[')) return 'The file has to contain one JSON object, in braces'
  if (first.startsWith('{') && !text.trimEnd().endsWith('}')) return 'The file may be incomplete: upload it again'
  return null
}

/** Advice for a value of a JSON file that its column does not accept. */
export function hintAtJsonValue (field: Field, schema: Schema, source: string): string | null {
  if (source.startsWith('"')) return hintAtValue(field, schema, JSON.parse(source) as string)
  if (source === 'null') return 'Each file needs a value in this column'
  if (/^[[{]/.test(source)) return 'A declared column has one value: write its parts as columns of their own'
  return field.type.name === 'string' ? 'Write the value in quotes, or declare the type of the column' : null
}
