import { INFO_FORMATS } from '../base/info-formats.js'
import { nearest } from '../base/nearest.js'
import { findPatternMistake, isImpossibleDay } from './date-pattern.js'
import { BIRTH_DATE_TYPES, FIELDS_MATCH, type FieldDescriptor, type SchemaDescriptor } from './descriptor.js'
import { TYPE_NAMES, type FieldType, type TypeName } from './field-type.js'
import { FALSE_VALUES, TRUE_VALUES } from './types/boolean.js'
import { createType } from './types/index.js'
import { timestampType } from './types/timestamp.js'

/** Returns what is accepted if the value is not valid, to follow "must be"; `undefined` if it is. */
type Check = (value: unknown) => string | undefined

const must = (accepts: string, isValid: (value: unknown) => boolean): Check => (value) => isValid(value) ? undefined : accepts
const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isTrimmed = (value: unknown) => isText(value) && (value as string).trim() === value && !/\p{Surrogate}/u.test(value as string)
const isList = (isItem: (item: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isItem) && new Set(value).size === value.length
const oneOf = (values: readonly string[]) => must(`one of ${values.join(', ')}`, (value) => values.includes(value as string))
const typeName = oneOf(TYPE_NAMES)
const anything: Check = () => undefined
const text = must('a non-empty text', isText)
const cells = must('a list of different texts without white space around them', isList((value) => typeof value === 'string' && value.trim() === value))
const flag = must('true or false', (value) => typeof value === 'boolean')
const count = must('an integer of at least 0', (value) => Number.isSafeInteger(value) && Number(value) >= 0)
const character = must('one character that is not a digit, a sign or a letter', (value) => typeof value === 'string' && /^[^\d+\-a-zA-Z]$/u.test(value))
const missing = must('a list of different texts, or of objects {"value", "label"} with different values', (value) => Array.isArray(value) && isMissingValues(value))
const pattern = must('a JavaScript regular expression', (value) => typeof value === 'string' && isRegex(value))
const isInfoFormat = (value: string) => (INFO_FORMATS as readonly string[]).includes(value)
const extension = (value: unknown) => typeof value === 'string' && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(value) && !isInfoFormat(value)

const SCHEMA_CHECKS: Readonly<Record<string, Check>> = {
  title: text,
  description: text,
  fieldsMatch: must(`one of ${FIELDS_MATCH.join(', ')}`, (value) => FIELDS_MATCH.includes((Array.isArray(value) && value.length === 1 ? value[0] : value) as never)),
  missingValues: missing,
  primaryKey: must('a text or a list of different texts', (value) => isText(value) || isList(isText)(value)),
  fields: must('a list of at least one field', (value) => Array.isArray(value) && value.length > 0)
}

const FIELD_CHECKS: Readonly<Record<string, Check>> = {
  name: must('a non-empty text without white space around it, in valid Unicode', isTrimmed),
  type: (value) => value === 'image' ? `${typeName(value)}; an image is a string with "source": "image"` : typeName(value),
  title: text,
  description: text,
  format: text,
  decimalChar: character,
  groupChar: character,
  bareNumber: flag,
  trueValues: cells,
  falseValues: cells,
  missingValues: missing,
  header: must('a text or a list of different texts, without white space around them, in valid Unicode', (value) => isTrimmed(value) || isList(isTrimmed)(value)),
  role: oneOf(['birth']),
  source: oneOf(['key', 'image']),
  extensions: must(`a list of different extensions such as png or front.jpg, in lower case, without a leading dot, and not those of info files (${INFO_FORMATS.join(', ')})`, isList(extension)),
  constraints: must('an object', isObject),
  example: anything,
  rdfType: text,
  categories: anything,
  categoriesOrdered: anything
}

const CONSTRAINT_CHECKS: Readonly<Record<string, Check>> = {
  required: flag,
  minimum: anything,
  maximum: anything,
  exclusiveMinimum: anything,
  exclusiveMaximum: anything,
  minLength: count,
  maxLength: count,
  enum: must('a list of at least one value', (value) => Array.isArray(value) && value.length > 0),
  pattern
}

/** The name of the key field of a schema that declares none. */
export const DEFAULT_KEY_NAME = 'user_id'

/** Properties of the standard that this service does not support. They are mistakes: to ignore them would be to accept values that they exclude. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  foreignKeys: 'foreignKeys is not supported: every file is checked by itself',
  uniqueKeys: 'uniqueKeys is not supported: every file is checked by itself',
  unique: 'unique is not supported: every file is checked by itself',
  jsonSchema: 'jsonSchema is not supported: there are no object columns'
}

/** Properties that apply to some types only. */
const TYPES_OF_PROPERTY: Readonly<Record<string, readonly TypeName[]>> = {
  decimalChar: ['number'],
  groupChar: ['integer', 'number'],
  bareNumber: ['integer', 'number'],
  trueValues: ['boolean'],
  falseValues: ['boolean']
}
const TYPES_OF_CONSTRAINT: Readonly<Record<string, readonly TypeName[]>> = {
  minLength: ['string'],
  maxLength: ['string'],
  minimum: ['integer', 'number', 'date', 'datetime'],
  maximum: ['integer', 'number', 'date', 'datetime'],
  exclusiveMinimum: ['integer', 'number', 'date', 'datetime'],
  exclusiveMaximum: ['integer', 'number', 'date', 'datetime']
}

/** Returns one line for each mistake in a schema file; none if it can be compiled. */
export function checkDescriptor (descriptor: unknown): string[] {
  return findMistakes(descriptor).map(toOneLine)
}

/** Escapes line breaks, control characters and halves of surrogate pairs, which names and patterns may contain. */
export function toOneLine (text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function findMistakes (descriptor: unknown): string[] {
  if (!isObject(descriptor)) return ['the schema must be a JSON object with a list of fields']
  const mistakes = checkProperties(descriptor, SCHEMA_CHECKS, { isOpen: true })
  if (!Array.isArray(descriptor['fields'])) return descriptor['fields'] === undefined ? [...mistakes, 'fields: is missing; must be a list of at least one field'] : mistakes
  const fields: readonly unknown[] = descriptor['fields']
  const ofFields = fields.flatMap((field, i) => checkField(field).map((mistake) => `${placeOf(field, i)}: ${mistake}`))
  if (mistakes.length + ofFields.length > 0) return [...mistakes, ...ofFields]
  return checkTogether(descriptor as unknown as SchemaDescriptor)
}

function checkField (field: unknown): string[] {
  if (!isObject(field)) return ['must be an object']
  const mistakes = ['name', 'type'].filter((name) => field[name] === undefined).map((name) => `${name} is missing`)
  mistakes.push(...checkProperties(field, FIELD_CHECKS))
  if (isObject(field['constraints'])) mistakes.push(...checkProperties(field['constraints'], CONSTRAINT_CHECKS).map((mistake) => `constraints.${mistake}`))
  return mistakes.length > 0 ? mistakes : checkFieldByType(field as unknown as FieldDescriptor)
}

/** @param isOpen whether unknown properties are accepted, unless their names are one edit away from a known one, or equal to it but for case */
function checkProperties (object: Readonly<Record<string, unknown>>, checks: Readonly<Record<string, Check>>, { isOpen = false } = {}): string[] {
  return Object.entries(object).flatMap(([name, value]) => {
    if (Object.hasOwn(UNSUPPORTED, name)) return UNSUPPORTED[name]!
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) return isOpen && nearest(name, Object.keys(checks), 1) === undefined ? [] : unknownProperty(name, checks)
    const accepts = check(value)
    return accepts === undefined ? [] : `${name}: got ${JSON.stringify(value)}; must be ${accepts}`
  })
}

function unknownProperty (name: string, checks: Readonly<Record<string, Check>>): string {
  if (checks === FIELD_CHECKS && Object.hasOwn(CONSTRAINT_CHECKS, name)) return `${name}: unknown property of a field; write it in its constraints`
  const similar = nearest(name, Object.keys(checks))
  return `${name}: unknown property; ${similar === undefined ? `the accepted ones are ${Object.keys(checks).join(', ')}` : `did you mean ${similar}?`}`
}

/** Mistakes that depend on the type: in the format, the options, the constraints and the role. */
function checkFieldByType (field: FieldDescriptor): string[] {
  const { type, format = 'default', constraints = {}, source, extensions } = field
  const mistakes: string[] = []
  if (format !== 'default') mistakes.push(...checkFormat(type, format))
  const misplaced = (object: object, types: Readonly<Record<string, readonly TypeName[]>>) => Object.keys(object).filter((name) => types[name]?.includes(type) === false)
  for (const name of misplaced(field, TYPES_OF_PROPERTY)) mistakes.push(`${name}: applies to ${TYPES_OF_PROPERTY[name]!.join(' and ')} only, and the type is ${type}`)
  for (const name of misplaced(constraints, TYPES_OF_CONSTRAINT)) mistakes.push(`constraints.${name}: does not apply to the type ${type}`)
  if (isBirthField(field) && !['integer', 'date', 'datetime'].includes(type)) {
    mistakes.push(`role: birth needs the type integer (milliseconds since 1970-01-01 UTC), date or datetime, and the type is ${type}`)
  }
  if (source !== undefined && type !== 'string') mistakes.push(`type: got ${JSON.stringify(type)}; must be string, as the values are taken from object keys`)
  const ofFiles = source === undefined ? [] : (['missingValues', ...source === 'image' ? ['header', 'constraints'] as const : []] as const)
  for (const name of ofFiles) if (field[name] !== undefined) mistakes.push(`${name}: does not apply to fields with source ${source}, whose values are taken from object keys`)
  mistakes.push(...findAmbiguity(field))
  if (source !== 'image' && extensions !== undefined) mistakes.push('extensions: applies to fields with source image only')
  return mistakes.length > 0 ? mistakes : checkConstraintValues(field)
}

function checkFormat (type: TypeName, format: string): string[] {
  if (type !== 'date' && type !== 'datetime') return [`format: got ${JSON.stringify(format)}; must be default for the type ${type}`]
  if (format === 'any') return ['format: any is not supported, as the same text would be read in different ways; give a pattern such as %d/%m/%Y']
  const mistake = findPatternMistake(format)
  return mistake === undefined ? [] : [`format: the pattern ${JSON.stringify(format)} ${mistake}`]
}

function checkConstraintValues (field: FieldDescriptor): string[] {
  const type = createFieldType(field)
  const { enum: values = [], ...constraints } = field.constraints ?? {}
  const bounds = (['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const).flatMap((name) => constraints[name] === undefined ? [] : [[name, constraints[name]] as const])
  const valueOf = (value: unknown) => typeof value === 'string' ? type.parse(value) : typeof value === 'number' || typeof value === 'boolean' ? type.fromJson(value) : undefined
  const dayHint = (value: unknown) => (type.name === 'date' || type.name === 'datetime') && isImpossibleDay(String(value), field.format) ? '; there is no such day' : ''
  const mistakes = [...bounds, ...values.map((value) => ['enum', value] as const)]
    .filter(([, value]) => valueOf(value) === undefined)
    .map(([name, value]) => `constraints.${name}: got ${JSON.stringify(value)}; must be ${type.accepts}${dayHint(value)}`)
  if (mistakes.length > 0) return mistakes
  const { minimum, maximum, minLength = 0, maxLength = Infinity } = constraints
  const isEmpty = minimum !== undefined && maximum !== undefined && type.compare(valueOf(minimum)!, valueOf(maximum)!) > 0
  return [
    ...isEmpty ? [`constraints.minimum: got ${JSON.stringify(minimum)}, which is more than the maximum ${JSON.stringify(maximum)}`] : [],
    ...minLength > maxLength ? [`constraints.minLength: got ${minLength}, which is more than the maxLength ${maxLength}`] : []
  ]
}

/** A mistake in options with which a text in a file could be read in two ways. */
function findAmbiguity ({ type, decimalChar = '.', groupChar, trueValues = TRUE_VALUES, falseValues = FALSE_VALUES }: FieldDescriptor): string[] {
  if (type === 'number' && groupChar === decimalChar) return [`groupChar: got ${JSON.stringify(groupChar)}, which is the decimalChar, too; must be another character`]
  const both = type === 'boolean' ? trueValues.find((text) => falseValues.includes(text)) : undefined
  return both === undefined ? [] : [`trueValues: ${JSON.stringify(both)} is one of the falseValues, too (the defaults are ${[...TRUE_VALUES, ...FALSE_VALUES].join(', ')})`]
}

/** Mistakes between fields: names, headers, the key, the role and extensions must be unique. */
function checkTogether ({ fields, primaryKey }: SchemaDescriptor): string[] {
  const mistakes: string[] = []
  const twice = (values: readonly string[]) => values.find((value, i) => values.indexOf(value) !== i)
  const keys = fields.filter((field) => field.source === 'key')
  const names = [...keys.length === 0 ? [DEFAULT_KEY_NAME] : [], ...fields.map((field) => field.name)]
  const name = twice(names)
  const implied = keys.length === 0 && name === DEFAULT_KEY_NAME ? ', which is the name of the key field if no field has the source key' : ''
  if (name !== undefined) mistakes.push(`fields: two fields have the name ${JSON.stringify(name)}${implied}`)
  const header = name !== undefined ? undefined : twice(fields.filter((field) => field.source !== 'image').flatMap((field) => [...new Set([field.header ?? field.name].flat())]))
  if (header !== undefined) mistakes.push(`fields: two fields have the header ${JSON.stringify(header)}`)
  if (keys.length > 1) mistakes.push(`fields: ${keys.map((field) => field.name).join(' and ')} have the source key; at most one field can have it`)
  const births = fields.filter(isBirthField)
  if (births.length > 1) mistakes.push(`fields: ${births.map((field) => field.name).join(' and ')} have the role birth; at most one field can have it`)
  const extension = twice(fields.flatMap((field) => field.extensions ?? []))
  if (extension !== undefined) mistakes.push(`fields: two fields have the extension ${JSON.stringify(extension)}`)
  const withoutExtensions = fields.filter(({ source, extensions }) => source === 'image' && extensions === undefined)
  if (withoutExtensions.length > 1) {
    const names = withoutExtensions.map(({ name }) => name).join(' and ')
    mistakes.push(`fields: ${names} have the source image and no extensions; at most one field can omit them, and then has those of IMAGE_EXTENSIONS`)
  }
  const keyName = keys[0]?.name ?? DEFAULT_KEY_NAME
  const primary = primaryKey === undefined ? keyName : [primaryKey].flat().join(', ')
  if (primary !== keyName) mistakes.push(`primaryKey: got ${JSON.stringify(primary)}; must be the key field ${JSON.stringify(keyName)}`)
  return mistakes
}

/** Creates the type of a field. Its options must be valid. */
export function createFieldType (field: FieldDescriptor): FieldType {
  const type = createType(field.type, field)
  return isBirthField(field) && type.name === 'integer' ? timestampType(type) : type
}

/** Whether ages are computed from this field. */
export function isBirthField ({ role, rdfType }: FieldDescriptor): boolean {
  return role === 'birth' || BIRTH_DATE_TYPES.includes(rdfType ?? '')
}

function placeOf (field: unknown, i: number): string {
  return isObject(field) && isText(field['name']) ? `field ${JSON.stringify(field['name'])}` : `fields[${i}]`
}

function isMissingValues (values: readonly unknown[]): boolean {
  const texts = values.map((value) => isObject(value) ? value['value'] : value)
  return texts.every((value) => typeof value === 'string') && new Set(texts).size === texts.length
}

function isObject (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isRegex (source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp
  } catch {
    return false
  }
}
