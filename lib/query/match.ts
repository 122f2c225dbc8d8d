import type { ImageFacet, Run } from './birth-index.js'
import { toCondition, type Condition } from './condition.js'
import { SORT_COST } from './costs.js'
import type { Filter, RowPredicate } from './filter.js'
import type { TableIndex } from './table-index.js'

/** The rows of a table that meet all of some filters. */
export class Match {
  readonly #index: TableIndex
  readonly #conditions: readonly Condition[]
  /** Where a run of the rows by birth, or a part of it, is just those rows. */
  readonly run: { readonly run: Run, readonly part: ImageFacet } | undefined
  #count: number | undefined
  #rows: Uint32Array | undefined

  constructor (index: TableIndex, filters: readonly (Filter | RowPredicate)[]) {
    this.#index = index
    this.#conditions = filters.map((filter) => toCondition(filter, index))
    this.run = toRun(this.#conditions, index.table.length)
  }

  get count (): number {
    this.#count ??= this.run === undefined ? this.rows.length : countRun(this.#index, this.run)
    return this.#count
  }

  /** Whether it is every row. */
  get isAll (): boolean {
    return this.#conditions.length === 0
  }

  /** Whether `rows` costs nothing. */
  get isListed (): boolean {
    return this.#rows !== undefined
  }

  test (row: number): boolean {
    for (const condition of this.#conditions) if (!condition.test(row)) return false
    return true
  }

  /** The rows, ascending. */
  get rows (): Uint32Array {
    this.#rows ??= this.#findRows()
    return this.#rows
  }

  #findRows (): Uint32Array {
    const { length } = this.#index.table
    if (this.run !== undefined && this.run.run.to - this.run.run.from < length) return this.#rowsOfRun(this.run.run, this.run.part)
    const driver = this.#conditions.flatMap(({ candidates }) => candidates ?? []).sort((a, b) => a.count - b.count)[0]
    // Few candidates are tested and sorted, for many a scan is cheaper.
    if (driver !== undefined && driver.count * SORT_COST < length) return driver.rows().filter((row) => this.test(row)).sort()
    const rows = new Uint32Array(length)
    let count = 0
    for (let row = 0; row < length; row++) if (this.test(row)) rows[count++] = row
    return rows.slice(0, count)
  }

  /** Marks them, which takes less time than to sort them. */
  #rowsOfRun ({ from, to }: Run, part: ImageFacet): Uint32Array {
    const { table, births } = this.#index
    const hasPart = (row: number) => part === 'all' || table.hasImage(row) === (part === 'with image')
    const positions = births.rows(from, to)
    if (positions.length * SORT_COST < table.length) return positions.filter(hasPart).sort()
    const marks = new Uint32Array(Math.ceil(table.length / 32))
    if (part === 'all') for (const row of positions) marks[row >>> 5]! |= 1 << (row & 31)
    else for (const row of positions) if (hasPart(row)) marks[row >>> 5]! |= 1 << (row & 31)
    const rows = new Uint32Array(this.count)
    let count = 0
    for (let i = 0; i < marks.length; i++) {
      // From the lowest bit on, each taken away once its row is noted.
      for (let bits = marks[i]!; bits !== 0; bits &= bits - 1) rows[count++] = 32 * i + 31 - Math.clz32(bits & -bits)
    }
    return rows
  }
}

function toRun (conditions: readonly Condition[], length: number): { run: Run, part: ImageFacet } | undefined {
  let run = { from: 0, to: length }
  let part: ImageFacet = 'all'
  for (const condition of conditions) {
    if (condition.run !== undefined) {
      const from = Math.max(run.from, condition.run.from)
      run = { from, to: Math.max(from, Math.min(run.to, condition.run.to)) }
    } else if (condition.facet !== undefined) {
      if (part !== 'all' && part !== condition.facet) run = { from: 0, to: 0 }
      part = condition.facet
    } else {
      return undefined
    }
  }
  return { run, part }
}

function countRun ({ births }: TableIndex, { run, part }: { run: Run, part: ImageFacet }): number {
  return births.countBefore(run.to, part) - births.countBefore(run.from, part)
}
