import { BoundedCache } from '../base/bounded-cache.js'
import type { DataVersion, Position } from '../query/data-version.js'
import { BufferPool, isPooled } from './buffer-pool.js'
import { gzipBuffer, gzipChunks } from './compress.js'
import { render, type Chunks } from './render.js'
import type { RequestPlan } from './request-plan.js'

export type Encoding = 'gzip' | 'identity'

/** The body of a response, and what goes with it. */
export interface Export {
  /** The number of records that match, on this page or not. */
  readonly count: number
  /** The position of the last record of the page; `undefined` if no record comes after the page. */
  readonly next: Position | undefined
  readonly body: Buffer | Chunks
  /** Whether the body is read from the memory of the data version. */
  readonly isView: boolean
  /** To be called once the body is no longer read, as its memory is used again; `undefined` if it holds none. */
  readonly release: (() => void) | undefined
}

/** Bytes of response bodies that are cached. */
const CACHE_BYTES = 64 * 1024 * 1024
/** A text with at most as many records and bytes is put together before it is sent, so that it can be cached. */
const MAX_COLLECTED_RECORDS = 1000
const MAX_COLLECTED_BYTES = 1024 * 1024
/** The buffers of the kernel take as many bytes at once, so a body of this size is not read for long. */
const LARGE_BYTES = 64 * 1024

/** Makes response bodies and caches those that are not streamed. */
export class Exporter {
  readonly #pool = new BufferPool()
  readonly #bodies: BoundedCache<CachedBody>
  /** Bodies that are being compressed, by version and key. */
  readonly #compressing = new Map<string, Promise<CachedBody>>()

  constructor (cacheBytes = CACHE_BYTES) {
    this.#bodies = new BoundedCache(cacheBytes, (body) => body.release())
  }

  /** The body that a plan asks for, if it is cached. */
  cached ({ version, key }: RequestPlan, encoding: Encoding): Export | undefined {
    const body = this.#bodies.get(cacheKey(key, encoding))
    return body?.version === version ? body.acquire() : undefined
  }

  /** The body that a plan asks for. `version` is that of the plan. */
  async export (version: DataVersion, plan: RequestPlan, encoding: Encoding): Promise<Export> {
    return this.cached(plan, encoding) ?? await (encoding === 'gzip' ? this.#compress(version, plan) : this.#render(version, plan))
  }

  async #render (version: DataVersion, plan: RequestPlan): Promise<Export> {
    const selection = await version.select(plan)
    const { count, next } = selection
    let memory: ArrayBuffer | undefined
    const text = render(selection, plan.format, { ...plan, allocate: (bytes) => (memory = this.#pool.acquire(bytes)) })
    const isShort = Math.min(count, plan.page?.limit ?? Infinity) <= MAX_COLLECTED_RECORDS
    const body = Buffer.isBuffer(text) || !isShort ? text : await collect(text, MAX_COLLECTED_BYTES)
    if (!Buffer.isBuffer(body)) return { count, next, body, isView: true, release: undefined }
    // Memory of the version is not the cache's.
    if (body.buffer instanceof SharedArrayBuffer) return { count, next, body, isView: body.length >= LARGE_BYTES, release: undefined }
    const free = memory !== undefined && isPooled(memory) ? () => this.#pool.release(memory!) : undefined
    const made = new CachedBody(plan.version, { count, next, body }, free)
    const acquired = made.acquire()
    this.#cache(plan, 'identity', made)
    return acquired
  }

  /** Requests for the same body share the work. A text that is streamed is compressed as it is read. */
  async #compress (version: DataVersion, plan: RequestPlan): Promise<Export> {
    const source = await this.export(version, plan, 'identity')
    const { count, next, body } = source
    if (!Buffer.isBuffer(body)) return { ...source, body: gzipChunks(body) }
    const name = `${plan.version} ${plan.key}`
    let compressing = this.#compressing.get(name)
    if (compressing === undefined) {
      compressing = gzipBuffer(body)
        .then((body) => this.#cache(plan, 'gzip', new CachedBody(plan.version, { count, next, body }, undefined)))
        .finally(() => this.#compressing.delete(name))
      this.#compressing.set(name, compressing)
    }
    try {
      return (await compressing).acquire()
    } finally {
      source.release?.()
    }
  }

  #cache ({ key }: RequestPlan, encoding: Encoding, body: CachedBody): CachedBody {
    this.#bodies.set(cacheKey(key, encoding), body, body.byteLength)
    return body
  }
}

function cacheKey (key: string, encoding: Encoding): string {
  return encoding === 'gzip' ? `${key} gzip` : key
}

/** Puts a text together; if it has more bytes than allowed, returns it as chunks again. */
async function collect (text: Chunks, maxBytes: number): Promise<Buffer | Chunks> {
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

/** A body whose memory is used again once it is neither cached nor read. */
class CachedBody {
  readonly version: string
  readonly byteLength: number
  readonly #body: Export
  readonly #free: (() => void) | undefined
  /** Readers, and the cache while it has the body. */
  #holders = 1

  /** @param free takes the memory of the body back */
  constructor (version: string, made: Pick<Export, 'count' | 'next'> & { readonly body: Buffer }, free: (() => void) | undefined) {
    this.version = version
    this.byteLength = made.body.buffer.byteLength
    this.#body = { ...made, isView: false, release: undefined }
    this.#free = free
  }

  acquire (): Export {
    if (this.#free === undefined) return this.#body
    this.#holders++
    let isHeld = true
    const release = () => {
      if (isHeld) this.release()
      isHeld = false
    }
    return { ...this.#body, release }
  }

  release (): void {
    if (--this.#holders === 0) this.#free?.()
  }
}
