import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { describeFailure } from '../lib/base/failure-code.js'
import { traceOf } from '../lib/base/trace-context.js'
import type { Job as LibJob } from '../lib/jobs.js'
import { toWireResult } from '../plugins/job-result.js'
import { Problem, unavailable } from '../plugins/problems/problem.js'
import { booleanParameter, textParameter } from './http/parameter.js'
import { NoQuery, pathParameter } from './http/parameters.js'
import { parametersSchema } from './http/query.js'
import { serverTiming } from './http/server-timing.js'
import { getJob, listJobs, publishOutput } from './openapi/jobs.js'
import { Job, JobList } from './http/schemas.js'

const PostQuery = parametersSchema({
  dry_run: booleanParameter({ default: false, description: 'Whether the job only reports what would change and writes nothing.', example: true }),
  confirm: textParameter({
    accepted: 'a Data-Version, as in result.confirm of a held job',
    description: 'The `confirm` of the result of a held job: publish this data version although it loses many records. If the lake has another version, nothing is published, and the ' +
      'response is 409.',
    example: 'Qm3cVxq0mXbZ0vTjS3hU4w'
  })
})
const JobParams = parametersSchema({ id: pathParameter({ description: 'The id of the job.', example: '5e2f8a10-1' }) })

/** POST /data, and the jobs of this process. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { jobs } = fastify

  // Some clients send an empty body of any media type, which is accepted, even if the media type is malformed; a body with content is a mistake of the client.
  fastify.addHook('onRequest', async ({ raw }) => { delete raw.headers['content-type'] })
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) => {
    if (body.trim() !== '') throw unexpectedBody()
  })
  fastify.setErrorHandler<FastifyError>((error) => { throw error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? unexpectedBody() : error })

  const post = { config: { operation: publishOutput, access: 'write' as const }, schema: { querystring: PostQuery, response: { 200: Job, 202: Job } } }
  fastify.post('/data', post, async (request, reply) => {
    if (fastify.isClosing) throw unavailable('draining', 'This process is shutting down; send the request to another one')
    const { dry_run: dryRun = false, confirm } = request.query
    if (!dryRun && !fastify.config.PUBLISH) throw new Problem(409, 'publishing_disabled', 'The setting PUBLISH is false, so this process writes nothing to the lake; only dry_run=true is possible')
    const trace = traceOf(request.headers.traceparent)
    if (/(^|,)\s*respond-async\s*(,|;|$)/i.test(String(request.headers.prefer ?? ''))) {
      const { job } = jobs.enqueue('api', { dryRun, confirm, trace })
      return reply.code(202).headers({ location: `/jobs/${job.id}`, 'preference-applied': 'respond-async', 'retry-after': '1' }).send(toWire(job))
    }
    const { id, end } = await fastify.lakeWaits.during(async () => {
      const { job, endedOrSilent } = jobs.enqueue('api', { dryRun, confirm, trace })
      return { id: job.id, end: await endedOrSilent() }
    })
    if (end === undefined) throw jobFailed(id, { code: 'timeout', detail: `${describeFailure('timeout')}; GET /jobs/${id} shows what becomes of the job` })
    if (end.error !== null) throw jobFailed(id, end.error)
    const { listMs, downloadMs, buildMs, publishMs } = end.result!.phases
    reply.header('server-timing', serverTiming({ list: listMs, download: downloadMs, build: buildMs, publish: publishMs }))
    return toWire(end)
  })

  fastify.get('/jobs', { config: { operation: listJobs, access: 'read' }, schema: { querystring: NoQuery, response: { 200: JobList } } },
    async () => ({ jobs: jobs.list().map(toWire) }))

  const oneJob = { config: { operation: getJob, access: 'read' as const }, schema: { params: JobParams, querystring: NoQuery, response: { 200: Job } } }
  fastify.get('/jobs/:id', oneJob, async ({ params: { id } }) => {
    const job = jobs.get(id)
    if (job === undefined) throw new Problem(404, 'job_not_found', `This process has no job ${JSON.stringify(id)}; GET /jobs lists its last 100`)
    return toWire(job)
  })
}

export default routes

function unexpectedBody (): Problem {
  return new Problem(400, 'unexpected_body', 'POST /data must not have a body; its parameters are in the URL')
}

/** The problem for a client whose job has failed, or waits for a store that has made no progress for some seconds (`unlessSilent`). */
function jobFailed (id: string, { code, detail }: NonNullable<LibJob['error']>): Problem {
  const headers = { location: `/jobs/${id}` }
  if (code === 'confirmation_mismatch') return new Problem(409, code, `${detail}; POST /data?dry_run=true reports what would change and the data version to confirm`, { headers })
  if (code === 'internal_error') return new Problem(500, code, detail, { headers })
  return new Problem(503, code, detail, { headers: { ...headers, 'retry-after': '1' } })
}

function toWire ({ dryRun, trace, createdAt, startedAt, finishedAt, result, error, progress, ...job }: LibJob): Static<typeof Job> {
  return {
    ...job,
    dry_run: dryRun,
    created_at: new Date(createdAt).toISOString(),
    started_at: toTime(startedAt),
    finished_at: toTime(finishedAt),
    progress: { listed: progress.listed, to_fetch: progress.toFetch, fetched: progress.fetched },
    result: result === null ? null : toWireResult(result),
    error: error === null ? null : { ...error }
  }
}

function toTime (instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString()
}
