import type { Dispatcher, Pool } from 'undici'
import { MAX_CONNECTION_AGE_MS } from '../connection-age.js'
import { transferMs } from '../deadline.js'
import type { FirstByteLimit } from '../first-byte-limit.js'
import { tooLarge } from '../s3-body.js'

/** A complete response. */
export interface BufferedResponse {
  readonly status: number
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** The limits of one response, and the memory for its body. */
export interface ResponseLimits {
  /** The maximum bytes of the body of a 200 response. */
  readonly maxBytes: number
  /** The time limit of the response, in milliseconds. Default: the limit of the `BufferedHttp`, plus a second per MiB of the body. */
  readonly maxMs: number | undefined
  /** The limit until the response begins. The time limit then counts from its beginning. Absent: the time limit counts from the request. */
  readonly firstByte?: FirstByteLimit | undefined
  /** Returns memory for the body when it has been received. The body is then valid only until the memory is used for another one. */
  readonly memory?: () => ReusableBuffer
  /** Receives the time at which the request is sent: when a connection is open and free. By `performance.now()`. */
  readonly timing?: { sentAt: number } | undefined
}

/** Memory for one body at a time. It grows when needed and is never released. */
export class ReusableBuffer {
  #bytes = Buffer.alloc(0)

  concat (chunks: readonly Buffer[], length: number): Buffer {
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(length * SPARE))
    let at = 0
    for (const chunk of chunks) at += chunk.copy(this.#bytes, at)
    return this.#bytes.subarray(0, length)
  }
}

/** The memory is allocated larger than needed by this factor, so that it is also large enough for the next page, which is of similar length. */
const SPARE = 1.25

/** Milliseconds between two checks for responses that exceed their time limit. */
const WATCH_MS = 100

/** The maximum bytes of the body of a response with another status than 200. */
const MAX_ERROR_BYTES = 64 * 1024

/** Sends GET requests over a pool of connections and reads the responses into memory, without streams. */
export class BufferedHttp {
  readonly #openPool: () => Pool
  #pool: Pool
  /** Former pools that still receive responses. */
  readonly #former = new Set<Pool>()
  /** When the pool is replaced by a new one, by the clock. */
  #renewAt: number
  readonly #clock: () => number
  /**
   * The responses that have not ended, in any order. Not a Set: V8 replaces the table of a Set after every few elements that come and go, and the former
   * table refers to its elements and to the next table. From the first table in the old generation on, no minor garbage collection would free a response.
   */
  readonly #open: ResponseReader[] = []
  readonly #watch: NodeJS.Timeout
  readonly #maxMs: number

  /**
   * @param openPool opens a pool of new connections
   * @param maxMs the time limit of a response, in milliseconds, without the time for its body
   * @param clock measures the age of the connections, in milliseconds
   */
  constructor (openPool: () => Pool, maxMs: number, clock = () => performance.now()) {
    this.#openPool = openPool
    this.#pool = openPool()
    this.#clock = clock
    this.#renewAt = clock() + MAX_CONNECTION_AGE_MS
    this.#maxMs = maxMs
    // One timer for all responses, because a timer for each of them would take as much CPU time as the response.
    this.#watch = setInterval(() => this.#abortOverdue(), WATCH_MS).unref()
  }

  /** Sends a GET request. `headers` are names and values in turn. Rejects with the StoreError `too_large`, with errors of undici, or if the time limit is exceeded. */
  get (path: string, headers: string[], { maxBytes, maxMs, firstByte, memory, timing }: ResponseLimits): Promise<BufferedResponse> {
    return new Promise((resolve, reject) => {
      const reader = new ResponseReader({ memory, timing, maxBytes, firstByte, maxMs: Math.min(maxMs ?? Infinity, this.#maxMs), isExtended: maxMs === undefined }, (error, response) => {
        this.#remove(reader)
        if (response === undefined) reject(error)
        else resolve(response)
      })
      reader.index = this.#open.push(reader) - 1
      if (this.#clock() > this.#renewAt) this.#renew()
      this.#pool.dispatch({ method: 'GET', path, headers }, reader)
    })
  }

  /** The responses of the former connections are still received. */
  #renew (): void {
    this.#renewAt = this.#clock() + MAX_CONNECTION_AGE_MS
    const former = this.#pool
    this.#pool = this.#openPool()
    this.#former.add(former)
    former.close().catch(() => {}).finally(() => this.#former.delete(former))
  }

  async close (): Promise<void> {
    clearInterval(this.#watch)
    await Promise.all([this.#pool, ...this.#former].map((pool) => pool.destroy()))
  }

  #abortOverdue (): void {
    const now = performance.now()
    for (const reader of this.#open.filter(({ end }) => now > end)) reader.expire()
  }

  #remove (reader: ResponseReader): void {
    const { index } = reader
    if (index === -1) return
    reader.index = -1
    const last = this.#open.pop()!
    if (last === reader) return
    this.#open[index] = last
    last.index = index
  }
}

interface ReaderOptions {
  readonly memory: (() => ReusableBuffer) | undefined
  readonly timing: { sentAt: number } | undefined
  readonly maxBytes: number
  readonly maxMs: number
  readonly firstByte: FirstByteLimit | undefined
  /** Whether the time limit is a second longer for each MiB of the body. */
  readonly isExtended: boolean
}

class ResponseReader implements Dispatcher.DispatchHandler {
  /** The time at which the response has to be complete, by `performance.now()`. */
  end: number
  /** The position in the list of open responses; -1 after the end. */
  index = -1
  readonly #options: ReaderOptions
  readonly #done: (error: Error, response?: BufferedResponse) => void
  readonly #chunks: Buffer[] = []
  readonly #createdAt = performance.now()
  readonly #firstByteMs: number | undefined
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: BufferedResponse['headers'] = {}
  #length = 0

  constructor (options: ReaderOptions, done: (error: Error, response?: BufferedResponse) => void) {
    this.#options = options
    this.#firstByteMs = options.firstByte?.ms
    this.end = this.#createdAt + (this.#firstByteMs ?? options.maxMs)
    this.#done = done
  }

  /** Ends the request because its time limit is exceeded. */
  expire (): void {
    if (this.#status === 0 && this.#firstByteMs !== undefined) this.#options.firstByte!.timedOut(this.#firstByteMs)
    this.abort(LATE)
  }

  /** Ends the request with an error, whether or not it has been sent. */
  abort (error: Error): void {
    if (this.#controller === undefined) this.#done(error)
    else this.#controller.abort(error)
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#options.timing !== undefined) this.#options.timing.sentAt = performance.now()
  }

  onResponseStart (_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status
    this.#headers = headers as BufferedResponse['headers']
    const length = Number(headers['content-length'] ?? 0)
    const { firstByte, maxMs } = this.#options
    if (firstByte !== undefined) {
      const now = performance.now()
      firstByte.responseBegan(now - this.#createdAt)
      this.end = now + maxMs
    }
    if (this.#options.isExtended) this.end += transferMs(length)
    this.#check(length)
  }

  onResponseData (_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    this.#chunks.push(chunk)
    this.#check(this.#length)
  }

  onResponseEnd (): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : this.#options.memory?.().concat(this.#chunks, this.#length) ?? Buffer.concat(this.#chunks)
    this.#done(NO_ERROR, { status: this.#status, headers: this.#headers, body })
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    this.#done(error)
  }

  #check (length: number): void {
    const isSuccess = this.#status === 200
    const { maxBytes } = this.#options
    if (length > (isSuccess ? maxBytes : MAX_ERROR_BYTES)) this.abort(isSuccess ? tooLarge(maxBytes) : new Error('The body of an error response is too long'))
  }
}

const NO_ERROR = new Error()
/** The error of a response that exceeds its time limit; the SDK uses the same name. */
const LATE = Object.assign(new Error('No complete response in time'), { name: 'TimeoutError' })
