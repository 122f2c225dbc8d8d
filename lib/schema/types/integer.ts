import type { FieldType, TypeOptions } from '../field-type.js'
import { numericText } from './numeric-text.js'

/** Whole numbers that JavaScript, JSON and Parquet's INT64 represent exactly. */
export function integerType (options: TypeOptions): FieldType {
  const plain = numericText({ groupChar: options.groupChar, bareNumber: options.bareNumber })
  return {
    name: 'integer',
    accepts: `an integer from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
    parse: (text) => {
      const digits = plain(text)
      return /^[+-]?\d+$/.test(digits) ? safeInteger(Number(digits)) : undefined
    },
    fromJson: (value) => typeof value === 'number' ? safeInteger(value) : undefined,
    format: String,
    toJson: String,
    compare: (a, b) => Number(a) - Number(b)
  }
}

function safeInteger (value: number): number | undefined {
  return Number.isSafeInteger(value) ? value + 0 : undefined // + 0 makes minus zero 0, as JSON.stringify does
}
