import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import { describeFailure } from '../lib/base/failure-code.js'
import { GENERAL_WARNINGS, type Warning } from '../lib/base/warning.js'
import { isAttempt } from '../lib/jobs.js'
import { outputHeld } from '../plugins/job-result.js'
import { noData, unavailable } from '../plugins/problems/problem.js'
import { livez, readyz, startupz } from './openapi/reports.js'
import { NoQuery } from './http/parameters.js'
import { ProbeStatus, Readiness, type Detail } from './http/schemas.js'

/** The probes of Kubernetes. None of them reads the lake. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, jobs } = fastify
  const schema = { querystring: NoQuery, response: { 200: ProbeStatus } }

  fastify.get('/livez', { config: { operation: livez, access: 'public', anyHost: true }, schema }, async () => ({ status: 'alive' }))

  fastify.get('/startupz', { config: { operation: startupz, access: 'public', anyHost: true }, schema }, async () => {
    const { ageMs, staleReasons } = transformer.freshness()
    if (ageMs === undefined) throw noData(staleReasons)
    return { status: 'started' }
  })

  fastify.get('/readyz', { config: { operation: readyz, access: 'public', anyHost: true }, schema: { querystring: NoQuery, response: { 200: Readiness } } }, async () => {
    const { ageMs, staleReasons } = transformer.freshness()
    const publishing = publishingDetails(staleReasons)
    // What the last job met says more than that writes are refused.
    const warnings = transformer.warnings().filter(({ code }) => !publishing.some((other) => other.code === code))
    const details: Static<typeof Detail>[] = [
      ...staleReasons.map((code) => ({ code, detail: describeFailure(code) })),
      ...[...warnings, ...fastify.accessWarnings(), ...publishing].map(toDetail)
    ]
    if (ageMs === undefined) throw noData(staleReasons, { details })
    if (fastify.isDraining) throw unavailable('draining', 'This process is shutting down', { details })
    return { status: 'ready', details }
  })

  /** Probes need no credentials: if other routes do, no detail names a file or a column. */
  function toDetail ({ code, detail }: Warning): Static<typeof Detail> {
    return { code, detail: fastify.hasCredentials ? GENERAL_WARNINGS[code] ?? detail : detail }
  }

  /** The problems that the last attempt to publish found. Omits a failure to read the lake, which `staleReasons` already contains. */
  function publishingDetails (staleReasons: readonly string[]): readonly Warning[] {
    const job = jobs.list().find((job) => job.finishedAt !== null && isAttempt(job))
    if (job === undefined) return []
    if (job.state === 'held') return [outputHeld('POST /data?dry_run=true returns the data version as result.confirm, on any replica, and POST /data?confirm=<data version> publishes it')]
    if (job.result !== null) return job.result.warnings.filter(({ code }) => code === 'unknown_output_column')
    return staleReasons.includes(job.error!.code) ? [] : [{ code: 'output_not_writable', detail: `The last job failed: ${job.error!.detail}; the log line "Job failed" has the cause. It is repeated` }]
  }
}

export default routes
