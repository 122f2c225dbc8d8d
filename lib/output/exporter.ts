import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { BoundedCache } from '../bounded-cache.js'
import type { Position, Records, SelectQuery } from '../query/records.js'
import { render, type CsvOptions, type Format, type Parts } from './render.js'

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
  readonly body: Buffer | Parts
}

/** Bytes of recent answers that are kept. */
const KEPT_BYTES = 64 * 1024 * 1024
/** With no more records an answer is made at once. */
const SMALL = 1000

/** Makes texts of records; keeps those that are small and were asked for lately. */
export class Exporter {
  readonly #kept = new BoundedCache<Export>(KEPT_BYTES)
  /** Whoever asks again has the same query at hand. */
  readonly #names = new WeakMap<ExportQuery, string>()

  async export (records: Records, query: ExportQuery): Promise<Export> {
    const name = this.#nameOf(query)
    const kept = name === undefined ? undefined : this.#kept.get(name)
    if (kept !== undefined && kept.version === records.version) return kept
    const selection = await records.select(query)
    const text = render(selection, query.format, query)
    const size = Math.min(selection.count, query.limit ?? Infinity)
    const body = Buffer.isBuffer(text) || size > SMALL ? text : await buffer(Readable.from(text))
    const { version } = records
    const made = { version, count: selection.count, next: selection.next, body }
    // Shared memory is the table's own: kept anyway.
    if (name !== undefined && Buffer.isBuffer(body) && !(body.buffer instanceof SharedArrayBuffer)) this.#kept.set(name, made, body.buffer.byteLength)
    return made
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
