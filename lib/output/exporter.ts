import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { BufferPool } from './buffer-pool.js'
import { BoundedCache } from '../base/bounded-cache.js'
import type { Position, DataVersion, SelectQuery } from '../query/data-version.js'
import { render, type CsvOptions, type Format, type Chunks } from './render.js'

export interface ExportQuery extends SelectQuery, CsvOptions {
  readonly format: Format
}

/** Records as text. */
export interface Export {
  /** The data version that it is of, however long it takes to read. */
  readonly version: string
  /** How many records match, whatever the limit. */
  readonly count: number
  /** The place to go on from, where the limit has left out others. */
  readonly next: Position | undefined
  readonly body: Buffer | Chunks
  /** To be called once by who does not read the body any more: other answers may then be written into its memory. */
  readonly release: () => void
}

/** Bytes of recent answers that are kept. */
const CACHE_BYTES = 64 * 1024 * 1024
/** With no more records an answer is made at once. */
const SMALL = 1000

/** Makes texts of records; keeps those that are small and were asked for lately. */
export class Exporter {
  readonly #memory = new BufferPool()
  readonly #kept: BoundedCache<CachedBody>
  /** Whoever asks again has the same query at hand. */
  readonly #names = new WeakMap<ExportQuery, string>()

  constructor (keptBytes = CACHE_BYTES) {
    this.#kept = new BoundedCache(keptBytes, (answer) => answer.release())
  }

  async export (records: DataVersion, query: ExportQuery): Promise<Export> {
    const { version } = records
    const name = this.#nameOf(query)
    const kept = name === undefined ? undefined : this.#kept.get(name)
    if (kept?.version === version) return kept.acquire()
    const selection = await records.select(query)
    let memory: ArrayBuffer | undefined
    const allocate = (bytes: number) => (memory = this.#memory.acquire(bytes))
    const text = render(selection, query.format, { ...query, allocate })
    const size = Math.min(selection.count, query.limit ?? Infinity)
    const body = Buffer.isBuffer(text) || size > SMALL ? text : await buffer(Readable.from(text))
    const made = { version, count: selection.count, next: selection.next, body }
    // Parts are read at their reader's pace, and shared memory is the table's own: kept anyway.
    if (name === undefined || !Buffer.isBuffer(body) || body.buffer instanceof SharedArrayBuffer) return { ...made, release: () => {} }
    const answer = new CachedBody(made, () => memory !== undefined && this.#memory.release(memory))
    const read = answer.acquire()
    this.#kept.set(name, answer, body.buffer.byteLength)
    return read
  }

  /** A text that no other query has; `undefined` where there is none. */
  #nameOf (query: ExportQuery): string | undefined {
    const known = this.#names.get(query)
    if (known !== undefined || query.filters?.some((filter) => typeof filter === 'function')) return known
    const name = JSON.stringify(query)
    this.#names.set(query, name)
    return name
  }
}

/** An answer whose memory is free once it is neither kept nor read. */
class CachedBody {
  readonly #made: Omit<Export, 'release'>
  readonly #free: () => void
  /** Readers, and the cache while it keeps it. */
  #holders = 1

  constructor (made: Omit<Export, 'release'>, free: () => void) {
    this.#made = made
    this.#free = free
  }

  get version (): string {
    return this.#made.version
  }

  acquire (): Export {
    this.#holders++
    let isRead = true
    const release = () => {
      if (isRead) this.release()
      isRead = false
    }
    return { ...this.#made, release }
  }

  release (): void {
    if (--this.#holders === 0) this.#free()
  }
}
