/** The tokens of a full budget, the tokens that a retry takes, and those that a success returns: the numbers of the standard retry mode of the AWS SDKs. */
const CAPACITY = 500
const RETRY_COST = 5
const REFUND = 1

/**
 * Limits the retries of all requests to one store. Each retry takes tokens, each success returns some: while a store works, one retry for every five
 * successes is possible, but an outage does not multiply the requests.
 */
export class RetryBudget {
  #tokens = CAPACITY

  /**
   * Takes the tokens of a retry. Returns false if there are too few.
   *
   * @param reserve how many retries must remain possible for other requests; at most 99, because a full budget has 100 retries
   */
  take (reserve = 0): boolean {
    if (this.#tokens < RETRY_COST * (1 + reserve)) return false
    this.#tokens -= RETRY_COST
    return true
  }

  /** Must be called after every successful request. */
  refund (): void {
    if (this.#tokens < CAPACITY) this.#tokens += REFUND
  }
}
