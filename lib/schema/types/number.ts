import type { FieldType, TypeOptions } from '../field-type.js'
import { numericText } from './numeric-text.js'

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Finite IEEE 754 doubles. */
export function numberType (options: TypeOptions): FieldType {
  const plain = numericText(options)
  const example = `1${options.groupChar ?? ''}234${options.decimalChar ?? '.'}5`
  return {
    name: 'number',
    accepts: `a finite number such as ${example} (NaN and INF can be declared as missingValues)`,
    parse: (text) => {
      const digits = plain(text)
      return DECIMAL.test(digits) ? finite(Number(digits)) : undefined
    },
    fromJson: (value) => typeof value === 'number' ? finite(value) : undefined,
    format: String,
    toJson: String,
    compare: (a, b) => Number(a) - Number(b)
  }
}

function finite (value: number): number | undefined {
  return Number.isFinite(value) ? value + 0 : undefined // + 0 makes minus zero 0, as JSON.stringify does
}
