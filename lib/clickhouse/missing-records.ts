import { createHash } from 'node:crypto'
import { LargeLossError } from '../base/errors.js'
import { isLargeLoss, type Loss } from '../base/large-loss.js'

const BUCKETS = 2 ** 16

/** The records that a listing lacks, in constant memory: how many, and a sum of hashes, for each of 65,536 buckets, to which keys are assigned by their hashes. */
export class MissingRecords {
  readonly #counts = new Uint32Array(BUCKETS)
  readonly #sums = new Uint32Array(BUCKETS)
  readonly #unknown: number
  #known = 0

  /** @param unknown the number of missing records whose keys are not known, in addition to those that are added */
  constructor (unknown = 0) {
    this.#unknown = unknown
  }

  get count (): number {
    return this.#unknown + this.#known
  }

  add (key: string): void {
    const hash = createHash('sha256').update(key).digest()
    const bucket = hash.readUInt16LE(0)
    this.#counts[bucket]!++
    this.#sums[bucket]! += hash.readUInt32LE(2)
    this.#known++
  }

  /** How many of these records another listing may have had, given what that one lacks. Never too small; exact if each bucket has either the same missing records in both, or only new ones. */
  unconfirmedBy (other: MissingRecords): number {
    let count = Math.max(0, this.#unknown - other.#unknown)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const isSame = this.#counts[bucket] === other.#counts[bucket] && this.#sums[bucket] === other.#sums[bucket]
      if (!isSame) count += this.#counts[bucket]!
    }
    return count
  }
}

const NONE = new MissingRecords()

/** Decides whether to believe a listing that lacks many records, as `LossGuard` does for a lake in memory. */
export class EngineLossGuard {
  readonly #maxLoss: number
  /** What the last listing lacks, compared with the version with this number. */
  #last: { readonly base: bigint | undefined, readonly missing: MissingRecords } | undefined

  /** @param maxLoss as in `isLargeLoss` */
  constructor (maxLoss: number) {
    this.#maxLoss = maxLoss
  }

  /**
   * @param base the number of the version that the listing was compared with; `undefined` for the first listing of a lake
   * @param before the number of records of that version and of missing unread files; for the first listing, the number that was published last
   * @returns the loss if it is large
   * @throws LargeLossError if it is large and the previous listing does not confirm it
   */
  check (base: bigint | undefined, before: number, missing: MissingRecords): Loss | undefined {
    const earlier = this.#last !== undefined && this.#last.base === base ? this.#last.missing : NONE
    this.#last = { base, missing }
    const loss = { lost: missing.count, before }
    if (isLargeLoss({ lost: missing.unconfirmedBy(earlier), before }, this.#maxLoss)) throw new LargeLossError(loss)
    return isLargeLoss(loss, this.#maxLoss) ? loss : undefined
  }
}
