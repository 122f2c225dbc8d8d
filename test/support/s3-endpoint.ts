import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { RequestGate, type StoreLimits } from './request-gate.js'
import { S3Bucket } from './s3-bucket.js'
import { execute, failure, type Operation, type S3Response, type S3Settings, type S3Request } from './s3-protocol.js'

export type { StoreLimits } from './request-gate.js'
export type { Operation, S3Response, S3Request } from './s3-protocol.js'

/**
 * The fault of one request: a response that is sent instead of executing the request, or a way to damage the response of the endpoint. To delay a
 * request, an interceptor awaits a promise before it returns.
 */
export type Fault = S3Response
  | 'drop' // the connection closes, and the request is not executed
  | 'commit then drop' // the request is executed, and the connection closes without a response
  | 'cut body' // half of the body, then the connection closes
  | 'stall body' // half of the body, then nothing
  | 'corrupt body' // one bit of the body is wrong

/** Called with every request before it is executed; `undefined` means no fault. */
export type Interceptor = (request: S3Request) => Fault | undefined | Promise<Fault | undefined>

export interface S3EndpointOptions extends Partial<S3Settings>, StoreLimits {
  readonly port?: number
  /** How far its clock is ahead of that of this process, in milliseconds. Requests whose time differs by more than 15 minutes are then refused, as on AWS. Default: 0, and no request is refused. */
  readonly skewMs?: number
}

const NO_BODY = Buffer.alloc(0)
const MAX_SKEW_MS = 900_000

const OPERATIONS: readonly Operation[] = ['LIST', 'GET', 'HEAD', 'PUT', 'DELETE', 'CREATE']

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
  /** The keys of the GET and PUT requests that `counts` includes, in order of arrival. */
  readonly gets: string[] = []
  readonly puts: string[] = []
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

  constructor ({ port = 0, clock = Date.now, pageSize = 1000, unquotedIfMatch = false, ignoresStartAfter = false, policy, skewMs = 0, ...limits }: S3EndpointOptions) {
    this.#port = port
    this.#gate = new RequestGate(limits)
    this.#skewMs = skewMs
    this.#settings = { clock, pageSize, unquotedIfMatch, ignoresStartAfter, policy }
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
    this.intercept = undefined
  }

  /** Starts again after `stop()`, on the same port and with the same objects. */
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
    const request = parseRequest(message, message.method === 'PUT' ? await buffer(message) : NO_BODY)
    this.counts[request.operation]++
    if (request.operation === 'GET') this.gets.push(request.key)
    if (request.operation === 'PUT') this.puts.push(request.key)
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight)
    response.once('close', () => { this.#inFlight-- })
    await this.#execute(request, response)
  }

  async #execute (request: S3Request, response: ServerResponse): Promise<void> {
    const delayMs = this.#gate.admit()
    if (delayMs !== 0) await pause(delayMs ?? this.#gate.latencyMs)
    if (delayMs === undefined) {
      this.refused[request.operation]++
      respond(response, failure(503, 'SlowDown'), undefined)
      return
    }
    const fault = this.intercept && await this.intercept(request)
    if (fault === 'drop') {
      response.destroy()
      return
    }
    const now = Date.now() + this.#skewMs
    if (this.#skewMs !== 0) response.setHeader('date', new Date(now).toUTCString())
    const isSkewed = this.#skewMs !== 0 && Math.abs(timeOf(request) - now) > MAX_SKEW_MS
    const reply = typeof fault === 'object' ? fault : isSkewed ? failure(403, 'RequestTimeTooSkewed') : execute(request, this.#buckets, this.#settings)
    respond(response, reply, fault)
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
  const operation = operationOf(message.method!, key)
  return { operation, bucket, key, query: new URLSearchParams(search), headers: message.headers, body }
}

function operationOf (method: string, key: string): Operation {
  if (key !== '' || method === 'HEAD') return method as Operation
  return method === 'PUT' ? 'CREATE' : 'LIST'
}

function respond (response: ServerResponse, reply: S3Response, fault: Fault | undefined): void {
  if (fault === 'commit then drop') response.destroy()
  else if (fault === 'corrupt body') send(response, { ...reply, body: corrupt(reply.body) })
  else if (fault === 'cut body' || fault === 'stall body') sendHalf(response, reply, fault === 'cut body')
  else send(response, reply)
}

function send (response: ServerResponse, { status, headers, body = '' }: S3Response): void {
  const hasLength = status !== 304 && status !== 204 && headers?.['transfer-encoding'] === undefined
  const length = hasLength ? { 'content-length': Buffer.byteLength(body) } : {}
  response.writeHead(status, { ...length, ...headers }).end(body)
}

function sendHalf (response: ServerResponse, { status, headers, body = '' }: S3Response, thenClose: boolean): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-length': bytes.length, ...headers })
  response.write(bytes.subarray(0, bytes.length >>> 1), () => { if (thenClose) response.destroy() })
}

function corrupt (body: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(body)
  bytes[bytes.length >>> 1]! ^= 1
  return bytes
}
