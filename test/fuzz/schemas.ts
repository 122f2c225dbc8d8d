import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checkDescriptor } from '../../lib/schema/check-descriptor.js'
import { FIELDS_MATCH, type FieldDescriptor, type SchemaDescriptor } from '../../lib/schema/descriptor.js'
import { TYPE_NAMES, type TypeName } from '../../lib/schema/field-type.js'
import { parseSchema, SchemaError, type Field, type Schema } from '../../lib/schema/schema.js'
import { parseInfoFile } from '../../lib/source/info-file.js'
import { readReference } from '../support/info-file-reference.js'
import { mutateText, mutations } from '../support/mutations.js'
import type { Target } from './target.js'

const NAMES = ['a', 'b', 'user_id', 'Größe', 'x y', '__proto__', 'constructor', 'where', 'a,b', 'a=b', '😀', 'a\nb', '"']
/** Texts that are values of at least one type, or nearly. */
const CELLS = ['', 'NA', '0', '-0', '1', '2', '-1', '1.5', '1,5', '1.234,5', '1 234', '€ 7', '1e3', '9007199254740993', '8640000000000001', 'true', 'yes', 'no', '2024-02-29', '2023-02-29', '29/2/24', '2024-01-26T12:00:00Z', '2024-060', '01 Jan 2024', 'ab', 'é', ' ', 'a\u2028b']
const FORMATS = ['default', '%Y-%m-%d', '%d/%m/%y', '%Y-%j', '%d %b %Y', '%B %d, %Y', '%Y%m%d%%', '%Y-%m-%dT%H:%M:%S.%f%z', '(%Y)[%m]{%d}|\\']
/** Values that no property of a schema accepts, or only some properties. */
const ODD: readonly unknown[] = [
  null, true, 0, -1, 0.5, 1e300, '', ' ', 'a ', '\n', '\0', '\ud83d', '😀', '__proto__', 'a\nb', '%', '%\n', '%Y', '%Q', 'any', '(', '(?<a>b)\\k<c>', '(?:x{1000}){1000}', 'a{99999}', '[', [], {}, [[]], ['a', 'a'], ['\n'], [null],
  { toString: 1 }, { value: 'x' }, { value: '' }, { value: 1 }, { required: true, pattern: '(' }, { minimum: 9e15 }, { enum: [{}] }, { minimum: '1', maximum: '0' }, { minLength: 2, maxLength: 1 }
]
const PROPERTIES = ['fields', 'name', 'type', 'title', 'description', 'format', 'decimalChar', 'groupChar', 'bareNumber', 'trueValues', 'falseValues', 'missingValues', 'header', 'role', 'source', 'extensions', 'constraints', 'example', 'rdfType', 'fieldsMatch', 'primaryKey', 'unique', '__proto__', 'toString', 'x\ny', '']
/** What has a meaning in the JSON of a schema. */
const TOKENS = ['{', '}', '[', ']', ',', ':', '"', '\\', '\\n', '\\u0000', '\\ud83d', 'null', 'true', '0', '1e999', '""', '"name":', '"type":"integer"', ',"role":"birth"', ',"source":"key"', ',"source":"image"', '"fields":', '"__proto__":{}', '\ufeff']

const text = fc.constantFrom(...NAMES)
const cell = fc.constantFrom(...CELLS)
const subset = (values: readonly string[]) => fc.subarray([...values], { minLength: 1 })
const optional = <T extends object>(record: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(record, { requiredKeys: [] })

/** The bounds that a type has, in order. */
const BOUNDS: Readonly<Partial<Record<TypeName, readonly unknown[]>>> = { integer: [-1, 0, '1', 2], number: [-0.5, 0, '1', 1e9], date: ['1999-12-31', '2024-02-29'], datetime: ['1999-12-31T00:00:00Z', '2024-02-29T00:00:00Z'] }

function constraintsOf (type: TypeName): fc.Arbitrary<object> {
  const bounds = BOUNDS[type]
  return optional<Record<string, unknown>>({
    required: fc.boolean(),
    pattern: fc.constantFrom('.*', '[0-9]+', 'a|b', '\\p{L}*', ''),
    ...type === 'string' && { minLength: fc.constantFrom(0, 1), maxLength: fc.constantFrom(1, 10), enum: subset(CELLS) },
    ...bounds !== undefined && { minimum: fc.constantFrom(...bounds.slice(0, 2)), maximum: fc.constantFrom(...bounds.slice(1)), exclusiveMaximum: fc.constantFrom(...bounds), enum: fc.subarray([...bounds], { minLength: 1 }) }
  })
}

/** The properties of a valid field, without those that depend on other fields. */
function fieldOf (type: TypeName): fc.Arbitrary<Partial<FieldDescriptor>> {
  const isTime = type === 'date' || type === 'datetime'
  const options = {
    ...isTime && { format: fc.constantFrom(...FORMATS) },
    ...type === 'number' && { decimalChar: fc.constantFrom(',', '·'), groupChar: fc.constantFrom(' ', '\'', '\u202f') },
    ...(type === 'integer' || type === 'number') && { bareNumber: fc.boolean() },
    ...type === 'boolean' && { trueValues: fc.constantFrom(['yes'], ['1', 'ja']), falseValues: fc.constantFrom(['no'], ['0', '']) },
    missingValues: fc.constantFrom([''], ['', 'NA'], [{ value: 'NA', label: 'none' }], [])
  }
  return fc.tuple(optional<Record<string, unknown>>(options), constraintsOf(type), fc.boolean()).map(([options, constraints, hasConstraints]) => ({
    type, ...options, ...hasConstraints && !('format' in options) && { constraints }
  }))
}

const field = fc.constantFrom(...TYPE_NAMES).chain(fieldOf)

/** A valid schema. */
const descriptor: fc.Arbitrary<SchemaDescriptor> = fc.record({
  names: fc.subarray(NAMES.filter((name) => name !== 'user_id'), { minLength: 1, maxLength: 5 }),
  fields: fc.array(field, { minLength: 5, maxLength: 5 }),
  birth: fc.boolean(),
  hasKey: fc.boolean(),
  images: fc.constantFrom([], [{ name: 'photo', type: 'string', source: 'image' }], [{ name: 'photo', type: 'string', source: 'image', extensions: ['front.png', 'gif'] }]),
  other: optional<object>({ fieldsMatch: fc.constantFrom(...FIELDS_MATCH), missingValues: fc.constantFrom([''], ['NA', '']), title: text, unknown: fc.constantFrom(...ODD) } as object)
}).map(({ names, fields, birth, hasKey, images, other }) => ({
  fields: [
    ...names.map((name, i) => ({ name, ...fields[i]!, ...birth && i === 0 && ['integer', 'date', 'datetime'].includes(fields[i]!.type!) && { role: 'birth' } })),
    ...hasKey ? [{ name: 'user_id', type: 'string', source: 'key' }] : [],
    ...images
  ],
  ...other
} as SchemaDescriptor))

/** A change of one property somewhere in a schema. */
const change = fc.record({ field: fc.nat(8), property: fc.constantFrom(...PROPERTIES), isConstraint: fc.boolean(), value: fc.constantFrom(...ODD) })

/** Returns the JSON of a schema in which some properties have other values. */
function changed (descriptor: SchemaDescriptor, changes: readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[]): string {
  const copy = JSON.parse(JSON.stringify(descriptor)) as Record<string, unknown>
  for (const { field, property, isConstraint, value } of changes) {
    const fields = copy['fields']
    const found: unknown = Array.isArray(fields) ? fields[field] : undefined
    const target = typeof found !== 'object' || found === null ? copy : found as Record<string, unknown>
    const inner = isConstraint ? target['constraints'] ??= {} : target
    if (typeof inner === 'object' && inner !== null) Object.defineProperty(inner, property, { value, enumerable: true, configurable: true, writable: true })
  }
  return JSON.stringify(copy)
}

const isOneLine = (text: string) => !/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/u.test(text)

/** Reads a schema. Returns `undefined` if it has mistakes, which must be clear. */
function read (json: string): Schema | undefined {
  try {
    return parseSchema(json)
  } catch (error) {
    assert.ok(error instanceof SchemaError, `${json}: ${(error as Error).stack}`)
    let descriptor: unknown
    try {
      descriptor = JSON.parse(json.replace(/^\uFEFF/, ''))
    } catch {
      assert.ok(isOneLine(error.message), `${json}: ${JSON.stringify(error.message)}`)
      return undefined
    }
    const mistakes = checkDescriptor(descriptor)
    assert.ok(mistakes.length > 0, json)
    for (const mistake of mistakes) assert.ok(isOneLine(mistake) && /^(.+?: .|the schema must be )/.test(mistake), `${json}: ${JSON.stringify(mistake)}`)
    return undefined
  }
}

/** A file: its values, from which each field takes one, and the index of the field that has no column (-1: each field has one). */
const file = fc.record({ cells: fc.array(cell, { minLength: 12, maxLength: 12 }), gap: fc.constantFrom(-1, 0, 1, 2), isJson: fc.boolean(), asText: fc.boolean() })

function write ({ fileFields }: Schema, { cells, gap, isJson, asText }: typeof file extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const columns = fileFields.flatMap((field, i): [string, string][] => i === gap ? [] : [[field.headers[0]!, valueFor(field, cells[i % cells.length]!, i)]])
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
  const member = ([name, text]: [string, string]) => `${JSON.stringify(name)}:${!asText && /^(true|-?(0|[1-9]\d*)(\.\d+)?)$/.test(text) ? text : JSON.stringify(text)}`
  return Buffer.from(isJson ? `{${columns.map(member).join()}}` : [0, 1].map((row) => columns.map((column) => quote(column[row]!)).join()).join('\n'))
}

/** Every third value is one of the enum, so that not all files are rejected. */
function valueFor ({ descriptor: { constraints } }: Field, cell: string, i: number): string {
  return constraints?.enum !== undefined && i % 3 === 0 ? String(constraints.enum[0]) : cell
}

const source = fc.oneof(
  { weight: 3, arbitrary: descriptor.map((descriptor) => ({ json: JSON.stringify(descriptor), isValid: true })) },
  { weight: 4, arbitrary: fc.tuple(descriptor, fc.array(change, { minLength: 1, maxLength: 3 })).map(([descriptor, changes]) => ({ json: changed(descriptor, changes), isValid: false })) },
  { weight: 2, arbitrary: fc.tuple(descriptor, mutations(TOKENS)).map(([descriptor, changes]) => ({ json: mutateText(JSON.stringify(descriptor), changes), isValid: false })) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => ({ json: JSON.stringify(value), isValid: false })) }
)

const property = fc.property(source, fc.array(file, { minLength: 1, maxLength: 4 }), ({ json, isValid }, files) => {
  const schema = read(json)
  if (isValid) assert.ok(schema !== undefined, `a valid schema has mistakes: ${json}: ${checkDescriptor(JSON.parse(json)).join('; ')}`)
  for (const file of schema === undefined ? [] : files) {
    const bytes = write(schema!, file)
    const options = { format: file.isJson ? 'json' : 'csv', encoding: 'utf-8', delimiter: ',', schema: schema!, id: '1' } as const
    const { data, rejection } = parseInfoFile(bytes, options)
    const expected = readReference(bytes, options)
    const about = `${JSON.stringify(String(bytes))} with ${json}`
    assert.equal(rejection === undefined, expected !== undefined, `${rejection?.code}: ${rejection?.detail}, for ${about}`)
    if (rejection !== undefined) {
      assert.doesNotMatch(rejection.detail, /undefined|\p{Surrogate}/u, about)
      continue
    }
    assert.deepEqual(data!.values, expected!.values, about)
    for (const [i, value] of data!.values.entries()) if (value !== null) assert.doesNotThrow(() => JSON.parse(schema!.fileFields[i]!.type.toJson(value)), about)
  }
})

export const schemas: Target = {
  name: 'schemas',
  about: 'schemas, valid and damaged: each is compiled or has clear mistakes of one line, and what is compiled reads files as a plain reference does',
  runs: 1000,
  open: async () => ({ property })
}
