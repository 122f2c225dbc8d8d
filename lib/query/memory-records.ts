import { setImmediate } from 'node:timers/promises'
import { BASE_COLUMNS, cell, type Cell, type UserRow } from '../record.js'
import { compareUtf8 } from '../utf8.js'
import { toPredicate, type Filter, type RowPredicate } from './filter.js'
import type { Records, SelectQuery, Selection, Sort, StatisticsQuery } from './records.js'
import { statisticsOf, type Statistics } from './statistics.js'

const BATCH_ROWS = 500

/** The records of one data version as an array in this process. */
export class MemoryRecords implements Records {
  readonly #rows: readonly UserRow[]
  readonly #timeZone: string
  readonly columns: readonly string[]

  /** @param rows in the order of their user ids, never changed afterwards */
  constructor (rows: readonly UserRow[], timeZone: string) {
    this.#rows = rows
    this.#timeZone = timeZone
    const further = new Set(rows.flatMap((row) => Object.keys(row.further)))
    this.columns = [...BASE_COLUMNS, ...[...further].sort(compareUtf8)]
  }

  async select ({ filters = [], columns = BASE_COLUMNS, sort = 'user_id' }: SelectQuery): Promise<Selection> {
    const rows = inOrder(this.#match(filters), sort)
    return { columns, count: rows.length, batches: () => batches(rows, columns) }
  }

  async statistics ({ filters = [], asOf, binWidth }: StatisticsQuery): Promise<Statistics> {
    return statisticsOf(this.#match(filters), { asOf, binWidth, timeZone: this.#timeZone })
  }

  #match (filters: readonly (Filter | RowPredicate)[]): readonly UserRow[] {
    const predicates = filters.map(toPredicate)
    return this.#candidates(filters).filter((row) => predicates.every((matches) => matches(row)))
  }

  /** All rows, or the few that a filter by user id leaves: looking one user up must not cost a scan. */
  #candidates (filters: readonly (Filter | RowPredicate)[]): readonly UserRow[] {
    for (const filter of filters) {
      if (typeof filter === 'function' || filter.column !== 'user_id' || filter.op !== 'equals' || filter.fold) continue
      const ids = new Set(typeof filter.value === 'string' ? [filter.value] : filter.value)
      return [...ids].sort(compareUtf8).flatMap((id) => this.#find(id) ?? [])
    }
    return this.#rows
  }

  #find (userId: string): UserRow | undefined {
    let low = 0
    let high = this.#rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareUtf8(this.#rows[middle]!.user_id, userId) < 0) low = middle + 1
      else high = middle
    }
    const row = this.#rows[low]
    return row?.user_id === userId ? row : undefined
  }
}

function inOrder (rows: readonly UserRow[], sort: Sort): readonly UserRow[] {
  if (sort === 'user_id') return rows
  const column = sort.replace('-', '') as 'user_id' | 'first_name' | 'last_name' | 'birthts'
  // The rows come by user id and sorting is stable, so ties stay in that order.
  const sorted = column === 'birthts'
    ? rows.toSorted((a, b) => a.birthts - b.birthts)
    : rows.toSorted((a, b) => compareUtf8(a[column], b[column]))
  return sort.startsWith('-') ? sorted.reverse() : sorted
}

async function * batches (rows: readonly UserRow[], columns: readonly string[]): AsyncGenerator<Cell[][]> {
  for (let start = 0; start < rows.length; start += BATCH_ROWS) {
    if (start > 0) await setImmediate() // others get their turn
    yield rows.slice(start, start + BATCH_ROWS).map((row) => columns.map((column) => cell(row, column)))
  }
}
