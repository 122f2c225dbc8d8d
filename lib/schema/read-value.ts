import { countOf } from '../base/count-of.js'
import type { Constraints, FieldDescriptor, MissingValue } from './descriptor.js'
import type { FieldType, Value } from './field-type.js'

/** A value that was read from a file, or what is wrong with it, as text that follows the name of its column. */
export type ReadValue = { readonly value: Value, readonly mistake?: never } | { readonly mistake: string, readonly value?: never }

/** Longer texts are not matched against patterns: some regular expressions take exponential time. */
const MAX_PATTERN_LENGTH = 1000

const NULL: ReadValue = { value: null }

/** Returns a function that reads the text of a cell, trimmed unless the type is string: it may be a missing value, must be of the type, and must meet the constraints. */
export function textReader (type: FieldType, { constraints = {} }: FieldDescriptor, missingValues: ReadonlySet<string>): (text: string) => ReadValue {
  const checkValue = constraintChecker(type, constraints)
  const checkText = patternChecker(constraints)
  return (text) => {
    if (missingValues.has(text)) return missing(constraints)
    const value = type.parse(text)
    if (value === undefined) return { mistake: `is not ${type.accepts}` }
    const mistake = checkText?.(text)
    return mistake === undefined ? checked(value, checkValue) : { mistake }
  }
}

/** Returns a function that reads a value of a JSON file: strings like cells, numbers and booleans for matching types only. */
export function jsonReader (type: FieldType, { constraints = {} }: FieldDescriptor, readText: (text: string) => ReadValue): (value: unknown) => ReadValue {
  const checkValue = constraintChecker(type, constraints)
  const checkText = patternChecker(constraints)
  return (json) => {
    if (json === null || json === undefined) return missing(constraints)
    if (typeof json === 'string') return readText(type.name === 'string' ? json : json.trim())
    const value = typeof json === 'number' || typeof json === 'boolean' ? type.fromJson(json) : undefined
    if (value === undefined) return { mistake: `is not ${type.accepts}` }
    const mistake = checkText?.(String(json))
    return mistake === undefined ? checked(value, checkValue) : { mistake }
  }
}

function missing ({ required }: Constraints): ReadValue {
  return required ? { mistake: 'has no value, and one is required' } : NULL
}

/** Returns a function that checks a text against the pattern; `undefined` without a pattern. */
function patternChecker ({ pattern }: Constraints): ((text: string) => string | undefined) | undefined {
  if (pattern === undefined) return undefined
  const regex = new RegExp(`^(?:${pattern})$`, 'u')
  return (text) => {
    if (text.length > MAX_PATTERN_LENGTH) return `has more than ${MAX_PATTERN_LENGTH} characters, the most that a pattern is matched against`
    return regex.test(text) ? undefined : `does not match the pattern ${pattern}`
  }
}

/** The texts that stand for a missing value. */
export function missingTexts (values: readonly (string | MissingValue)[]): ReadonlySet<string> {
  return new Set(values.map((value) => typeof value === 'string' ? value : value.value))
}

type CheckValue = (value: NonNullable<Value>) => string | undefined

function checked (value: NonNullable<Value>, check: CheckValue): ReadValue {
  const mistake = check(value)
  return mistake === undefined ? { value } : { mistake }
}

/** The values of the constraint `enum`; `undefined` if any value is allowed. */
export function enumValues (type: FieldType, { enum: values }: Constraints): readonly NonNullable<Value>[] | undefined {
  return values === undefined ? undefined : [...new Set(values.map((value) => constraintValue(type, value)))]
}

/** A value of a constraint, which `checkDescriptor` has validated. */
function constraintValue (type: FieldType, value: unknown): NonNullable<Value> {
  return (typeof value === 'string' ? type.parse(value) : type.fromJson(value as number | boolean))!
}

/** Returns a function that checks a value against the constraints. */
function constraintChecker (type: FieldType, constraints: Constraints): CheckValue {
  const checks: CheckValue[] = []
  const bound = (name: 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum', words: string, isWithin: (order: number) => boolean) => {
    if (constraints[name] === undefined) return
    const limit = constraintValue(type, constraints[name])
    checks.push((value) => isWithin(type.compare(value, limit)) ? undefined : `must be ${words} ${type.format(limit)}`)
  }
  bound('minimum', 'at least', (order) => order >= 0)
  bound('maximum', 'at most', (order) => order <= 0)
  bound('exclusiveMinimum', 'more than', (order) => order > 0)
  bound('exclusiveMaximum', 'less than', (order) => order < 0)
  const { minLength, maxLength } = constraints
  const allowed = enumValues(type, constraints)
  if (minLength !== undefined) checks.push((value) => String(value).length >= minLength ? undefined : `must have at least ${countOf(minLength, 'character')}`)
  if (maxLength !== undefined) checks.push((value) => String(value).length <= maxLength ? undefined : `must have at most ${countOf(maxLength, 'character')}`)
  if (allowed !== undefined) {
    const set = new Set(allowed)
    checks.push((value) => set.has(value) ? undefined : `must be one of ${allowed.map((value) => JSON.stringify(type.format(value))).join(', ')}`)
  }
  return (value) => {
    for (const check of checks) {
      const mistake = check(value)
      if (mistake !== undefined) return mistake
    }
    return undefined
  }
}
