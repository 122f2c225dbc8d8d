import type { FieldType, TypeOptions } from '../field-type.js'

/** The defaults of the standard. */
export const TRUE_VALUES = ['true', 'True', 'TRUE', '1']
export const FALSE_VALUES = ['false', 'False', 'FALSE', '0']

export function booleanType ({ trueValues = TRUE_VALUES, falseValues = FALSE_VALUES }: TypeOptions): FieldType {
  const values = new Map([...falseValues.map((text) => [text, false] as const), ...trueValues.map((text) => [text, true] as const)])
  return {
    name: 'boolean',
    accepts: `one of ${[...values.keys()].map((text) => JSON.stringify(text)).join(', ')}`,
    parse: (text) => values.get(text),
    fromJson: (value) => typeof value === 'boolean' ? value : undefined,
    format: String,
    toJson: String,
    compare: (a, b) => Number(a) - Number(b)
  }
}
