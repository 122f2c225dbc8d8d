import { LOW } from '../table/birth-order.js'

/** Numbers from here on are summed up apart, divided by HUGE_SCALE, as their sum may exceed the largest double. */
const HUGE = 2 ** 960
const HUGE_SCALE = 2 ** 64

/** A sum of doubles whose error hardly grows with their number: Neumaier's improvement of Kahan's summation. */
class CompensatedSum {
  #sum = 0
  #rest = 0

  add (value: number): void {
    const sum = this.#sum + value
    this.#rest += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum
    this.#sum = sum
  }

  get total (): number {
    return this.#sum + this.#rest
  }
}

/** The sum of the values of a column. */
export interface Sum {
  add (value: number): void
  /** May be infinite. */
  readonly total: number
  /** The total divided by the number of values, which is finite. */
  mean (count: number): number
}

/** A sum of whole numbers. It is exact, in two parts that doubles hold exactly for far more numbers than fit into memory, until it is read. */
export class IntegerSum implements Sum {
  #high = 0
  #low = 0

  add (value: number): void {
    const multiple = Math.floor(value / LOW)
    this.#high += multiple
    this.#low += value - multiple * LOW
  }

  get total (): number {
    return this.#high * LOW + this.#low
  }

  mean (count: number): number {
    return this.total / count
  }

  /** The greatest whole number that is not more than the exact mean. */
  wholeMean (count: number): number {
    const [total, divisor] = [BigInt(this.#high) * BigInt(LOW) + BigInt(this.#low), BigInt(count)]
    const quotient = total / divisor
    return Number(total < 0n && quotient * divisor !== total ? quotient - 1n : quotient)
  }
}

/** A sum of any numbers. */
export class NumberSum implements Sum {
  readonly #sum = new CompensatedSum()
  readonly #huge = new CompensatedSum()

  add (value: number): void {
    if (Math.abs(value) < HUGE) this.#sum.add(value)
    else this.#huge.add(value / HUGE_SCALE)
  }

  get total (): number {
    return this.#huge.total * HUGE_SCALE + this.#sum.total
  }

  mean (count: number): number {
    return this.#huge.total / count * HUGE_SCALE + this.#sum.total / count
  }
}
