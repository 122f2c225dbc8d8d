import type { FieldType, TypeName, TypeOptions } from '../field-type.js'
import { booleanType } from './boolean.js'
import { dateType } from './date.js'
import { datetimeType } from './datetime.js'
import { integerType } from './integer.js'
import { numberType } from './number.js'
import { stringType } from './string.js'

const TYPES: Readonly<Record<TypeName, (options: TypeOptions) => FieldType>> = {
  string: () => stringType,
  integer: integerType,
  number: numberType,
  boolean: booleanType,
  date: dateType,
  datetime: datetimeType
}

/** Creates the type of a field. The options must be valid. */
export function createType (name: TypeName, options: TypeOptions = {}): FieldType {
  return TYPES[name](options)
}
