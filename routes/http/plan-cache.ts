/** The maximum number of cached plans of one query: requests with the same query may have different headers. */
const MAX_VARIANTS = 4

/** What the plan of a request depends on, besides its query. */
export interface PlanInput {
  /** The name of the current data version. */
  readonly version: string
  /** The start of the minute, in milliseconds since 1970-01-01 UTC. */
  readonly minute: number
  /** The header Accept, if the format depends on it. */
  readonly accept?: string | undefined
  /** The header Accept-Encoding. */
  readonly encoding: string | undefined
}

interface Entry<T> {
  readonly input: PlanInput
  readonly plan: T
}

/**
 * The plans of recent requests of one route. A plan is cached for as long as its parsed query, and `routes/http/query.ts` limits the
 * memory of those. It refers to data versions by name only, so it keeps none of them in memory.
 */
export class PlanCache<T> {
  readonly #entries = new WeakMap<object, readonly Entry<T>[]>()

  get (query: object, input: PlanInput): T | undefined {
    const entries = this.#entries.get(query)
    if (entries === undefined) return undefined
    for (const entry of entries) if (isEqual(entry.input, input)) return entry.plan
    return undefined
  }

  /** Returns the plan. */
  set (query: object, input: PlanInput, plan: T): T {
    const { version, minute } = input
    const others = (this.#entries.get(query) ?? []).filter(({ input }) => input.version === version && input.minute === minute)
    this.#entries.set(query, [{ input, plan }, ...others].slice(0, MAX_VARIANTS))
    return plan
  }
}

function isEqual (a: PlanInput, b: PlanInput): boolean {
  return a.version === b.version && a.minute === b.minute && a.accept === b.accept && a.encoding === b.encoding
}
