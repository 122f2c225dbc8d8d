import { SUM_RADIX } from '../table/birth-order.js'

/** Numbers of this size or more are summed up separately, divided by HUGE_SCALE, because their sum may exceed the largest double. */
const HUGE = 2 ** 960
const HUGE_SCALE = 2 ** 64

/** The sums of the values of some groups. */
export interface Sums {
  add (group: number, value: number): void
  addAll (group: number, values: Float64Array): void
  /** May be infinite. */
  total (group: number): number
  /** The total divided by `count`, the number of values. Always finite. */
  mean (group: number, count: number): number
}

/** Exact sums of whole numbers, each in two parts that are exact as doubles for up to 67 million safe integers. They are rounded only when they are read. */
export class IntegerSums implements Sums {
  /** Each sum is `high * SUM_RADIX + low`. */
  readonly #high: Float64Array
  readonly #low: Float64Array

  constructor (groups: number) {
    this.#high = new Float64Array(groups)
    this.#low = new Float64Array(groups)
  }

  add (group: number, value: number): void {
    const multiple = Math.floor(value / SUM_RADIX)
    this.#high[group]! += multiple
    this.#low[group]! += value - multiple * SUM_RADIX
  }

  addAll (group: number, values: Float64Array): void {
    let [high, low] = [0, 0]
    for (let i = 0; i < values.length; i++) {
      const multiple = Math.floor(values[i]! / SUM_RADIX)
      high += multiple
      low += values[i]! - multiple * SUM_RADIX
    }
    this.#high[group]! += high
    this.#low[group]! += low
  }

  total (group: number): number {
    return this.#high[group]! * SUM_RADIX + this.#low[group]!
  }

  mean (group: number, count: number): number {
    return this.total(group) / count
  }

  /** The greatest whole number that is not more than the exact mean. */
  wholeMean (group: number, count: number): number {
    return floorOfMean(BigInt(this.#high[group]!) * BigInt(SUM_RADIX) + BigInt(this.#low[group]!), count)
  }
}

/** The greatest whole number that is not more than the exact mean of `count` whole numbers with this sum. */
export function floorOfMean (sum: bigint, count: number): number {
  const divisor = BigInt(count)
  const quotient = sum / divisor
  return Number(sum < 0n && quotient * divisor !== sum ? quotient - 1n : quotient)
}

/** Sums of any numbers, whose error hardly grows with their number: Neumaier's improvement of Kahan's summation. */
export class NumberSums implements Sums {
  readonly #sum: Float64Array
  /** What rounding has taken from the sums. */
  readonly #rest: Float64Array
  /** The same of the numbers from HUGE on, divided by HUGE_SCALE. */
  readonly #hugeSum: Float64Array
  readonly #hugeRest: Float64Array

  constructor (groups: number) {
    this.#sum = new Float64Array(groups)
    this.#rest = new Float64Array(groups)
    this.#hugeSum = new Float64Array(groups)
    this.#hugeRest = new Float64Array(groups)
  }

  add (group: number, value: number): void {
    if (Math.abs(value) < HUGE) addTo(this.#sum, this.#rest, group, value)
    else addTo(this.#hugeSum, this.#hugeRest, group, value / HUGE_SCALE)
  }

  addAll (group: number, values: Float64Array): void {
    for (let i = 0; i < values.length; i++) this.add(group, values[i]!)
  }

  total (group: number): number {
    return (this.#hugeSum[group]! + this.#hugeRest[group]!) * HUGE_SCALE + (this.#sum[group]! + this.#rest[group]!)
  }

  mean (group: number, count: number): number {
    return (this.#hugeSum[group]! + this.#hugeRest[group]!) / count * HUGE_SCALE + (this.#sum[group]! + this.#rest[group]!) / count
  }
}

/** Adds a value to the sum of a group, and the rounding error to its rest. */
function addTo (sums: Float64Array, rests: Float64Array, group: number, value: number): void {
  const last = sums[group]!
  const sum = last + value
  rests[group]! += Math.abs(last) >= Math.abs(value) ? last - sum + value : value - sum + last
  sums[group] = sum
}
