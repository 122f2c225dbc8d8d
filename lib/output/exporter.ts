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

  async export (records: Records, query: ExportQuery): Promise<Export> {
    const key = nameQuery(records, query)
    const kept = key === undefined ? undefined : this.#kept.get(key)
    if (kept !== undefined) return kept
    const selection = await records.select(query)
    const text = render(selection, query.format, query)
    const size = Math.min(selection.count, query.limit ?? Infinity)
    const body = Buffer.isBuffer(text) || size > SMALL ? text : await buffer(Readable.from(text))
    const { version } = records
    const made = { version, count: selection.count, next: selection.next, body }
    // Shared memory is the table's own: kept anyway.
    if (key !== undefined && Buffer.isBuffer(body) && !(body.buffer instanceof SharedArrayBuffer)) this.#kept.set(key, made, body.buffer.byteLength)
    return made
  }
}

/** A text that no other query on these records has; `undefined` where there is none. */
function nameQuery ({ version }: Records, query: ExportQuery): string | undefined {
  return query.filters?.some((filter) => typeof filter === 'function') ? undefined : version + JSON.stringify(query)
}
