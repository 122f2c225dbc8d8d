import type { Operand } from './filter.js'

// Checks of the values that filters compare with. `column` is the name in the message.

/** The values of a filter that accepts one value or a list. */
export function listOf (value: Operand | readonly Operand[]): readonly Operand[] {
  return typeof value === 'object' ? value : [value]
}

/** Returns the values, which are compared with a column of text. @throws TypeError if one is not text */
export function requireTexts (column: string, values: readonly Operand[]): readonly string[] {
  const other = values.find((value) => typeof value !== 'string')
  if (other !== undefined) throw new TypeError(`The column ${column} is text, and ${JSON.stringify(other)} is not`)
  return values as readonly string[]
}

/** Returns the values as numbers, which are compared with a column of another type. @throws TypeError if one is text */
export function requireNumbers (column: string, values: readonly Operand[]): readonly number[] {
  const text = values.find((value) => typeof value === 'string')
  if (text !== undefined) throw new TypeError(`The column ${column} is not text, and ${JSON.stringify(text)} is`)
  return values.map(Number)
}

export function notText (column: string): TypeError {
  return new TypeError(`The column ${column} is not text`)
}
