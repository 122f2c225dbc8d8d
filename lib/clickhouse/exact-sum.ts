import { sql, type Sql } from './sql.js'

// Exact sums of doubles, as sums of integers: of the signed significands by exponent. They do not depend on the order in which shards and threads
// add the values, and are exact even if large numbers cancel out or a partial sum exceeds the largest double.

/** The sums of the significands, as text, by the biased exponent: the value of the eleven exponent bits of a double, 0 for subnormal numbers. */
export type SumParts = Readonly<Record<string, string>>

/** The aggregate that returns the parts of the sum of a column of doubles. */
export function sumParts (value: Sql): Sql {
  const bits = sql`reinterpretAsUInt64(assumeNotNull(${value}))`
  const exponent = sql`toUInt16(bitAnd(bitShiftRight(${bits}, 52), 2047))`
  // The highest bit of a significand is not stored: it is 1, or 0 for a subnormal number.
  const significand = sql`toInt128(bitAnd(${bits}, 4503599627370495) + if(${exponent} > 0, 4503599627370496, 0)) * if(assumeNotNull(${value}) < 0, -1, 1)`
  return sql`CAST(sumMapIf(map(${exponent}, ${significand}), isNotNull(${value})), 'Map(UInt16, String)')`
}

/** The number of bits after the binary point of the smallest double. */
const FRACTION_BITS = 1074

/** The exact sum, in units of the smallest double. */
export function exactSum (parts: SumParts): bigint {
  return Object.entries(parts).reduce((sum, [exponent, significands]) => sum + (BigInt(significands) << BigInt(Math.max(Number(exponent), 1) - 1)), 0n)
}

/** The number as a double; infinite beyond the largest one. The error is less than one unit in the last place. @param units as `exactSum` returns them */
export function toDouble (units: bigint): number {
  const { length } = (units < 0n ? -units : units).toString(2)
  const shift = Math.max(0, length - 64)
  return Number(units >> BigInt(shift)) * 2 ** (shift - FRACTION_BITS)
}
