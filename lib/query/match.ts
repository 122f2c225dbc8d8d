import { rowRanges, runSteps, STEP_ROWS } from '../base/steps.js'
import type { BirthIndex, ImageFacet, Run } from './birth-index.js'
import { bytesOf, toCondition, type Condition } from './condition.js'
import { CANDIDATE_COST, SORT_COST } from './costs.js'
import type { FilterQuery } from './data-version.js'
import type { TableIndex } from './table-index.js'

/** The rows of a table that match all filters. */
export class Match {
  readonly #index: TableIndex
  readonly #conditions: readonly Condition[]
  /** Present if the matching rows are exactly a facet of a run of the rows by birth. */
  readonly run: { readonly run: Run, readonly facet: ImageFacet } | undefined
  readonly test: (row: number) => boolean
  #rows: Uint32Array | undefined

  private constructor (index: TableIndex, conditions: readonly Condition[]) {
    this.#index = index
    this.#conditions = conditions
    this.test = testOf(conditions)
    this.run = toRun(conditions, index.births)
  }

  /** Evaluates filters without blocking the event loop. */
  static async find (index: TableIndex, { filters = [], asOf }: FilterQuery): Promise<Match> {
    const conditions: Condition[] = []
    for (const filter of filters) {
      const condition = toCondition(filter, index, asOf)
      conditions.push(condition instanceof Promise ? await condition : condition)
    }
    const match = new Match(index, conditions)
    if (match.run === undefined && !match.isAll) match.#rows = await match.#findRows()
    return match
  }

  get count (): number {
    if (this.run !== undefined) return countRun(this.#index.births!, this.run)
    return this.isAll ? this.#index.table.length : this.rows.length
  }

  /** The memory of its rows and of its data, in bytes. */
  get bytes (): number {
    return Uint32Array.BYTES_PER_ELEMENT * this.count + bytesOf(this.#conditions)
  }

  /** Whether there are no filters, so that every row matches. */
  get isAll (): boolean {
    return this.#conditions.length === 0
  }

  /** Whether the rows are known already, so that `rows` costs nothing. */
  get isListed (): boolean {
    return this.#rows !== undefined
  }

  /** The matching rows in ascending order. */
  get rows (): Uint32Array {
    this.#rows ??= this.#listRows()
    return this.#rows
  }

  async #findRows (): Promise<Uint32Array> {
    const { table: { length } } = this.#index
    const driver = this.#conditions.flatMap(({ candidates }) => candidates ?? []).sort((a, b) => a.count - b.count)[0]
    // If there are few candidates, they are tested and sorted; otherwise a scan of all rows is cheaper.
    if (driver !== undefined && driver.count * CANDIDATE_COST < length) return await this.#testCandidates(driver.rows())
    const rows = new Uint32Array(length)
    let count = 0
    const scan = (from: number, to: number) => {
      for (let row = from; row < to; row++) if (this.test(row)) rows[count++] = row
    }
    if (length <= STEP_ROWS) scan(0, length)
    else await runSteps(rowRanges(length, scan))
    return rows.slice(0, count)
  }

  async #testCandidates (candidates: Uint32Array): Promise<Uint32Array> {
    const { length } = this.#index.table
    if (candidates.length <= STEP_ROWS && candidates.length * SORT_COST < length) return candidates.filter(this.test).sort()
    const marks = new Uint32Array(Math.ceil(length / 32))
    let count = 0
    await runSteps(rowRanges(candidates.length, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = candidates[i]!
        if (!this.test(row)) continue
        marks[row >>> 5]! |= 1 << (row & 31)
        count++
      }
    }))
    return markedRows(marks, count)
  }

  /** The rows of a run, or all rows. */
  #listRows (): Uint32Array {
    const { births, table: { length } } = this.#index
    if (births !== undefined && this.run !== undefined && this.run.run.to - this.run.run.from < length) return this.#rowsOfRun(births, this.run.run, this.run.facet)
    const rows = new Uint32Array(length)
    let count = 0
    for (let row = 0; row < length; row++) if (this.test(row)) rows[count++] = row
    return count === length ? rows : rows.slice(0, count)
  }

  /** Marks them, which takes less time than to sort them. */
  #rowsOfRun (births: BirthIndex, { from, to }: Run, facet: ImageFacet): Uint32Array {
    const { table } = this.#index
    const isInFacet = (row: number) => facet === 'all' || table.hasImage(row) === (facet === 'with image')
    const positions = births.rows(from, to)
    if (positions.length * SORT_COST < table.length) return positions.filter(isInFacet).sort()
    const marks = new Uint32Array(Math.ceil(table.length / 32))
    if (facet === 'all') for (const row of positions) marks[row >>> 5]! |= 1 << (row & 31)
    else for (const row of positions) if (isInFacet(row)) marks[row >>> 5]! |= 1 << (row & 31)
    return markedRows(marks, this.count)
  }
}

/** The rows whose bits are set, of which there are `count`. */
function markedRows (marks: Uint32Array, count: number): Uint32Array {
  const rows = new Uint32Array(count)
  let length = 0
  for (let i = 0; i < marks.length; i++) {
    // Takes the lowest bit and clears it, until none is left.
    for (let bits = marks[i]!; bits !== 0; bits &= bits - 1) rows[length++] = 32 * i + 31 - Math.clz32(bits & -bits)
  }
  return rows
}

function testOf (conditions: readonly Condition[]): (row: number) => boolean {
  if (conditions.length === 1) return conditions[0]!.test
  return (row) => {
    for (const { test } of conditions) if (!test(row)) return false
    return true
  }
}

/** Rows without a birth are in no run, so that a run of all births need not have all rows. */
function toRun (conditions: readonly Condition[], births: BirthIndex | undefined): { run: Run, facet: ImageFacet } | undefined {
  if (births === undefined || !(births.isComplete || conditions.some(({ run }) => run !== undefined))) return undefined
  let run = { from: 0, to: births.length }
  let facet: ImageFacet = 'all'
  for (const condition of conditions) {
    if (condition.run !== undefined) {
      const from = Math.max(run.from, condition.run.from)
      run = { from, to: Math.max(from, Math.min(run.to, condition.run.to)) }
    } else if (condition.facet !== undefined) {
      if (facet !== 'all' && facet !== condition.facet) run = { from: 0, to: 0 }
      facet = condition.facet
    } else {
      return undefined
    }
  }
  return { run, facet }
}

function countRun (births: BirthIndex, { run, facet }: { run: Run, facet: ImageFacet }): number {
  return births.countBefore(run.to, facet) - births.countBefore(run.from, facet)
}
