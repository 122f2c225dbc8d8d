import type { Server } from 'node:http'
import { pathToFileURL } from 'node:url'
import Fastify, { LogController, type FastifyHttpOptions, type FastifyInstance, type RouteOptions } from 'fastify'
import type { Test } from 'tap'
import app, { serverOptions, type AppOptions } from '../../app.js'
import type { Timer } from '../../lib/base/timer.js'
import type { ObjectStore } from '../../lib/store/object-store.js'
import { startWorker, type BackendThread } from '../../lib/worker/worker-backend.js'
import { engineOfTests } from './engine-of-tests.js'
import { validateResponses } from './openapi-validator.js'
import type { S3Bucket } from './s3-bucket.js'
import { startS3Endpoint, type S3Endpoint } from './s3-endpoint.js'
import { shareWorker } from './shared-worker.js'
import type { Policy } from './policy.js'
import { CLOCK_START, TestClock } from './test-clock.js'
import { testFolder } from './test-folder.js'
import { noPause } from './virtual-time.js'
import './file-timeout.js'

export { CLOCK_START, TestClock }

export interface TestLake {
  readonly app: FastifyInstance
  readonly endpoint: S3Endpoint
  readonly bucket: S3Bucket
  readonly clock: TestClock
  /** Sends a GET request with `Cache-Control: no-cache`, so that the response reflects the current objects of the bucket. */
  fresh (url: string): Promise<{ readonly status: number, readonly json: any }>
}

export type LogLine = Readonly<Record<string, any>>

export interface TestLakeOptions extends Pick<AppOptions, 'keyFileTimer' | 'schema' | 'openVersion' | 'timers' | 'monotonic' | 'timer' | 'shutdownPause' | 'maxLakeWaits'> {
  /** Objects by key. The prefix source_data/ is added to a key without a slash. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly settings?: Readonly<Record<string, string>>
  /** Server options that replace those of production. */
  readonly server?: FastifyHttpOptions<Server>
  /** Receives what the app logs, at every level. */
  readonly log?: LogLine[]
  /** Receives the routes of the app. */
  readonly routes?: RouteOptions[]
  /** The name of the bucket. Default: datalake. */
  readonly name?: string
  /** A lake whose endpoint and clock are shared, so that this app is another replica or the next start of that one. */
  readonly beside?: TestLake
  /** Starts the worker thread. Default: one that the apps of the process share. */
  readonly worker?: () => BackendThread
  /** Default: a clock of its own. */
  readonly clock?: TestClock
  /** The rights that the service has. Default: all. */
  readonly policy?: Policy
  /** A store that replaces the S3 store. The app then has no worker thread. */
  readonly store?: (bucket: S3Bucket) => ObjectStore
}

/**
 * Starts the app on a bucket of a test endpoint, as in production with a worker thread. The app and the endpoint are closed at the end of the test.
 * `inject` throws if a response does not conform to the OpenAPI document.
 */
export async function build (t: Pick<Test, 'teardown'>, { files = {}, settings = {}, server = {}, log, routes, name = 'datalake', beside, clock = beside?.clock ?? new TestClock(), policy, store, worker, ...options }: TestLakeOptions = {}): Promise<TestLake> {
  const endpoint = beside?.endpoint ?? await startS3Endpoint({ clock: clock.read, policy })
  const bucket = endpoint.bucket(name)
  for (const [name, body] of Object.entries(files)) bucket.put(objectKeyOf(name), body)
  const stream = { write: (line: string) => { log?.push(JSON.parse(line)) } }
  const fastify = Fastify({ ...serverOptions, ...server, ...log && { logger: { level: 'trace', stream }, logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }) } })
  if (routes !== undefined) fastify.addHook('onRoute', (route) => { routes.push(route) })
  await fastify.register(app, {
    // REFRESH_WAIT is long, because a test may be slow while other tests run. Many tests count requests, so only those of replicas have a state object.
    settings: { LAKE_URL: `s3://${name}`, AWS_ENDPOINT_URL_S3: endpoint.url, REFRESH_WAIT: '30s', SHARE_LISTINGS: 'false', ...settings },
    clock: clock.read,
    monotonic: clock.monotonic,
    timer: never, // so that only requests start refreshes, and tests can count them
    pause: noPause,
    ...await engineOfTests(t),
    ...store === undefined ? { worker: worker?.() ?? shareWorker(clock) } : { store: store(bucket) },
    ...options
  })
  validateResponses(fastify)
  t.teardown(async () => {
    await fastify.close()
    if (beside === undefined) await endpoint.stop()
  })
  const fresh = async (url: string) => {
    const response = await fastify.inject({ url, headers: { 'cache-control': 'no-cache' } })
    return { status: response.statusCode, json: response.json() }
  }
  return { app: fastify, endpoint, bucket, clock, fresh }
}

/** Starts the app on a new folder, as in production. `fill` adds files that `testdir` cannot create. */
export async function buildOnFolder (
  t: Test, content: Parameters<Test['testdir']>[0], { fill = async () => {}, settings = {}, schema }: { fill?: (root: string) => Promise<void> | void, settings?: Readonly<Record<string, string>>, schema?: AppOptions['schema'] } = {}
): Promise<{ readonly app: FastifyInstance, readonly root: string }> {
  const fastify = Fastify(serverOptions)
  t.teardown(() => fastify.close())
  const root = testFolder(t, content)
  await fill(root)
  await fastify.register(app, { settings: { LAKE_URL: pathToFileURL(root).href, REFRESH_WAIT: '30s', ...settings }, schema, worker: startWorker() })
  validateResponses(fastify)
  return { app: fastify, root }
}

const never: Timer = () => () => {}

/** The key of an object by its name in `TestLakeOptions.files`. */
export function objectKeyOf (name: string): string {
  return name.includes('/') ? name : `source_data/${name}`
}

/** The keys except those of the snapshot, of the state and of the check of conditional writes. */
export function withoutSnapshot (keys: readonly string[]): string[] {
  return keys.filter((key) => !/\.(snapshot\.arrow|state\.json|probe)$/.test(key))
}

/** An info file. */
export function csv (first = 'Ann', last = 'Lee', birthts: string | number = 0): string {
  return `first_name, last_name, birthts\n${first}, ${last}, ${birthts}\n`
}

/** The first bytes of a PNG image, by which its type is recognized. */
export const PNG = Buffer.from('\x89PNG\r\n\x1a\n0000IHDR and so on', 'latin1')
