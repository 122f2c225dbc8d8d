import { createHash } from 'node:crypto'
import { jsonErrorIndex, placeAt } from '../base/json-error.js'
import { checkDescriptor, createFieldType, DEFAULT_KEY_NAME, isBirthField, toOneLine } from './check-descriptor.js'
import type { FieldDescriptor, FieldsMatch, SchemaDescriptor } from './descriptor.js'
import type { FieldType, Value } from './field-type.js'
import { enumValues, jsonReader, missingTexts, textReader, type ReadValue } from './read-value.js'

/** One declared column, ready to read and write its values. */
export interface Field {
  readonly name: string
  readonly descriptor: FieldDescriptor
  readonly type: FieldType
  /** Where its values come from: a column of the info file, the name of the file without its extension, or the key of an attachment. */
  readonly source: 'file' | 'key' | 'image'
  /** The names that the column may have in files. */
  readonly headers: readonly string[]
  /** The declared extensions of an image field; `undefined` if those of the settings apply. */
  readonly extensions: readonly string[] | undefined
  /** The values of the constraint `enum`; `undefined` if any value is allowed. */
  readonly allowed: readonly NonNullable<Value>[] | undefined
  /** Reads the text of a cell, trimmed unless the type is string. */
  read (text: string): ReadValue
  /** Reads a value of a JSON file. */
  readJson (value: unknown): ReadValue
}

/** A compiled schema. */
export interface Schema {
  readonly descriptor: SchemaDescriptor
  /** Identifies the schema: a snapshot made with another one is not used. */
  readonly id: string
  /** In declared order; the key field first if the file declares none. */
  readonly fields: readonly Field[]
  readonly key: Field
  /** The field that ages are computed from; `undefined` if there are no ages. */
  readonly birth: Field | undefined
  /** The fields whose source is `file`: the declared columns of info files. */
  readonly fileFields: readonly Field[]
  /** The fields whose source is `image`. `/image` and `image_exists` are about the first one. */
  readonly imageFields: readonly Field[]
  readonly fieldsMatch: FieldsMatch
}

/** Thrown for a schema that cannot be used: one line for each mistake. */
export class SchemaError extends Error {
  constructor (mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.name = 'SchemaError'
  }
}

const DEFAULT_KEY: FieldDescriptor = { name: DEFAULT_KEY_NAME, type: 'string', source: 'key' }
const DEFAULT_MISSING_VALUES = ['']

/** Reads the text of a schema file, which may begin with a byte order mark. @throws SchemaError */
export function parseSchema (json: string): Schema {
  const text = json.replace(/^\uFEFF/, '')
  let descriptor: unknown
  try {
    descriptor = JSON.parse(text)
  } catch (error) {
    throw new SchemaError([describeJsonError(text, error as Error)])
  }
  const mistakes = checkDescriptor(descriptor)
  if (mistakes.length > 0) throw new SchemaError(mistakes)
  return compileSchema(descriptor as SchemaDescriptor)
}

/** Describes the error in the same words on all versions of Node, although some add the position, the line and the column to some messages. */
function describeJsonError (text: string, error: Error): string {
  const { line, column } = placeAt(text, jsonErrorIndex(text, error))
  const message = error.message.replace(/ at position \d+(?: \(line \d+ column \d+\))?$/, '').replaceAll(/\s+/g, ' ')
  return toOneLine(`the file is not JSON: line ${line}, column ${column}: ${message}`)
}

const compiled = new WeakMap<SchemaDescriptor, Schema>()

/** Compiles a descriptor that `checkDescriptor` accepts. The same object is compiled once. */
export function compileSchema (descriptor: SchemaDescriptor): Schema {
  let schema = compiled.get(descriptor)
  if (schema === undefined) compiled.set(descriptor, schema = compile(descriptor))
  return schema
}

function compile (descriptor: SchemaDescriptor): Schema {
  const { missingValues = DEFAULT_MISSING_VALUES } = descriptor
  const declared = descriptor.fields.map((field) => compileField(field, missingValues))
  const fields = declared.some(({ source }) => source === 'key') ? declared : [compileField(DEFAULT_KEY, missingValues), ...declared]
  return {
    descriptor,
    id: createHash('sha256').update(JSON.stringify(descriptor)).digest('base64url').slice(0, 22),
    fields,
    key: fields.find(({ source }) => source === 'key')!,
    birth: fields.find((field) => isBirthField(field.descriptor)),
    fileFields: fields.filter(({ source }) => source === 'file'),
    imageFields: fields.filter(({ source }) => source === 'image'),
    fieldsMatch: [descriptor.fieldsMatch ?? 'subset'].flat()[0]!
  }
}

function compileField (descriptor: FieldDescriptor, missingValues: NonNullable<SchemaDescriptor['missingValues']>): Field {
  const { name, header = name, source = 'file', extensions, constraints = {} } = descriptor
  const type = createFieldType(descriptor)
  // The missing values of a field replace those of the schema.
  const read = textReader(type, descriptor, missingTexts(source === 'key' ? [] : descriptor.missingValues ?? missingValues))
  return { name, descriptor, type, source, headers: [header].flat(), extensions, allowed: enumValues(type, constraints), read, readJson: jsonReader(type, descriptor, read) }
}
