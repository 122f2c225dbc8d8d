import type { FastifyBaseLogger } from 'fastify'
import type { FreshnessChange } from '../lib/refresher.js'

/**
 * Returns a function that logs changes of freshness: at level warn when the data becomes stale, at level error when there is no data to serve, at level info when it is fresh again, or has been read for the first time.
 * `refresh_slow` appears and disappears with each slow listing, so a change of this reason alone has the level debug.
 */
export function freshnessLogger (log: FastifyBaseLogger): (change: FreshnessChange) => void {
  let hadData = false
  return ({ reasons, previous, hasData, error }) => {
    const [now, before] = [reasons, previous].map((list) => list.filter((reason) => reason !== 'refresh_slow'))
    const cause = error instanceof Error ? error.message : undefined
    if (now!.join() === before!.join()) log.debug({ stale: reasons }, 'The freshness of the data has changed')
    else if (now!.length === 0) log.info({ previous }, hadData ? 'The data is up to date again' : 'The lake has been read')
    else if (hasData) log.warn({ stale: reasons, cause }, 'The data may be outdated (Data-Stale); logged again when the reasons change')
    else log.error({ stale: reasons, cause }, 'The lake cannot be read: requests for data get 503 (no_data) until it can; logged again when the reasons change')
    hadData = hasData
  }
}

/** Returns a function that logs when MAX_LIST_REQUESTS begins or ceases to limit how often the data is refreshed. */
export function budgetLogger (log: FastifyBaseLogger): (intervalMs: number | undefined) => void {
  return (intervalMs) => {
    if (intervalMs === undefined) {
      log.info('MAX_LIST_REQUESTS does not delay refreshes any more')
      return
    }
    const seconds = Math.round(intervalMs / 1000)
    log.info({ interval_s: seconds }, `MAX_LIST_REQUESTS delays refreshes, because a listing of the lake takes many requests: it is refreshed every ${seconds} s, so that data may be older than MAX_STALENESS`)
  }
}
