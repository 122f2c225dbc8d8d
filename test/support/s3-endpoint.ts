import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { deliver, SLOW_DOWN, type Delivery, type Interceptor } from './faults.js'
import { RequestGate, type StoreLimits } from './request-gate.js'
import { S3Bucket } from './s3-bucket.js'
import { execute, failure, type Operation, type S3Settings, type S3Request } from './s3-protocol.js'

export type { Fault, Interceptor } from './faults.js'
export type { StoreLimits } from './request-gate.js'
export type { Operation, S3Response, S3Request } from './s3-protocol.js'

export interface S3EndpointOptions extends Partial<S3Settings>, StoreLimits {
  readonly port?: number
  /** How far its clock is ahead of that of this process, in milliseconds. Requests whose time differs by more than 15 minutes are then refused, as on AWS. Default: 0, and no request is refused. */
  readonly skewMs?: number
}

const NO_BODY = Buffer.alloc(0)
const MAX_SKEW_MS = 900_000

const OPERATIONS: readonly Operation[] = ['LIST', 'GET', 'HEAD', 'PUT', 'DELETE', 'CREATE', 'BEGIN', 'PART', 'COMPLETE', 'ABORT']

/**
 * Starts an S3 server in this process, for tests. It uses path-style URLs and has no bucket at first. Also sets credentials in the environment if there are
 * none, because the SDK requires them.
 */
export async function startS3Endpoint (options: S3EndpointOptions = {}): Promise<S3Endpoint> {
  process.env.AWS_ACCESS_KEY_ID ??= 'test'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'test-secret'
  const endpoint = new S3Endpoint(options)
  await endpoint.start()
  return endpoint
}

export class S3Endpoint {
  /** Requests since the start or `reset()`, with and without faults, and including those that were refused. */
  readonly counts = zeros()
  /** Requests since the start or `reset()` that were refused with 503 SlowDown, because they exceeded the limits. */
  readonly refused = zeros()
  /** The greatest number of requests since the start or `reset()` that had arrived and had no complete response yet. */
  mostInFlight = 0
  /** The keys of the GET and PUT requests and the prefixes of the LIST requests that `counts` includes, in order of arrival. */
  readonly gets: string[] = []
  readonly puts: string[] = []
  readonly lists: string[] = []
  intercept: Interceptor | undefined
  readonly #buckets = new Map<string, S3Bucket>()
  readonly #settings: S3Settings
  readonly #skewMs: number
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch((error: Error) => response.destroy(error))
  })

  #port: number
  #gate: RequestGate
  #inFlight = 0

  constructor ({ port = 0, clock = Date.now, pageSize = 1000, profile = 'aws', ignoresStartAfter = false, policy, skewMs = 0, ...limits }: S3EndpointOptions) {
    this.#port = port
    this.#gate = new RequestGate(limits)
    this.#skewMs = skewMs
    this.#settings = { clock, pageSize, profile, ignoresStartAfter, policy }
  }

  get port (): number {
    return this.#port
  }

  get url (): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** The bucket of this name, created if it is missing. */
  bucket (name: string): S3Bucket {
    const bucket = this.#buckets.get(name) ?? new S3Bucket(this.#settings.clock)
    this.#buckets.set(name, bucket)
    return bucket
  }

  deleteBucket (name: string): void {
    this.#buckets.delete(name)
  }

  /** Replaces the latency and the limits, for requests that arrive from now on. */
  limit (limits: StoreLimits): void {
    this.#gate = new RequestGate(limits)
  }

  /** Resets the counts and the interceptor, but not the objects and the limits. */
  reset (): void {
    Object.assign(this.counts, zeros())
    Object.assign(this.refused, zeros())
    this.mostInFlight = this.#inFlight
    this.gets.length = 0
    this.puts.length = 0
    this.lists.length = 0
    this.intercept = undefined
  }

  /** Starts the server; after `stop()`, on the same port and with the same objects. */
  async start (): Promise<void> {
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Refuses new connections and breaks the open ones. */
  async stop (): Promise<void> {
    await new Promise(resolve => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  async #handle (message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = parseRequest(message, message.method === 'PUT' || message.method === 'POST' ? await buffer(message) : NO_BODY)
    this.counts[request.operation]++
    if (request.operation === 'GET') this.gets.push(request.key)
    if (request.operation === 'PUT') this.puts.push(request.key)
    if (request.operation === 'LIST') this.lists.push(request.query.get('prefix') ?? '')
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight)
    response.once('close', () => { this.#inFlight-- })
    await this.#execute(request, response)
  }

  async #execute (request: S3Request, response: ServerResponse): Promise<void> {
    const delayMs = this.#gate.admit()
    if (delayMs !== 0) await pause(delayMs ?? this.#gate.latencyMs)
    if (delayMs === undefined) {
      this.refused[request.operation]++
      return await send(response, deliver(SLOW_DOWN, undefined))
    }
    const fault = this.intercept && await this.intercept(request)
    if (fault === 'drop') response.destroy()
    if (fault === 'drop' || fault === 'stall') return
    const now = Date.now() + this.#skewMs
    if (this.#skewMs !== 0) response.setHeader('date', new Date(now).toUTCString())
    const isSkewed = this.#skewMs !== 0 && Math.abs(timeOf(request) - now) > MAX_SKEW_MS
    if (typeof fault === 'object' && 'status' in fault) return await send(response, deliver(fault, undefined))
    const settings: S3Settings = fault === 'ignore conditions' ? { ...this.#settings, profile: 'unconditional' } : this.#settings
    const reply = isSkewed ? failure(403, 'RequestTimeTooSkewed') : execute(request, this.#buckets, settings)
    await send(response, deliver(reply, fault))
  }
}

/** The time at which a request was signed, in milliseconds since 1970-01-01 UTC. */
function timeOf ({ headers }: S3Request): number {
  const [, date, hours, minutes, seconds] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? []
  return date === undefined ? NaN : Date.parse(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${hours}:${minutes}:${seconds}Z`)
}

function zeros (): Record<Operation, number> {
  return Object.fromEntries(OPERATIONS.map(name => [name, 0])) as Record<Operation, number>
}

/** Timers of equal durations share one list in Node.js, so thousands of them are cheap. They cannot be infinite. */
function pause (ms: number): Promise<void> {
  return new Promise((resolve) => { if (ms !== Infinity) setTimeout(resolve, ms) })
}

function parseRequest (message: IncomingMessage, body: Buffer): S3Request {
  // Not parsed with URL, which would resolve the dots of a key such as `a/../b`.
  const [path, search] = message.url!.split('?', 2) as [string, string?]
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/.exec(path)!.map(decodeURIComponent)
  const query = new URLSearchParams(search)
  return { operation: operationOf(message.method!, key, query), bucket, key, query, headers: message.headers, body }
}

function operationOf (method: string, key: string, query: URLSearchParams): Operation {
  if (query.has('uploads')) return 'BEGIN'
  if (query.has('uploadId')) return method === 'PUT' ? 'PART' : method === 'POST' ? 'COMPLETE' : 'ABORT'
  if (key !== '' || method === 'HEAD') return method as Operation
  return method === 'PUT' ? 'CREATE' : 'LIST'
}

async function send (response: ServerResponse, { response: { status, headers, body = '' }, length, then, dripMs }: Delivery): Promise<void> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  if (then === 'close' && length === 0) {
    response.destroy()
    return
  }
  const hasLength = status !== 304 && status !== 204 && headers?.['transfer-encoding'] === undefined
  response.writeHead(status, { ...hasLength && { 'content-length': bytes.length }, ...headers })
  /** The number of bytes that are sent one by one. */
  const dripped = dripMs > 0 ? length : 0
  for (let i = 0; i < dripped && !response.destroyed; i++) {
    await pause(dripMs)
    response.write(bytes.subarray(i, i + 1))
  }
  const rest = bytes.subarray(dripped, length)
  if (then === 'end') response.end(rest)
  else response.write(rest, () => { if (then === 'close') response.destroy() })
}
