import type { FieldType } from '../field-type.js'

/** The maximum absolute time value of ECMAScript, in milliseconds. */
const MAX_TIME = 8.64e15

/** Integers that are instants: milliseconds since 1970-01-01 UTC. */
export function timestampType (integer: FieldType): FieldType {
  const bounded = <V>(value: V) => Math.abs(Number(value)) <= MAX_TIME ? value : undefined
  return {
    ...integer,
    accepts: `an integer from ${-MAX_TIME} to ${MAX_TIME} (milliseconds since 1970-01-01 UTC)`,
    parse: (text) => bounded(integer.parse(text)),
    fromJson: (json) => bounded(integer.fromJson(json))
  }
}
