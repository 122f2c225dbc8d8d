import { Durations, REQUEST_BUCKETS, type Series } from './durations.js'

/** The label of requests whose URL no route has. */
const NO_ROUTE = 'none'
/** Other methods have the label `other`: a client can send any text. */
const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'other']
/** Classes of statuses, by their first digit; 0 for `aborted`. */
const STATUSES = ['aborted', '1xx', '2xx', '3xx', '4xx', '5xx']

/** The durations of requests by route, method and class of the status. */
export class RequestDurations implements Iterable<Series> {
  /** For each route, its durations by `STATUSES.length * method + status`. */
  readonly #routes = new Map<string, (Durations | undefined)[]>()

  /** @param status `undefined` if the client has closed the connection before it received the whole response */
  observe (ms: number, route = NO_ROUTE, method: string, status: number | undefined): void {
    let byKind = this.#routes.get(route)
    if (byKind === undefined) this.#routes.set(route, byKind = [])
    const found = METHODS.indexOf(method)
    const kind = STATUSES.length * (found === -1 ? METHODS.length - 1 : found) + (status === undefined ? 0 : Math.trunc(status / 100));
    (byKind[kind] ??= new Durations(REQUEST_BUCKETS)).observe(ms)
  }

  * [Symbol.iterator] (): Generator<Series> {
    for (const [route, byKind] of this.#routes) {
      for (const [kind, durations] of byKind.entries()) {
        if (durations !== undefined) yield { labels: [route, METHODS[Math.trunc(kind / STATUSES.length)]!, STATUSES[kind % STATUSES.length]!], durations }
      }
    }
  }
}
