import { MAX_TIME_MS } from '../../base/instant.js'
import type { FieldType } from '../field-type.js'

/** Integers that are instants: milliseconds since 1970-01-01 UTC. */
export function timestampType (integer: FieldType): FieldType {
  const bounded = <V>(value: V) => Math.abs(Number(value)) <= MAX_TIME_MS ? value : undefined
  return {
    ...integer,
    accepts: `an integer from ${-MAX_TIME_MS} to ${MAX_TIME_MS} (milliseconds since 1970-01-01 UTC)`,
    parse: (text) => bounded(integer.parse(text)),
    fromJson: (json) => bounded(integer.fromJson(json))
  }
}
