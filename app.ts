import type { Server } from 'node:http'
import type { FastifyHttpOptions } from 'fastify'
import fp from 'fastify-plugin'
import access, { type AccessOptions } from './plugins/access.js'
import clientErrors, { onClientError } from './plugins/client-errors.js'
import config, { type ConfigOptions } from './plugins/config.js'
import cors from './plugins/cors.js'
import drain from './plugins/drain.js'
import etagCache from './plugins/etag-cache.js'
import exchanges from './plugins/exchanges.js'
import jobs from './plugins/jobs.js'
import lakeFailures from './plugins/lake-failures.js'
import lakeWaits, { type LakeWaitsOptions } from './plugins/lake-waits.js'
import metrics from './plugins/metrics.js'
import objectStore, { type ObjectStoreOptions } from './plugins/object-store.js'
import problems, { onFrameworkError } from './plugins/problems.js'
import rateLimit from './plugins/rate-limit.js'
import requestChecks from './plugins/request-checks.js'
import requestId, { requestIdOf } from './plugins/request-id.js'
import requestLog from './plugins/request-log.js'
import schema, { type SchemaOptions } from './plugins/schema.js'
import scheduler, { type SchedulerOptions } from './plugins/scheduler.js'
import shutdown, { type ShutdownOptions } from './plugins/shutdown.js'
import defaultHeaders from './plugins/default-headers.js'
import startLog from './plugins/start-log.js'
import transformer, { type TransformerPluginOptions } from './plugins/transformer.js'
import writeTimeout from './plugins/write-timeout.js'
import changeRoutes from './routes/changes.js'
import dataRoutes from './routes/data.js'
import docs from './routes/docs.js'
import eventRoutes from './routes/events.js'
import { parameterCompiler, parseQueryString } from './routes/http/query.js'
import imageRoutes from './routes/image.js'
import jobRoutes from './routes/jobs.js'
import metricsRoutes from './routes/metrics.js'
import pageRoutes from './routes/page.js'
import probeRoutes from './routes/probes.js'
import rejectRoutes from './routes/rejects.js'
import schemaRoutes from './routes/schema.js'
import statsRoutes from './routes/stats.js'
import versionRoutes from './routes/version.js'

export type AppOptions = ConfigOptions & AccessOptions & SchemaOptions & ObjectStoreOptions & TransformerPluginOptions & SchedulerOptions & ShutdownOptions & LakeWaitsOptions

/** The Fastify options that the app relies on. Production and tests both use them. */
export const serverOptions = {
  // Characters of a path parameter: the key of a record has at most 240 bytes, each percent-encoded in up to three characters.
  routerOptions: { maxParamLength: 720, querystringParser: parseQueryString },
  genReqId: requestIdOf,
  /** Bytes. Only POST /events/s3 accepts a body, with a limit of its own. */
  bodyLimit: 16 * 1024,
  /** Milliseconds in which the whole request must arrive; otherwise the response is 408. */
  requestTimeout: 30_000,
  /** Milliseconds of one period; a connection whose client does not read is closed after six of them (`plugins/write-timeout.ts`). */
  connectionTimeout: 5000,
  http: {
    // A missing Host is rejected by plugins/request-checks.ts, with a problem. Node would send a 400 without one.
    requireHostHeader: false,
    /** Milliseconds in which the headers of a request must arrive; otherwise the response is 408. */
    headersTimeout: 15_000,
    /** Milliseconds between two checks of these two timeouts, so that a response 408 may come this much later. */
    connectionsCheckingInterval: 5000
  },
  // Fastify would also apply this limit, by default ten seconds, to the hooks of a shutdown, which SHUTDOWN_TIMEOUT limits.
  pluginTimeout: 0,
  frameworkErrors: onFrameworkError,
  clientErrorHandler: onClientError,
  // GET requests are still served while the process shuts down; POST /data checks `isClosing` itself.
  return503OnClosing: false
} as const satisfies FastifyHttpOptions<Server>

/** The application: first its plugins, then its routes. */
export default fp<AppOptions>(async (fastify, options) => {
  fastify.setValidatorCompiler(parameterCompiler(() => fastify.transformer.hasData ? fastify.transformer.current : undefined))
  await fastify.register(exchanges)
  await fastify.register(metrics)
  await fastify.register(writeTimeout)
  await fastify.register(config, options)
  await fastify.register(shutdown, options)
  await fastify.register(schema, options)
  await fastify.register(requestId)
  await fastify.register(requestLog)
  await fastify.register(defaultHeaders)
  await fastify.register(problems)
  await fastify.register(clientErrors)
  await fastify.register(cors)
  await fastify.register(requestChecks)
  await fastify.register(access, options)
  await fastify.register(rateLimit)
  await fastify.register(objectStore, options)
  await fastify.register(etagCache)
  await fastify.register(transformer, options)
  await fastify.register(startLog)
  await fastify.register(lakeFailures)
  await fastify.register(jobs, options)
  await fastify.register(lakeWaits, options)
  await fastify.register(drain)
  await fastify.register(scheduler, options)

  await fastify.register(docs)
  await fastify.register(dataRoutes)
  await fastify.register(changeRoutes)
  await fastify.register(imageRoutes)
  await fastify.register(jobRoutes)
  await fastify.register(eventRoutes)
  await fastify.register(statsRoutes)
  await fastify.register(schemaRoutes)
  await fastify.register(rejectRoutes)
  await fastify.register(probeRoutes)
  await fastify.register(versionRoutes)
  await fastify.register(pageRoutes)
  await fastify.register(metricsRoutes)
}, { name: 'userlake' })
