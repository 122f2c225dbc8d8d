import type { Dispatcher, Pool } from 'undici'
import { transferMs } from '../deadline.js'
import { tooLarge } from '../s3-body.js'

/** A complete response. */
export interface BufferedResponse {
  readonly status: number
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

export interface ResponseLimits {
  /** The most bytes of a successful response. */
  readonly maxBytes: number
  /** How long the response may take, in milliseconds. Default: the limit of all responses, plus a second for each MiB. */
  readonly maxMs: number | undefined
  /** The memory for the body, which is valid until the memory is used again. */
  readonly memory?: ReusableBuffer
}

/** Memory for one body after the other. */
export class ReusableBuffer {
  #bytes = Buffer.alloc(0)

  concat (chunks: readonly Buffer[], length: number): Buffer {
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(length * SPARE))
    let at = 0
    for (const chunk of chunks) at += chunk.copy(this.#bytes, at)
    return this.#bytes.subarray(0, length)
  }
}

/** The memory is larger than needed by this factor: pages are of similar length. */
const SPARE = 1.25

/** How often responses are checked for their time limit, in milliseconds. */
const WATCH_MS = 100

/** The most bytes of a response to a failed request. */
const MAX_ERROR_BYTES = 64 * 1024

/** Sends GET requests over a pool of connections and reads the responses into memory, without streams. */
export class BufferedHttp {
  readonly #pool: Pool
  /** The responses that have not ended. */
  readonly #open = new Set<ResponseReader>()
  readonly #watch: NodeJS.Timeout
  readonly #maxMs: number

  /** @param maxMs how long a response of less than a MiB may take, in milliseconds */
  constructor (pool: Pool, maxMs: number) {
    this.#pool = pool
    this.#maxMs = maxMs
    // One timer for all responses: two for each would cost as much as a response.
    this.#watch = setInterval(() => this.#endSlow(), WATCH_MS).unref()
  }

  /** @throws StoreError `too_large` */
  get (path: string, headers: Record<string, string>, { maxBytes, maxMs, memory }: ResponseLimits): Promise<BufferedResponse> {
    return new Promise((resolve, reject) => {
      const reader = new ResponseReader({ memory, maxBytes, maxMs: Math.min(maxMs ?? Infinity, this.#maxMs), isExtended: maxMs === undefined }, (error, response) => {
        this.#open.delete(reader)
        if (response === undefined) reject(error)
        else resolve(response)
      })
      this.#open.add(reader)
      this.#pool.dispatch({ method: 'GET', path, headers }, reader)
    })
  }

  async close (): Promise<void> {
    clearInterval(this.#watch)
    await this.#pool.destroy()
  }

  #endSlow (): void {
    const now = performance.now()
    for (const reader of this.#open) if (now > reader.end) reader.abort(new Error('No complete response in time'))
  }
}

interface ReaderOptions {
  readonly memory: ReusableBuffer | undefined
  readonly maxBytes: number
  readonly maxMs: number
  /** Whether the limit is a second longer for each MiB. */
  readonly isExtended: boolean
}

class ResponseReader implements Dispatcher.DispatchHandler {
  /** The time at which the response has to be complete, by `performance.now()`. */
  end: number
  readonly #options: ReaderOptions
  readonly #done: (error: Error, response?: BufferedResponse) => void
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: BufferedResponse['headers'] = {}
  #length = 0

  constructor (options: ReaderOptions, done: (error: Error, response?: BufferedResponse) => void) {
    this.#options = options
    this.end = performance.now() + options.maxMs
    this.#done = done
  }

  /** Ends the request with an error in any state. */
  abort (error: Error): void {
    if (this.#controller === undefined) this.#done(error)
    else this.#controller.abort(error)
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart (_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status
    this.#headers = headers as BufferedResponse['headers']
    const length = Number(headers['content-length'] ?? 0)
    if (this.#options.isExtended) this.end += transferMs(length)
    this.#check(length)
  }

  onResponseData (_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    this.#chunks.push(chunk)
    this.#check(this.#length)
  }

  onResponseEnd (): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : this.#options.memory?.concat(this.#chunks, this.#length) ?? Buffer.concat(this.#chunks)
    this.#done(NO_ERROR, { status: this.#status, headers: this.#headers, body })
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    this.#done(error)
  }

  #check (length: number): void {
    const isGood = this.#status === 200
    const { maxBytes } = this.#options
    if (length > (isGood ? maxBytes : MAX_ERROR_BYTES)) this.abort(isGood ? tooLarge(maxBytes) : new Error('The body of an error is too long'))
  }
}

const NO_ERROR = new Error()
