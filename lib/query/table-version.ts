import { setImmediate } from 'node:timers/promises'
import { BoundedCache } from '../base/bounded-cache.js'
import { hintSharedMemory } from '../base/shared-memory.js'
import { DECLARED_COLUMNS, type Cell } from '../schema/record.js'
import { byteLength, memoryOf, TableReader, type Table } from '../table/table.js'
import type { Filter, RowPredicate } from './filter.js'
import { Match } from './match.js'
import { TableJsonRows } from './json-chunks.js'
import type { DataVersion, SelectQuery, Selection, StatisticsQuery } from './data-version.js'
import { RowOrder } from './row-order.js'
import { statisticsOfRows, statisticsOfRun, type Statistics } from './statistics.js'
import { TableIndex } from './table-index.js'

/** Of rows that are put together cell by cell, at most so many at a time, and about so many characters of text. */
const BATCH_ROWS = 500
const BATCH_CHARACTERS = 64 * 1024

/** Matches are kept while they have no more rows than the table together, or than these. */
const LEAST_MATCHES = 10_000
const ROW_BYTES = Uint32Array.BYTES_PER_ELEMENT

/** The records of one data version as a table in this process. */
export class TableVersion implements DataVersion {
  readonly version: string
  readonly columns: readonly string[]
  readonly memory: ReadonlySet<ArrayBufferLike>
  readonly #table: TableReader
  readonly #index: TableIndex
  readonly #timeZone: string
  readonly #matches: BoundedCache<Match>

  constructor (data: Table, timeZone: string) {
    this.#matches = new BoundedCache(ROW_BYTES * Math.max(data.length, LEAST_MATCHES))
    this.#table = new TableReader(data)
    this.#index = new TableIndex(this.#table)
    this.#timeZone = timeZone
    this.version = data.version
    this.columns = this.#table.columnNames
    this.memory = memoryOf(data)
    hintSharedMemory(data, byteLength(data))
  }

  async select (query: SelectQuery): Promise<Selection> {
    const { filters = [], columns = DECLARED_COLUMNS, sort = 'user_id', limit, after } = query
    const match = this.#match(filters)
    const order = new RowOrder(this.#index, sort)
    const isPage = limit !== undefined || after !== undefined
    // One more than asked for tells whether there are more.
    const page = isPage ? order.page(match, after, (limit ?? match.count) + 1) : undefined
    const hasMore = limit !== undefined && page!.length > limit
    let listed = page?.subarray(0, limit)
    const rows = () => (listed ??= order.rows(match))
    return {
      columns,
      count: match.count,
      next: hasMore ? order.positionOf(page![limit - 1]!) : undefined,
      batches: () => batches(this.#table, rows(), columns),
      json: isBase(columns) ? () => new TableJsonRows(this.#table, rows, !isPage && match.isAll && sort === 'user_id') : undefined
    }
  }

  async statistics ({ filters = [], asOf, binWidth }: StatisticsQuery): Promise<Statistics> {
    const match = this.#match(filters)
    const ages = { asOf, binWidth, timeZone: this.#timeZone }
    const { births } = this.#table.data
    return match.run !== undefined && births.datesAscend
      ? statisticsOfRun(this.#index.births, match.run.run, match.run.part, ages)
      : statisticsOfRows(this.#table, match.rows, ages)
  }

  /** The pages of one listing ask for the same rows again and again. */
  #match (filters: readonly (Filter | RowPredicate)[]): Match {
    const match = new Match(this.#index, filters)
    // What a run of the index answers is found as quickly as it would be looked up.
    if (match.run !== undefined || !filters.every(isData)) return match
    const key = JSON.stringify(filters)
    const known = this.#matches.get(key)
    if (known === undefined) this.#matches.set(key, match, ROW_BYTES * match.count)
    return known ?? match
  }
}

function isData (filter: Filter | RowPredicate): filter is Filter {
  return typeof filter !== 'function'
}

function isBase (columns: readonly string[]): boolean {
  return columns.length === DECLARED_COLUMNS.length && DECLARED_COLUMNS.every((column, i) => column === columns[i])
}

async function * batches (table: TableReader, rows: Uint32Array, columns: readonly string[]): AsyncGenerator<Cell[][]> {
  for (let start = 0; start < rows.length;) {
    if (start > 0) await setImmediate() // others get their turn
    const batch: Cell[][] = []
    for (let length = 0; start < rows.length && batch.length < BATCH_ROWS && length < BATCH_CHARACTERS; start++) {
      const cells = columns.map((column) => table.cell(rows[start]!, column))
      for (const cell of cells) if (typeof cell === 'string') length += cell.length
      batch.push(cells)
    }
    yield batch
  }
}
