import { BoundedCache } from '../base/bounded-cache.js'
import { EngineError, VersionForgottenError } from '../base/errors.js'
import type { DataVersion, FilterQuery, SelectQuery, Selection, StatisticsQuery } from '../query/data-version.js'
import type { ColumnStatistics, Statistics } from '../query/statistics.js'
import type { UndeclaredColumn } from '../query/undeclared-columns.js'
import type { ObjectInfo } from '../store/object-list.js'
import type { TableField } from '../table/table-field.js'
import { findAttachment } from './attachment.js'
import type { Connection } from './connection.js'
import { forgottenBelow } from './forget.js'
import type { EngineRecords } from './records.js'
import { countRecords, select } from './select.js'
import { statistics } from './statistics.js'
import { countUndeclared } from './undeclared.js'

export interface VersionOptions {
  /** The declared columns, for which `migrate` has made the tables. */
  readonly fields: readonly TableField[]
  /** IANA name of the zone whose calendar counts completed years: that in which the records were stored. */
  readonly timeZone: string
  /** The number of the version in the tables. */
  readonly number: bigint
  /** The public name. */
  readonly name: string
  /** The undeclared columns, in the byte order of their names. */
  readonly undeclared: readonly string[]
  /** Called before a VersionForgottenError is thrown. */
  readonly onForgotten?: (() => void) | undefined
}

/** The maximum bytes of all cached counts and their keys, and the bytes of one count. */
const CACHED_BYTES = 1024 * 1024
const COUNT_BYTES = 8

/**
 * A data version whose records are in the tables of a ClickHouse cluster. Every query reads the rows that are valid in this version, whatever is being written. When the version is forgotten, its rows are
 * removed: every read that has not ended before fails with a VersionForgottenError.
 */
export class ClickHouseVersion implements DataVersion {
  readonly version: string
  readonly fields: readonly TableField[]
  readonly columns: readonly string[]
  readonly memory: ReadonlySet<ArrayBufferLike> = new Set()
  readonly isRemote = true
  readonly #records: EngineRecords
  readonly #onForgotten
  /** How many records match: the pages of a listing need the same count again and again. */
  readonly #counts = new BoundedCache<number>(CACHED_BYTES)

  constructor (connection: Connection, { fields, timeZone, number, name, undeclared, onForgotten = () => {} }: VersionOptions) {
    this.version = name
    this.fields = fields
    this.columns = [...fields.map(({ name }) => name), ...undeclared]
    this.#onForgotten = onForgotten
    this.#records = { connection, fields, timeZone, number, columns: this.columns }
  }

  async select (query: SelectQuery): Promise<Selection> {
    const selection = await this.#checked(select(this.#records, query, this.#count(query)))
    // A page with a limit has been read completely.
    return query.page?.limit === undefined ? this.#checkedSelection(selection) : selection
  }

  async statistics (query: StatisticsQuery): Promise<Statistics & ColumnStatistics> {
    return await this.#checked(statistics(this.#records, query))
  }

  async undeclared (): Promise<readonly UndeclaredColumn[]> {
    return await this.#checked(countUndeclared(this.#records))
  }

  async attachment (key: string, field: string): Promise<ObjectInfo | undefined> {
    return await this.#checked(findAttachment(this.#records, key, field))
  }

  /** Returns what was read. @throws VersionForgottenError if the version has been forgotten meanwhile */
  async #checked<T> (read: Promise<T>): Promise<T> {
    const found = await read
    await this.#checkNotForgotten()
    return found
  }

  /** A selection whose streams end only after a check that the version is not forgotten. */
  #checkedSelection (selection: Selection): Selection {
    return {
      ...selection,
      batches: () => this.#checkedStream(selection.batches()),
      countAmong: (keys) => this.#checked(Promise.resolve(selection.countAmong(keys))),
      text: (shape) => {
        const text = selection.text?.(shape)
        return text === undefined || Buffer.isBuffer(text) ? text : this.#checkedStream(text)
      }
    }
  }

  /** Withholds the last chunk until that check, so that an incomplete stream never looks complete. */
  async * #checkedStream<T> (chunks: AsyncIterable<T>): AsyncGenerator<T, void> {
    let last: { readonly chunk: T } | undefined
    try {
      for await (const chunk of chunks) {
        if (last !== undefined) yield last.chunk
        last = { chunk }
      }
    } catch (error) {
      // Records may be missing because the version has been forgotten.
      if (error instanceof EngineError && error.code === 'engine_incomplete') await this.#checkNotForgotten()
      throw error
    }
    await this.#checkNotForgotten()
    if (last !== undefined) yield last.chunk
  }

  async #checkNotForgotten (): Promise<void> {
    if (this.#records.number >= await forgottenBelow(this.#records.connection)) return
    this.#onForgotten()
    throw new VersionForgottenError()
  }

  async #count (query: FilterQuery): Promise<number> {
    const { filterKey = query.filters === undefined || query.filters.length === 0 ? '[]' : undefined } = query
    const cached = filterKey === undefined ? undefined : this.#counts.get(filterKey)
    if (cached !== undefined) return cached
    const count = await countRecords(this.#records, query)
    if (filterKey !== undefined) this.#counts.set(filterKey, count, COUNT_BYTES)
    return count
  }
}
