import fp from 'fastify-plugin'
import type { LakeRules } from '../lib/worker/in-process-backend.js'
import { WorkerBackend, type BackendThread } from '../lib/worker/worker-backend.js'
import { monotonicNow, type Clock, type MonotonicClock } from '../lib/base/clock.js'
import type { Pause, Timer } from '../lib/base/timer.js'
import { parseDelimiter } from '../lib/base/delimiter.js'
import { parseDuration } from '../lib/base/duration.js'
import type { DuplicateRule, InputEncoding } from '../lib/base/info-formats.js'
import type { DataVersion } from '../lib/query/data-version.js'
import type { SnapshotFailure } from '../lib/snapshot/snapshot-file.js'
import { UserDataTransformer, type TransformerOptions } from '../lib/transformer.js'
import { parseShare } from '../lib/base/large-loss.js'
import { parseSizeOrAuto } from '../lib/base/memory-limit.js'
import { SettingsError, toExtensions } from './config.js'
import { engineOf } from './config/engine.js'
import type { Settings } from './config/settings.js'
import { budgetLogger, freshnessLogger } from './freshness-log.js'
import { lakeLogger } from './lake-log.js'
import { maxListRequests } from './config/list-requests.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The data version that the request reads: the one that was current after `ensureFresh` had refreshed the data for it. */
    dataVersion: DataVersion
    /** For how many milliseconds the data of the response may be cached: `Freshness.freshForMs` when `ensureFresh` had ended. */
    freshForMs: number
  }
  interface FastifyInstance {
    readonly transformer: UserDataTransformer
    /** The wall clock, for dates. */
    readonly clock: Clock
    /** The monotonic clock, for durations. */
    readonly monotonic: MonotonicClock
  }
}

export interface TransformerPluginOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined
  /** Default: the system's monotonic clock. */
  readonly monotonic?: MonotonicClock | undefined
  /** Starts refreshes while there is traffic. Default: the system's timer. */
  readonly timer?: Timer | undefined
  /** Waits between refreshes that clients require. Default: the pause of the system. */
  readonly pause?: Pause | undefined
  /**
   * A thread that runs `serveBackend`. It reconciles and publishes, and opens its own store on the URL of `objectStore`. Default: this
   * thread does that work.
   */
  readonly worker?: BackendThread | undefined
  /** If `false`, listings are not shared with other replicas, whatever SHARE_LISTINGS is. Default: true. */
  readonly share?: boolean | undefined
  /** Opens another engine. Default: the in-process engine. */
  readonly openVersion?: TransformerOptions['openVersion']
}

/** Decorates the instance with the transformer. Needs: config, metrics, schema, object-store, etag-cache. */
export default fp<TransformerPluginOptions>(async (fastify, { clock = Date.now, monotonic = monotonicNow, timer, pause, worker, share = true, openVersion }) => {
  const { config, tableSchema, objectStore, metrics, log } = fastify
  const { onReconciled, onSnapshotWritten } = lakeLogger(log)
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, MAX_DOWNLOADS } = config
  const engine = engineOf(config)
  if (engine !== undefined) checkEngineSettings(config)
  const openWorker = (rules: LakeRules) =>
    new WorkerBackend({ url: objectStore.url, env: { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION }, maxDownloads: MAX_DOWNLOADS }, rules, worker)
  fastify.decorateRequest('dataVersion')
  fastify.decorateRequest('freshForMs', 0)
  fastify.decorate('clock', clock)
  fastify.decorate('monotonic', monotonic)
  fastify.decorate('transformer', new UserDataTransformer({
    store: objectStore,
    cache: fastify.etagCache,
    clock,
    monotonic,
    timer,
    pause,
    sourcePrefix: config.SOURCE_PREFIX,
    outputKey: config.OUTPUT_KEY,
    schema: tableSchema.descriptor,
    hidden: fastify.hiddenColumns,
    imageExtensions: toExtensions(config.IMAGE_EXTENSIONS),
    inputDelimiter: parseDelimiter(config.INPUT_DELIMITER),
    inputEncoding: config.INPUT_ENCODING as InputEncoding,
    duplicates: config.DUPLICATES as DuplicateRule,
    timeZone: config.AGE_TIME_ZONE,
    freshness: {
      maxStalenessMs: parseDuration(config.MAX_STALENESS)!,
      refreshWaitMs: parseDuration(config.REFRESH_WAIT)!,
      maxStaleIfErrorMs: parseDuration(config.MAX_STALE_IF_ERROR) ?? Infinity,
      maxListRequests: maxListRequests(config)
    },
    maxLoss: parseShare(config.MAX_LOSS)!,
    versions: { maxAgeMs: parseDuration(config.VERSIONS_MAX_AGE)!, maxBytes: parseSizeOrAuto(config.VERSIONS_MAX_BYTES) },
    indexMaxBytes: parseSizeOrAuto(config.INDEX_MAX_BYTES),
    responsesMaxBytes: parseSizeOrAuto(config.RESPONSES_MAX_BYTES),
    engine,
    // With an engine, processes share the manifest. A listing of a folder costs nothing, and reading a state would take as long.
    sharing: engine === undefined && share && config.SHARE_LISTINGS && objectStore.url.startsWith('s3:') ? { mayWrite: config.PUBLISH } : undefined,
    openBackend: worker && openWorker,
    openVersion,
    onFreshnessChange: freshnessLogger(log),
    onBudget: budgetLogger(log),
    onColdStart: (reason) => log.warn({ reason }, coldStartMessage(reason)),
    onSnapshotWritten,
    onReconciled: (change) => {
      for (const { count } of change.newRejects) metrics.objects.add('rejected', count)
      onReconciled(change)
    }
  }))
  fastify.addHook('onClose', () => fastify.transformer.close())
}, { name: 'transformer', dependencies: ['config', 'metrics', 'schema', 'object-store', 'etag-cache'] })

function coldStartMessage (reason: SnapshotFailure): string {
  const problem = reason === 'damaged'
    ? 'is damaged'
    : reason === 'foreign' ? 'was written for another lake, with another schema or other settings, or by another release' : 'could not be read'
  return `The snapshot ${problem}: this start downloads every info file, and the files that are rejected now lose their last good versions`
}

/** @throws {SettingsError} */
function checkEngineSettings ({ PUBLISH, OUTPUT_FORMATS }: Settings): void {
  if (!PUBLISH) throw new SettingsError('PUBLISH: got false; must be true if ENGINE_URL is set, because processes with a cluster agree on its versions by an object in the lake')
  if (OUTPUT_FORMATS !== 'csv') throw new SettingsError(`OUTPUT_FORMATS: got ${JSON.stringify(OUTPUT_FORMATS)}; must be csv if ENGINE_URL is set, because Parquet is made in memory`)
}
