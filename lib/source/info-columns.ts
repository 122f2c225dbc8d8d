import type { InfoFormat, InputEncoding } from '../base/info-formats.js'
import type { RecordFields } from '../schema/record.js'
import type { Field, Schema } from '../schema/schema.js'
import { hintAtColumn } from './hint.js'
import { rejection, type Rejection } from './reject.js'
import { MAX_FILE_COLUMNS } from './rules.js'

/** The fields of an info file, or why it is rejected. */
export type ParsedFile =
  | { readonly data: RecordFields, readonly rejection?: never }
  | { readonly rejection: Rejection, readonly data?: never }

export interface ParseOptions {
  readonly format: InfoFormat
  readonly encoding: InputEncoding
  /** Between the fields of a CSV file; one or more characters. */
  readonly delimiter: string
  readonly schema: Schema
  /** The name of the file without its extension, which a column named like the key field has to repeat. */
  readonly id: string
}

/** What each column of a file is: a declared column, by its position in `schema.fileFields`, or one of the numbers below. */
export type Targets = readonly number[]
export const UNDECLARED = -1
export const KEY = -2

/** Where the names of the columns are, for messages. */
export interface HeaderPlace {
  readonly place: 'header' | 'object'
  readonly line: number | null
  /** What separates the names in the file, for excerpts. */
  readonly delimiter: string
  /** A better hint than a similar name, if a column is missing. */
  readonly hint: (missing: Field) => string | null
}

/** What each column is, or why the names are invalid. */
export function readHeader (names: readonly string[], schema: Schema, { place, line, delimiter, hint }: HeaderPlace): Targets | Rejection {
  const tooMany = () => rejection('too_many_columns', `The file has ${names.length} columns; must have at most ${MAX_FILE_COLUMNS} that the schema does not declare`, {
    line, hint: 'Declare the columns that you need in the schema, or remove columns from the file'
  })
  // Checked before the names are compared, which takes quadratic time. Besides all other columns, a file may have that of the key.
  if (names.length > MAX_FILE_COLUMNS + schema.fileFields.length + 1) return tooMany()
  const excerpt = names.join(delimiter)
  if (names.includes('')) return rejection('empty_header', 'A column has no name', { line, excerpt })
  const targets = names.map((name) => targetOf(name, schema))
  if (targets.filter((target) => target === UNDECLARED).length > MAX_FILE_COLUMNS) return tooMany()
  const duplicate = names.find((name, i) => names.indexOf(name) !== i || (targets[i]! !== UNDECLARED && targets.indexOf(targets[i]!) !== i))
  if (duplicate !== undefined) {
    const other = names.find((name) => targetOf(name, schema) === targetOf(duplicate, schema))!
    const isSame = names.indexOf(duplicate) !== names.lastIndexOf(duplicate)
    const detail = isSame ? `Two columns have the name ${duplicate}` : `The columns ${other} and ${duplicate} are the same column of the schema`
    return rejection('duplicate_header', detail, { line, column: duplicate })
  }
  const reserved = names.find((name, i) => targets[i] === UNDECLARED && schema.fields.some((field) => field.name === name || (field.source === 'image' && field.headers.includes(name))))
  if (reserved !== undefined) {
    const field = schema.fields.find(({ name, headers }) => name === reserved || headers.includes(reserved))!
    const [origin, hint] = field.source === 'file'
      ? [`is read from ${field.headers.join(' or ')}`, `Rename it to ${field.headers[0]}, or add ${reserved} to the header of the field ${field.name} in the schema`]
      : ['comes from the object keys, not from a file', 'Remove it from the file']
    return rejection('reserved_header', `The column ${reserved} ${origin}`, { hint, line, column: reserved })
  }
  const missing = missingField(targets, schema)
  if (missing !== undefined) {
    const [column = missing.name] = missing.headers
    return rejection('missing_column', `The ${place} has no column ${missing.headers.join(' or ')}`, { hint: hint(missing) ?? hintAtColumn(missing, names, schema), line, column, excerpt })
  }
  return checkMatch(names, targets, schema, line, excerpt) ?? targets
}

function targetOf (name: string, { fileFields, key }: Schema): number {
  const declared = fileFields.findIndex(({ headers }) => headers.includes(name))
  return declared === -1 && key.headers.includes(name) ? KEY : declared
}

/** A declared column that the file has to have and lacks. */
function missingField (targets: Targets, { fileFields, fieldsMatch }: Schema): Field | undefined {
  const needsAll = fieldsMatch === 'exact' || fieldsMatch === 'equal' || fieldsMatch === 'subset'
  if (fieldsMatch === 'partial' && !targets.some((target) => target >= 0)) return fileFields[0]
  return fileFields.find((field, i) => !targets.includes(i) && (needsAll || field.descriptor.constraints?.required))
}

/** Rejects what `fieldsMatch` excludes besides missing columns: undeclared columns, and another order. */
function checkMatch (names: readonly string[], targets: Targets, { fieldsMatch }: Schema, line: number | null, excerpt: string): Rejection | undefined {
  if (fieldsMatch === 'subset' || fieldsMatch === 'partial') return undefined
  const undeclared = names.find((_, i) => targets[i] === UNDECLARED)
  if (undeclared !== undefined) {
    return rejection('wrong_columns', `The schema does not declare the column ${undeclared}, and has fieldsMatch ${fieldsMatch}`, { line, column: undeclared })
  }
  const declared = targets.filter((target) => target >= 0)
  if (fieldsMatch !== 'exact' || declared.every((target, i) => target === i)) return undefined
  return rejection('wrong_columns', 'The columns are not in the order of the schema, which has fieldsMatch exact', { line, excerpt })
}
