import type { Dispatcher, Pool } from 'undici'
import { transferMs } from '../deadline.js'
import { tooLarge } from '../s3-body.js'

/** An answer with all of its body. */
export interface BufferedResponse {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

export interface AnswerLimits {
  /** Of a successful answer. */
  readonly maxBytes: number
  /** Milliseconds until it has to be complete. Default: what all may take, and more for a long one. */
  readonly maxMs: number | undefined
  /** Where the body is put together, which holds until the next one is. */
  readonly room?: ReusableBuffer
}

/** Memory that is used again. */
export class ReusableBuffer {
  #bytes = Buffer.alloc(0)

  concat (chunks: readonly Buffer[], length: number): Buffer {
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(length * SPARE))
    let at = 0
    for (const chunk of chunks) at += chunk.copy(this.#bytes, at)
    return this.#bytes.subarray(0, length)
  }
}

/** Pages are of about the same length. */
const SPARE = 1.25

/** How often slow answers are looked for. */
const WATCH_MS = 100

/** What the answer to a failed request may say. */
const MAX_ERROR_BYTES = 64 * 1024

/** GETs over a pool of connections whose bodies are read into memory, without the streams that these are otherwise made of. */
export class BufferedHttp {
  readonly #pool: Pool
  /** Begun and not ended. */
  readonly #open = new Set<AnswerReader>()
  readonly #watch: NodeJS.Timeout
  readonly #maxMs: number

  /** @param maxMs milliseconds until an answer has to be complete that is not long */
  constructor (pool: Pool, maxMs: number) {
    this.#pool = pool
    this.#maxMs = maxMs
    // One timer for all: two for each answer would cost as much as the answer.
    this.#watch = setInterval(() => this.#endSlow(), WATCH_MS).unref()
  }

  /** @throws StoreError `too_large` */
  get (path: string, headers: Record<string, string>, { maxBytes, maxMs, room }: AnswerLimits): Promise<BufferedResponse> {
    return new Promise((resolve, reject) => {
      const reader = new AnswerReader({ room, maxBytes, maxMs: Math.min(maxMs ?? Infinity, this.#maxMs), isExtended: maxMs === undefined }, (error, answer) => {
        this.#open.delete(reader)
        if (answer === undefined) reject(error)
        else resolve(answer)
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
    for (const reader of this.#open) if (now > reader.end) reader.abort(new Error('No complete answer in time'))
  }
}

interface ReaderOptions {
  readonly room: ReusableBuffer | undefined
  readonly maxBytes: number
  readonly maxMs: number
  /** Whether it has a second more for each MiB. */
  readonly isExtended: boolean
}

class AnswerReader implements Dispatcher.DispatchHandler {
  /** When it has to be complete. */
  end: number
  readonly #options: ReaderOptions
  readonly #done: (error: Error, answer?: BufferedResponse) => void
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: BufferedResponse['headers'] = {}
  #length = 0

  constructor (options: ReaderOptions, done: (error: Error, answer?: BufferedResponse) => void) {
    this.#options = options
    this.end = performance.now() + options.maxMs
    this.#done = done
  }

  /** Ends it, whatever it waits for. */
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
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : this.#options.room?.concat(this.#chunks, this.#length) ?? Buffer.concat(this.#chunks)
    this.#done(NO_ERROR, { status: this.#status, headers: this.#headers, body })
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    this.#done(error)
  }

  #check (length: number): void {
    const isGood = this.#status === 200
    const { maxBytes } = this.#options
    if (length > (isGood ? maxBytes : MAX_ERROR_BYTES)) this.abort(isGood ? tooLarge(maxBytes) : new Error('The answer is longer than an error can be'))
  }
}

const NO_ERROR = new Error()
