import type { AdaptiveLimit } from '../../lib/base/adaptive-limit.js'
import type { AdaptiveRate } from '../../lib/base/adaptive-rate.js'
import { RequestGate, type StoreLimits } from './request-gate.js'

export interface SimulatedStore extends StoreLimits {
  /** Milliseconds that the client is busy with each response, or with the response after `done` others; it processes one at a time. */
  readonly clientMs?: number | ((done: number) => number)
  /** Receives the time that the client was busy with a response, and the time at which that ended, in milliseconds. */
  readonly onBusy?: (ms: number, now: number) => void
  /** Returns what is added to the latency of a request, in milliseconds. */
  readonly jitterMs?: () => number
  /** A request fails if it is not executed within this time, in milliseconds. */
  readonly timeoutMs?: number
}

export interface SimulatedLoad {
  /** Milliseconds until all objects were downloaded. */
  readonly ms: number
  readonly sent: number
  readonly refused: number
  readonly failed: number
  readonly mostInFlight: number
}

/**
 * Downloads `objects` objects in virtual time, as `limit` and `rate` allow. Refused and failed requests are sent again.
 *
 * @param start the virtual time at the beginning, in milliseconds
 */
export function simulate (
  limit: Pick<AdaptiveLimit, 'current' | 'began' | 'succeeded' | 'failed'>, rate: AdaptiveRate, objects: number,
  { clientMs = 0, onBusy = () => {}, jitterMs = () => 0, timeoutMs = Infinity, ...limits }: SimulatedStore, start = 0
): SimulatedLoad {
  let now = start
  const gate = new RequestGate(limits, () => now)
  /** The requests in flight, in the order in which they end. */
  const ends: { readonly at: number, readonly sentAt: number, readonly outcome: 'success' | 'refused' | 'failed' }[] = []
  let [waiting, done, sent, refused, failed, mostInFlight] = [objects, 0, 0, 0, 0, 0]
  const send = () => {
    const delay = gate.admit()
    const served = delay === undefined ? gate.latencyMs : delay + jitterMs()
    const isLate = served > timeoutMs
    const at = now + Math.min(served, timeoutMs)
    const entry = { at, sentAt: now, outcome: delay === undefined ? 'refused' : isLate ? 'failed' : 'success' } as const
    let i = ends.length
    while (i > 0 && ends[i - 1]!.at > at) i--
    ends.splice(i, 0, entry)
    if (ends.length === 1) limit.began(now)
    rate.sent(now)
    waiting--
    sent++
    mostInFlight = Math.max(mostInFlight, ends.length)
  }
  const hasPlace = () => waiting > 0 && ends.length < limit.current
  while (done < objects) {
    while (hasPlace() && rate.delay(now) === 0) send()
    const nextSend = hasPlace() ? now + rate.delay(now) : Infinity
    const end = ends[0]
    if (end === undefined || nextSend < end.at) {
      now = Math.max(now, nextSend)
      continue
    }
    ends.shift()
    // The client is busy until now, and while it processes this response.
    const busyMs = typeof clientMs === 'number' ? clientMs : clientMs(done)
    now = Math.max(now, end.at) + busyMs
    onBusy(busyMs, now)
    const isFull = waiting > 0 && rate.delay(now) === 0
    if (end.outcome === 'success') {
      done++
      rate.accepted(now)
      limit.succeeded(end.sentAt, now, isFull)
    } else {
      waiting++
      if (end.outcome === 'refused') rate.refused(end.sentAt, now)
      else limit.failed(end.sentAt, now)
      refused += Number(end.outcome === 'refused')
      failed += Number(end.outcome === 'failed')
    }
  }
  return { ms: now - start, sent, refused, failed, mostInFlight }
}
