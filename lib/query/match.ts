import { rowRanges, runSteps, STEP_ROWS } from '../base/steps.js'
import type { BirthIndex, ImageFacet, Run } from './birth-index.js'
import { rowNumbers } from './column-order.js'
import { toCondition, type Condition } from './condition.js'
import { CANDIDATE_COST, isCheapToSort, SORT_COST } from './costs.js'
import type { FilterQuery } from './data-version.js'
import { addRows, addWhere, type Bitmap, countRows, emptyBitmap, fullBitmap, hasRow, rowsIn } from './bitmap.js'
import type { TableIndex } from './table-index.js'

/** The rows that were found, as a list or as a bitmap. */
type Found = { readonly rows: Uint32Array, readonly bitmap?: undefined } | { readonly bitmap: Bitmap, readonly rows?: undefined }

/** The rows of a table that match all filters. */
export class Match {
  readonly #index: TableIndex
  /** Present if the matching rows are exactly a facet of a run of the rows by birth. */
  readonly run: { readonly run: Run, readonly facet: ImageFacet } | undefined
  /** Whether there are no filters, so that every row matches. */
  readonly isAll: boolean
  readonly count: number
  readonly test: (row: number) => boolean
  #rows: Uint32Array | undefined
  #bitmap: Bitmap | undefined

  /** @param found absent if the match is a run, or all rows */
  private constructor (index: TableIndex, conditions: readonly Condition[], run: Match['run'], found?: Found) {
    this.#index = index
    this.run = run
    this.isAll = conditions.length === 0
    this.#rows = found?.rows
    this.#bitmap = found?.bitmap
    this.count = run !== undefined ? countRun(index.births!, run) : found === undefined ? index.table.length : found.rows?.length ?? countRows(found.bitmap!)
    // Conditions may hold much memory, so they are not kept once the rows are known.
    this.test = found === undefined ? testOf(conditions) : (row) => hasRow(this.bitmap, row)
  }

  /** Evaluates filters without blocking the event loop. */
  static async find (index: TableIndex, { filters = [], asOf }: FilterQuery): Promise<Match> {
    const conditions: Condition[] = []
    for (const filter of filters) {
      const condition = toCondition(filter, index, asOf)
      conditions.push(condition instanceof Promise ? await condition : condition)
    }
    const run = toRun(conditions, index.births)
    return new Match(index, conditions, run, run !== undefined || conditions.length === 0 ? undefined : await findRows(index, conditions))
  }

  /** The memory of its rows and its bitmap once both were requested, in bytes. */
  get bytes (): number {
    return Uint32Array.BYTES_PER_ELEMENT * (this.count + Math.ceil(this.#index.table.length / 32))
  }

  /** Whether the rows are known already, so that `rows` costs nothing. */
  get isListed (): boolean {
    return this.#rows !== undefined
  }

  /** The matching rows in ascending order. */
  get rows (): Uint32Array {
    this.#rows ??= this.#isEveryRow ? rowNumbers(this.count) : this.#listRows()
    return this.#rows
  }

  /** The matching rows as a bitmap. */
  get bitmap (): Bitmap {
    this.#bitmap ??= this.#isEveryRow ? fullBitmap(this.count) : this.#toBitmap()
    return this.#bitmap
  }

  get #isEveryRow (): boolean {
    return this.count === this.#index.table.length
  }

  #listRows (): Uint32Array {
    const { table: { length } } = this.#index
    if (this.#bitmap === undefined && this.run !== undefined && this.count * SORT_COST < length) return this.#rowsOfRun().slice().sort()
    return rowsIn(this.bitmap, this.count)
  }

  #toBitmap (): Bitmap {
    const bitmap = emptyBitmap(this.#index.table.length)
    addRows(bitmap, this.#rows ?? this.#rowsOfRun())
    return bitmap
  }

  /** In the order of the births. They must not be modified. */
  #rowsOfRun (): Uint32Array {
    const { run: { from, to }, facet } = this.run!
    const { births, table } = this.#index
    const rows = births!.rows(from, to)
    return facet === 'all' ? rows : rows.filter((row) => table.hasImage(row) === (facet === 'with image'))
  }
}

async function findRows (index: TableIndex, conditions: readonly Condition[]): Promise<Found> {
  const { table: { length } } = index
  const [driver] = conditions.filter(({ candidates }) => candidates !== undefined).sort((a, b) => a.candidates!.count - b.candidates!.count)
  if (driver !== undefined) {
    const { count, isExact, rows } = driver.candidates!
    const others = isExact === true ? conditions.filter((condition) => condition !== driver) : conditions
    // If there are few candidates, they are tested and sorted; otherwise a scan of all rows is cheaper, unless there is nothing to test.
    if (others.length === 0 || count * CANDIDATE_COST < length) return await testCandidates(rows(), others, length)
  }
  const bitmap = emptyBitmap(length)
  const test = testOf(conditions)
  const scan = (from: number, to: number) => addWhere(bitmap, from, to, test)
  if (length <= STEP_ROWS) scan(0, length)
  else await runSteps(rowRanges(length, scan))
  return { bitmap }
}

async function testCandidates (candidates: Uint32Array, conditions: readonly Condition[], length: number): Promise<Found> {
  const test = conditions.length === 0 ? undefined : testOf(conditions)
  if (isCheapToSort(candidates.length, length)) return { rows: (test === undefined ? candidates.slice() : candidates.filter(test)).sort() }
  const bitmap = emptyBitmap(length)
  await runSteps(rowRanges(candidates.length, (from, to) => {
    const some = candidates.subarray(from, to)
    addRows(bitmap, test === undefined ? some : some.filter(test))
  }))
  return { bitmap }
}

function testOf (conditions: readonly Condition[]): (row: number) => boolean {
  if (conditions.length === 1) return conditions[0]!.test
  return (row) => {
    for (const { test } of conditions) if (!test(row)) return false
    return true
  }
}

/** The conditions as one run and facet; `undefined` if that is not possible. Rows without a birth are in no run, so even the run of all births may lack rows. */
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
