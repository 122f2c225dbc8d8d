import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DataVersion, SelectQuery } from '../../lib/query/data-version.js'
import { describeFailure } from '../../lib/base/failure-code.js'
import { MINUTE_MS } from '../../lib/base/instant.js'
import { traceOf } from '../../lib/base/trace-context.js'
import type { Freshness } from '../../lib/refresher.js'
import { noData, unavailable, type Problem } from '../../plugins/problems/problem.js'
import { requiresListing } from '../../plugins/rate-limit.js'
import { hasEnded } from './response-end.js'

/**
 * A preHandler of all routes that serve data: makes the data as fresh as the request and the settings require, sets `dataVersion` of the
 * request to the version that the response is computed from, and sets the headers with its age and name. A request whose client has
 * disconnected in the meantime is not processed. Fails with 503 if there is no data, if it is too old, or if too many requests wait for the lake.
 *
 * Not async, because promises would be a considerable part of the cost of a small response.
 */
export function ensureFresh (request: FastifyRequest, reply: FastifyReply, done: (error?: Problem) => void): void {
  const { transformer, lakeWaits } = request.server
  const fresh = requiresListing(request)
  const current = fresh ? undefined : transformer.currentFreshness()
  if (current !== undefined) done(begin(request, reply, current))
  else lakeWaits.during(() => transformer.ensureFresh({ fresh, trace: fresh ? traceOf(request.headers.traceparent) : undefined })).then((freshness) => done(begin(request, reply, freshness)), done)
}

/** Prepares the request and the headers of its response. Returns the problem if there is no usable data. */
function begin (request: FastifyRequest, reply: FastifyReply, { ageMs, freshForMs, staleReasons, isUsable }: Freshness): Problem | undefined {
  if (hasEnded(reply)) {
    reply.hijack()
    return undefined
  }
  if (ageMs === undefined) return noData(staleReasons)
  if (!isUsable) return unavailable('data_too_old', 'The data is older than MAX_STALE_IF_ERROR allows: ' + staleReasons.map(describeFailure).join('; '))
  reply.header('age', Math.floor(ageMs / 1000))
  if (staleReasons.length > 0) reply.header('data-stale', staleReasons.join(', '))
  request.dataVersion = request.server.transformer.current
  request.freshForMs = freshForMs
  reply.header('data-version', request.dataVersion.version)
  return undefined
}

/**
 * Sets `Cache-Control` to the time, in whole seconds, for which the response is known to stay current.
 *
 * @param expiresWithMinute whether it depends on the current minute
 */
export function setCacheControl ({ freshForMs, server: { clock } }: FastifyRequest, reply: FastifyReply, expiresWithMinute = false): void {
  const ms = expiresWithMinute ? Math.min(freshForMs, MINUTE_MS - clock() % MINUTE_MS) : freshForMs
  reply.header('cache-control', `private, max-age=${Math.floor(ms / 1000)}`)
}

/**
 * Sets `Data-Last-Good`, the number of selected records that are an earlier version because the current info file is rejected, unless it is 0. Returns
 * `undefined` if the lake has no such record: most responses then need not wait for a promise.
 */
export function setLastGood (reply: FastifyReply, version: DataVersion, query: SelectQuery): Promise<void> | undefined {
  const { transformer } = reply.server
  if (!transformer.hasLastGood) return undefined
  return transformer.countLastGood(version, query).then((count) => {
    if (count > 0) reply.header('data-last-good', count)
  })
}
