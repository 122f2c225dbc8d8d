import { gzipSync } from 'node:zlib'
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { INFO_FORMATS, INPUT_ENCODINGS, type InfoFormat, type InputEncoding } from '../../lib/base/info-formats.js'
import type { Value } from '../../lib/schema/field-type.js'
import { parseSchema } from '../../lib/schema/schema.js'

/** A schema with a column of each type. */
export const TYPED_SCHEMA = parseSchema(JSON.stringify({
  fieldsMatch: 'partial',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'count', type: 'integer' },
    { name: 'height', type: 'number' },
    { name: 'on', type: 'boolean' },
    { name: 'day', type: 'date' },
    { name: 'seen', type: 'datetime' }
  ]
}))

/** Characters of ISO-8859-1, so that every encoding has them. Quoted cells keep spaces. Not only white space: a row of such cells would be skipped as empty. */
const text = fc.array(fc.constantFrom('a', ' ', '"', ',', ';', '\t', '\n', '{', '\\', 'é', 'ÿ', '0'), { minLength: 1, maxLength: 6 }).map((units) => units.join('')).filter((text) => text.trim() !== '')
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 4 })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0) && (!Number.isInteger(value) || Number.isSafeInteger(value)))

/** How a file is written. */
export interface FileOptions {
  readonly format: InfoFormat
  readonly encoding: InputEncoding
  readonly delimiter: string
  /** Whether the file begins with a byte order mark, if its encoding has one. */
  readonly hasMark: boolean
  /** Whether numbers and booleans are texts, which makes a difference in JSON. */
  readonly asText: boolean
}

export const fileOptions: fc.Arbitrary<FileOptions> = fc.record({
  format: fc.constantFrom<InfoFormat>(...INFO_FORMATS),
  encoding: fc.constantFrom<InputEncoding>(...INPUT_ENCODINGS),
  delimiter: fc.constantFrom(',', ';', '\t', '||'),
  hasMark: fc.boolean(),
  asText: fc.boolean()
})

/** The values of a record of TYPED_SCHEMA, and that of the undeclared column `city`. */
export interface FileContent {
  readonly values: readonly Value[]
  readonly city: string | null
}

/** Dates are days and datetimes are milliseconds since 1970-01-01 UTC, with years of at most four digits. */
export const fileContent: fc.Arbitrary<FileContent> = fc.record({
  values: fc.tuple(orNull(text), orNull(fc.maxSafeInteger()), orNull(number), orNull(fc.boolean()), orNull(fc.integer({ min: -700_000, max: 2_900_000 })), orNull(fc.integer({ min: -60e12, max: 250e12 }))),
  city: orNull(text)
})

/** Whether the file would have a row without any text, which is skipped. */
export function isBlank ({ values, city }: FileContent, { format }: FileOptions): boolean {
  return format !== 'json' && city === null && values.every((value) => value === null)
}

/** A value as a file has it: in JSON, numbers and booleans may also be texts. */
function written (value: Value, i: number, asText: boolean): string | number | boolean | null {
  const { type } = TYPED_SCHEMA.fileFields[i]!
  if (value === null) return null
  return asText || typeof value === 'string' || ['date', 'datetime'].includes(type.name) ? type.format(value) : value
}

/** The text of an info file. */
export function writeInfoFile ({ values, city }: FileContent, { format, delimiter, asText }: FileOptions): string {
  const names = [...TYPED_SCHEMA.fileFields.map(({ name }) => name), 'city']
  const cells = [...values.map((value, i) => written(value, i, asText || format !== 'json')), city]
  return format === 'json'
    ? JSON.stringify(Object.fromEntries(names.map((name, i) => [name, cells[i]])))
    : stringify([names, cells], { delimiter: format === 'tsv' ? '\t' : delimiter, quoted_string: true })
}

/** The bytes of an info file, before compression. */
export function encodeText (text: string, { encoding, hasMark }: FileOptions): Buffer {
  if (encoding === 'utf-16') return Buffer.from((hasMark ? '\ufeff' : '') + text, 'utf16le')
  return encoding === 'utf-8' ? Buffer.from((hasMark ? '\ufeff' : '') + text) : Buffer.from(text, 'latin1')
}

/** The bytes of the object: those of the file, compressed if its format is. */
export function pack (bytes: Buffer, { format }: FileOptions): Buffer {
  return format === 'csv.gz' ? gzipSync(bytes) : bytes
}
