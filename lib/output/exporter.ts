import { BoundedCache } from '../base/bounded-cache.js'
import { monotonicNow } from '../base/clock.js'
import { paced } from '../base/paced.js'
import { Turns } from '../base/turns.js'
import type { DataVersion, FilterQuery, Position, TextChunks } from '../query/data-version.js'
import { BufferPool, isPooled } from './buffer-pool.js'
import { gzipBuffer, gzipChunks } from './compress.js'
import { render } from './render.js'
import { isCheap, type RequestPlan } from './request-plan.js'
import { ResponseBudget, type Reservation } from './response-budget.js'

export type Encoding = 'gzip' | 'identity'

/** The body of a response, and what goes with it. */
export interface Export {
  /** The number of records that match, on this page or not. */
  readonly count: number
  /** The position of the last record of the page; `undefined` if no record comes after the page. */
  readonly next: Position | undefined
  readonly body: Buffer | TextChunks
  /** The length of the body in bytes; `undefined` if it is known only at its end. */
  readonly byteLength: number | undefined
  /** Whether the body is read from the memory of the data version. */
  readonly isView: boolean
  /** Must be called once the body is no longer read, so that its memory is reused; `undefined` if there is nothing to release. */
  readonly release: (() => void) | undefined
}

/** The client that a body is made for. */
export interface BodyReader {
  /** Whether the client has disconnected, so that no body is needed. */
  readonly isGone: () => boolean
  /** Ends the response although its body is incomplete. */
  readonly cut: () => void
  /** Aborted when the client disconnects, with a RequestAbortedError; `undefined` for a client that never does. */
  readonly signal: () => AbortSignal | undefined
}

/** A client that never disconnects: a caller in this process. */
export const LOCAL_READER: BodyReader = { isGone: () => false, cut: () => {}, signal: () => undefined }

/** The query; if it runs in another process, with a signal that ends it when the client disconnects. A plan has no signal, because requests of several clients share it. */
export function forReader<T extends object> (version: DataVersion, query: T, reader: BodyReader): T & Pick<FilterQuery, 'signal'> {
  return version.isRemote === true ? { ...query, signal: reader.signal() } : query
}

export interface ExporterOptions {
  /** Schedules expensive work. Default: a schedule that is not shared with other work. */
  readonly turns?: Turns
  /** Limits the memory of responses that clients have not read yet. Default: no limit. */
  readonly budget?: ResponseBudget
  /** The maximum number of bytes of cached response bodies. Default: 64 MiB. */
  readonly cacheBytes?: number
}

/** The default of `cacheBytes`. */
const CACHE_BYTES = 64 * 1024 * 1024
/** A text with at most this many records and bytes is collected into one buffer before it is sent, so that it can be cached. */
const SHORT_RECORDS = 1000
const SHORT_BYTES = 1024 * 1024
/** A longer text of at most this many bytes is collected if it was requested before; at most MAX_COLLECTING texts at a time. */
const LONG_BYTES = 16 * 1024 * 1024
const MAX_COLLECTING = 2
/** The memory for the names of long texts that were requested recently, in bytes. */
const NAMES_BYTES = 64 * 1024
/** The kernel buffers a smaller body as a whole, so its memory is in use for a short time only and is not counted. */
const LARGE_BYTES = 64 * 1024

/** Renders response bodies, compresses them and caches them. */
export class Exporter {
  readonly #pool = new BufferPool()
  readonly #turns: Turns
  readonly #budget: ResponseBudget
  readonly #bodies: BoundedCache<CachedBody>
  /** Long texts that were requested recently, and whether they are too long to be collected. */
  readonly #streamed = new BoundedCache<'once' | 'too long'>(NAMES_BYTES)
  /** Long texts that are being collected; `undefined` for one that turns out to be too long. */
  readonly #collecting = new Map<string, Promise<CachedBody | undefined>>()
  /** Bodies that are being compressed, by version and key. */
  readonly #compressing = new Map<string, Promise<CachedBody>>()

  constructor ({ turns = new Turns(), budget = new ResponseBudget(Infinity, monotonicNow), cacheBytes = CACHE_BYTES }: ExporterOptions = {}) {
    this.#turns = turns
    this.#budget = budget
    this.#bodies = new BoundedCache(cacheBytes, (body) => body.uncache())
  }

  /** The body of a plan; `undefined` if it is not cached. */
  cached ({ version, key }: RequestPlan, encoding: Encoding, reader: BodyReader): Export | undefined {
    const body = this.#bodies.get(cacheKey(key, encoding))
    return body?.version === version ? body.acquire(reader) : undefined
  }

  /** Whether the body of a plan is cached. */
  isCached ({ version, key }: RequestPlan, encoding: Encoding): boolean {
    return this.#bodies.get(cacheKey(key, encoding))?.version === version
  }

  /**
   * The body of a plan. `version` must be that of the plan.
   *
   * @param needsLength whether a text of at most LONG_BYTES is collected at its first request, so that its length is known. Not for a body that is compressed.
   * @throws {OverloadedError} if too many bodies wait to be rendered, or clients have too many bytes of earlier bodies still to read
   * @throws {RequestAbortedError} if the client has disconnected before the rendering began
   */
  async export (version: DataVersion, plan: RequestPlan, encoding: Encoding, reader = LOCAL_READER, needsLength = false): Promise<Export> {
    return this.cached(plan, encoding, reader) ?? await (encoding === 'gzip' ? this.#compress(version, plan, reader) : this.#render(version, plan, reader, needsLength))
  }

  async #render (version: DataVersion, plan: RequestPlan, reader: BodyReader, needsLength: boolean): Promise<Export> {
    if (isCheap(version, plan)) return await this.#make(version, plan, reader)
    const collected = await this.#collecting.get(nameOf(plan))
    if (collected !== undefined) return collected.acquire(reader)
    const result = await this.#turns.runFirst(async () => {
      // Another request for the same body may have been served in the meantime.
      const cached = this.cached(plan, 'identity', reader)
      if (cached !== undefined) return cached
      this.#budget.admit()
      return await this.#make(version, plan, reader)
    }, reader.isGone)
    if (Buffer.isBuffer(result.body) || (needsLength && result.byteLength !== undefined)) return result
    return await this.#collectIfRepeated(plan, { ...result, body: result.body }, reader, needsLength)
  }

  async #make (version: DataVersion, plan: RequestPlan, reader: BodyReader): Promise<Export> {
    const selection = await version.select(forReader(version, plan, reader))
    const { count, next } = selection
    let memory: ArrayBuffer | undefined
    const text = render(selection, plan.format, { ...plan, allocate: (bytes) => (memory = this.#pool.acquire(bytes)) })
    const { byteLength } = text
    const isShort = Math.min(count, plan.page?.limit ?? Infinity) <= SHORT_RECORDS
    const body = Buffer.isBuffer(text) || !isShort ? text : await collect(text, SHORT_BYTES)
    if (!Buffer.isBuffer(body)) {
      const reservation = this.#budget.reserve(reader.cut)
      return { count, next, body: counted(this.#paced(body), reservation), byteLength, isView: true, release: reservation.release }
    }
    // A large body that is a view of the memory of the version takes no memory of its own: it is not cached.
    if (body.buffer instanceof SharedArrayBuffer && body.length >= LARGE_BYTES) return { count, next, body, byteLength, isView: true, release: undefined }
    const free = memory !== undefined && isPooled(memory) ? () => this.#pool.release(memory!) : undefined
    const cached = new CachedBody(plan.version, { count, next, body }, this.#budget, free)
    const acquired = cached.acquire(reader)
    this.#cache(plan, 'identity', cached)
    return acquired
  }

  /**
   * Collects and caches a long text when it is requested for the second time; requests that come in the meantime share the work. The text
   * is streamed the first time, if it is too long, or if too many others are being collected.
   */
  async #collectIfRepeated (plan: RequestPlan, streamed: Export & { readonly body: TextChunks }, reader: BodyReader, needsLength: boolean): Promise<Export> {
    const name = nameOf(plan)
    const before = this.#streamed.get(name)
    if (before === undefined) this.#streamed.set(name, 'once', 0)
    const requested = before ?? (needsLength ? 'once' : undefined)
    const running = this.#collecting.get(name)
    const shared = running === undefined ? undefined : await running
    if (shared !== undefined) {
      streamed.release?.()
      return shared.acquire(reader)
    }
    if (requested !== 'once' || running !== undefined || this.#collecting.size >= MAX_COLLECTING) return streamed
    const { count, next } = streamed
    const collecting = collect(streamed.body, LONG_BYTES)
    const cached = collecting
      .then((body) => Buffer.isBuffer(body) ? this.#cache(plan, 'identity', new CachedBody(plan.version, { count, next, body }, this.#budget, undefined)) : undefined)
      .finally(() => this.#collecting.delete(name))
    // If this client leaves meanwhile, the others render the text themselves.
    this.#collecting.set(name, cached.catch(() => undefined))
    const body = await cached
    if (body !== undefined) return body.acquire(reader)
    this.#streamed.set(name, 'too long', 0)
    return { ...streamed, body: await collecting }
  }

  /** Requests for the same body share the work. A text that is streamed is compressed as it is read. */
  async #compress (version: DataVersion, plan: RequestPlan, reader: BodyReader): Promise<Export> {
    const source = await this.export(version, plan, 'identity', reader)
    const { count, next, body } = source
    if (!Buffer.isBuffer(body)) return { ...source, body: gzipChunks(body), byteLength: undefined }
    const name = nameOf(plan)
    let compressing = this.#compressing.get(name)
    if (compressing === undefined) {
      compressing = gzipBuffer(body)
        .then((body) => this.#cache(plan, 'gzip', new CachedBody(plan.version, { count, next, body }, this.#budget, undefined)))
        .finally(() => this.#compressing.delete(name))
      this.#compressing.set(name, compressing)
    }
    try {
      return (await compressing).acquire(reader)
    } finally {
      source.release?.()
    }
  }

  #paced (chunks: TextChunks): TextChunks {
    return paced(chunks, (work) => this.#turns.runNext(work))
  }

  #cache ({ key }: RequestPlan, encoding: Encoding, body: CachedBody): CachedBody {
    this.#bodies.set(cacheKey(key, encoding), body, body.byteLength)
    return body
  }
}

/** The name of a body whatever its encoding. */
function nameOf ({ version, key }: RequestPlan): string {
  return `${version} ${key}`
}

function cacheKey (key: string, encoding: Encoding): string {
  return encoding === 'gzip' ? `${key} gzip` : key
}

/** Collects a text into one buffer; if it has more than `maxBytes` bytes, returns it as chunks, from its beginning. */
async function collect (text: TextChunks, maxBytes: number): Promise<Buffer | TextChunks> {
  const rest = text[Symbol.asyncIterator]()
  const parts: Buffer[] = []
  for (let bytes = 0; bytes <= maxBytes;) {
    const { done, value } = await rest.next()
    if (done) return Buffer.concat(parts)
    const part = typeof value === 'string' ? Buffer.from(value) : value
    parts.push(part)
    bytes += part.length
  }
  const next = async (): Promise<IteratorResult<string | Buffer>> => parts.length > 0 ? { done: false, value: parts.shift()! } : await rest.next()
  return { [Symbol.asyncIterator]: () => ({ next, ...rest.return && { return: () => rest.return!() } }) }
}

/** Counts the bytes of the last two chunks: the reader requests a chunk while the one before may not have been sent yet. */
async function * counted (chunks: TextChunks, reservation: Reservation): AsyncGenerator<string | Buffer> {
  let last = 0
  try {
    for await (const chunk of chunks) {
      reservation.set(last + chunk.length)
      last = chunk.length
      yield chunk
    }
  } finally {
    reservation.release()
  }
}

/** A body whose memory is reused once it is neither cached nor read. While it is read and no longer cached, the budget counts it. */
class CachedBody {
  readonly version: string
  readonly byteLength: number
  readonly #body: Export
  readonly #budget: ResponseBudget
  readonly #free: (() => void) | undefined
  /** Not a Set, for the reason that `lib/store/s3/fast-path/buffered-http.ts` explains. */
  #readers: readonly BodyReader[] = []
  #isCached = true
  #reservation: Reservation | undefined

  /** @param free returns the memory of the body to its pool; `undefined` if it is not pooled */
  constructor (version: string, content: Pick<Export, 'count' | 'next'> & { readonly body: Buffer }, budget: ResponseBudget, free: (() => void) | undefined) {
    this.version = version
    this.byteLength = content.body.buffer.byteLength
    this.#body = { ...content, byteLength: content.body.length, isView: false, release: undefined }
    this.#budget = budget
    this.#free = free
  }

  acquire (reader: BodyReader): Export {
    if (this.#free === undefined && this.byteLength < LARGE_BYTES) return this.#body
    // Several responses may have the same reader.
    const own = { ...reader }
    this.#readers = [...this.#readers, own]
    if (!this.#isCached) this.#count()
    return { ...this.#body, release: () => this.#release(own) }
  }

  /** Called when the cache evicts the body. */
  uncache (): void {
    this.#isCached = false
    if (this.#readers.length > 0) this.#count()
    else this.#free?.()
  }

  #release (reader: BodyReader): void {
    if (!this.#readers.includes(reader)) return
    this.#readers = this.#readers.filter((other) => other !== reader)
    if (this.#isCached || this.#readers.length > 0) return
    this.#reservation?.release()
    this.#free?.()
  }

  #count (): void {
    this.#reservation ??= this.#budget.reserve(() => this.#readers.forEach(({ cut }) => cut()))
    this.#reservation.set(this.byteLength)
  }
}
