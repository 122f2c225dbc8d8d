import type { Server } from 'node:http'
import Fastify, { LogController, type FastifyHttpOptions, type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import app, { serverOptions } from '../../app.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { validateAnswers } from './openapi-validator.js'
import type { S3Bucket } from './s3-bucket.js'
import { startS3Endpoint, type S3Endpoint } from './s3-endpoint.js'

/** A quarter past noon, so that neither a minute nor a day begins. */
export const NOON = Date.parse('2025-06-15T12:15:30.500Z')

/** The clocks of a test: they stand still until the test moves them. */
export class TestClock {
  /** The wall clock: milliseconds since 1970-01-01 UTC. */
  now: number
  #elapsed = 0

  constructor (now = NOON) {
    this.now = now
  }

  readonly read = (): number => this.now

  readonly monotonic = (): number => this.#elapsed

  /** Time passes. */
  advance (ms: number): void {
    this.now += ms
    this.#elapsed += ms
  }

  /** The wall clock is set, and no time passes. */
  jump (ms: number): void {
    this.now += ms
  }
}

export interface TestLake {
  readonly app: FastifyInstance
  readonly endpoint: S3Endpoint
  readonly bucket: S3Bucket
  readonly clock: TestClock
  /** GET with no-cache: the answer of the bucket as it is now. */
  fresh (url: string): Promise<{ readonly status: number, readonly json: any }>
}

export type LogLine = Readonly<Record<string, any>>

export interface TestLakeOptions {
  /** Objects by key; without a slash the key is one below source_data/. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly settings?: Readonly<Record<string, string>>
  /** Options of the server in place of those of production. */
  readonly server?: FastifyHttpOptions<Server>
  /** Receives what the app logs, at every level. */
  readonly log?: LogLine[]
  /** Default: datalake. */
  readonly name?: string
  /** A lake whose endpoint and clock this one has, too: another replica of it, or its next start. */
  readonly beside?: TestLake
}

/** The app over a bucket of the tests' own endpoint; both end with the test. Its answers are as documented, or `inject` throws. */
export async function build (t: Test, { files = {}, settings = {}, server = {}, log, name = 'datalake', beside }: TestLakeOptions = {}): Promise<TestLake> {
  const clock = beside?.clock ?? new TestClock()
  const endpoint = beside?.endpoint ?? await startS3Endpoint({ clock: clock.read })
  const bucket = endpoint.bucket(name)
  for (const [name, body] of Object.entries(files)) bucket.put(keyOf(name), body)
  const store = new S3Store({ bucket: name, endpoint: endpoint.url })
  const stream = { write: (line: string) => { log?.push(JSON.parse(line)) } }
  const fastify = Fastify({ ...serverOptions, ...server, ...log && { logger: { level: 'trace', stream }, logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }) } })
  // A test that runs beside others may be slow; those of the wait itself set it.
  await fastify.register(app, { settings: { REFRESH_WAIT: '30s', ...settings }, store, clock: clock.read, monotonic: clock.monotonic })
  validateAnswers(fastify)
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

export function keyOf (name: string): string {
  return name.includes('/') ? name : `source_data/${name}`
}

/** Keys but for that of the snapshot, which is of no concern to most tests. */
export function withoutSnapshot (keys: readonly string[]): string[] {
  return keys.filter((key) => !key.endsWith('.snapshot.arrow'))
}

/** An info file. */
export function csv (first = 'Ann', last = 'Lee', birthts: string | number = 0): string {
  return `first_name, last_name, birthts\n${first}, ${last}, ${birthts}\n`
}

/** The first bytes of a picture, enough to be told from others. */
export const PNG = Buffer.from('\x89PNG\r\n\x1a\n0000IHDR and so on', 'latin1')
