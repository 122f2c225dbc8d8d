import fp from 'fastify-plugin'
import { ENGINE_OPERATIONS, JOBS, RECHECK_LISTINGS, RECHECKS, RECONCILES, STORE_OPERATIONS } from '../lib/base/events.js'
import { Recorder } from './metrics/recorder.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** What has happened since the start of the process, for `GET /metrics`. */
    readonly metrics: Recorder
  }
}

/**
 * Decorates the instance with the metrics that it counts. Must be registered before the transformer, so that the worker thread forwards its events. Needs:
 * exchanges.
 */
export default fp(async (fastify) => {
  const recorder = new Recorder()
  fastify.decorate('metrics', recorder)
  fastify.exchanges.onEnd = ({ request, response, route }, ms) => {
    recorder.requests.observe(ms, route, request.method!, response.writableFinished ? response.statusCode : undefined)
  }
  const unsubscribe = [
    STORE_OPERATIONS.subscribe(({ operation, outcome, durationMs }) => recorder.storeOperations.observe(durationMs, operation, outcome)),
    ENGINE_OPERATIONS.subscribe(({ operation, outcome, durationMs }) => recorder.engineOperations.observe(durationMs, operation, outcome)),
    RECONCILES.subscribe((end) => recorder.noteReconcile(end)),
    RECHECKS.subscribe(({ isChecked, delaysMs }) => delaysMs.forEach((ms) => recorder.eventDelays.observe(ms, isChecked ? 'checked' : 'listing'))),
    RECHECK_LISTINGS.subscribe(({ requests }) => { recorder.listRequests += requests }),
    JOBS.subscribe((end) => recorder.noteJob(end, fastify.clock()))
  ]
  fastify.addHook('onClose', async () => {
    for (const leave of unsubscribe) leave()
  })
}, { name: 'metrics', dependencies: ['exchanges'] })
