import { rowRanges, runSteps } from '../base/steps.js'
import type { TypeName } from '../schema/field-type.js'
import { toCell } from '../table/cell.js'
import { fromStored, hasValue, type FixedColumn } from '../table/column.js'
import type { DictionaryReader } from '../table/table.js'
import type { GroupedRows } from './value-statistics.js'
import type { Match } from './match.js'
import { orderingOf, type QueryColumn } from './query-column.js'
import { RowOrder } from './row-order.js'
import type { Group, OtherGroups } from './statistics.js'
import type { TableIndex } from './table-index.js'

/** The largest groups, the largest first; ties by value, `null` last. */
export interface Groups {
  readonly groups: readonly Group[]
  readonly other: OtherGroups
  /** The rows of the groups. */
  readonly grouped: () => Promise<GroupedRows>
}

/** Whole numbers are counted in an array if their range is not greater than this, or than twice the number of rows. */
const MIN_RANGE = 65_536

/** A group that is being counted. `place`: its code, its distance from the least number, or where its rows begin in the order of the column. */
interface Counted { readonly place: number, readonly count: number }

export interface GroupOptions {
  readonly column: string
  readonly type: TypeName
  /** The largest number of groups, at most 1,000. */
  readonly limit: number
  /** The instant of ages, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
}

/** Counts the matching rows by the values of a column. */
export async function groupRows (index: TableIndex, match: Match, options: GroupOptions): Promise<Groups> {
  const column = index.column(options.column, options.asOf)!
  if (column.kind === 'dictionary') return await groupByCode(index, column, match, options.limit)
  return (column.kind !== 'keys' ? await groupByNumber(index, column, match, options) : undefined) ?? await groupByOrder(index, column, match, options)
}

async function groupByCode ({ table }: TableIndex, { codes, values }: DictionaryReader, match: Match, limit: number): Promise<Groups> {
  const { rows } = match
  const counts = new Uint32Array(values.length)
  await runSteps(rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) counts[codes[rows[i]!]!]!++
  }))
  const largest = new Largest(limit)
  await runSteps(rowRanges(values.length, (from, to) => {
    for (let code = Math.max(from, 1); code < to; code++) largest.add(code, counts[code]!)
  }))
  largest.add(0, counts[0]!)
  const { groups, other } = largest.end()
  return {
    groups: groups.map(({ place: code, count }) => ({ value: code === 0 ? null : values.at(code), count })),
    other,
    grouped: async () => {
      const groupOfCode = new Int16Array(values.length).fill(-1)
      groups.forEach(({ place: code }, group) => { groupOfCode[code] = group })
      const groupOf = new Int16Array(table.length).fill(-1)
      await runSteps(rowRanges(rows.length, (from, to) => {
        for (let i = from; i < to; i++) groupOf[rows[i]!] = groupOfCode[codes[rows[i]!]!]!
      }))
      return { rows, groups: groups.length, groupOf }
    }
  }
}

/** Groups by whole numbers whose range is not much larger than the table. Returns `undefined` for other columns. */
async function groupByNumber (index: TableIndex, column: FixedColumn, match: Match, { type, limit }: GroupOptions): Promise<Groups | undefined> {
  const { table } = index
  const { kind, values } = column
  const range = await index.wholeRange(column)
  if (range === undefined || range.max - range.min > Math.max(MIN_RANGE, 2 * table.length)) return undefined
  const { min, max } = range
  const { rows } = match
  let missing = 0
  const counts = new Uint32Array(Math.max(0, max - min + 1))
  await runSteps(rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const value = values[rows[i]!]!
      if (hasValue(kind, value)) counts[value - min]!++
      else missing++
    }
  }))
  const largest = new Largest(limit)
  await runSteps(rowRanges(counts.length, (from, to) => {
    for (let i = from; i < to; i++) largest.add(i, counts[i]!)
  }))
  const none = counts.length
  largest.add(none, missing)
  const { groups, other } = largest.end()
  return {
    groups: groups.map(({ place, count }) => ({ value: place === none ? null : toCell(type, fromStored(kind, min + place)), count })),
    other,
    grouped: async () => {
      const groupOfPlace = new Int16Array(none + 1).fill(-1)
      groups.forEach(({ place }, group) => { groupOfPlace[place] = group })
      const groupOf = new Int16Array(table.length).fill(-1)
      await runSteps(rowRanges(rows.length, (from, to) => {
        for (let i = from; i < to; i++) {
          const value = values[rows[i]!]!
          groupOf[rows[i]!] = groupOfPlace[hasValue(kind, value) ? value - min : none]!
        }
      }))
      return { rows, groups: groups.length, groupOf }
    }
  }
}

async function groupByOrder (index: TableIndex, column: QueryColumn, match: Match, { column: name, type, limit, asOf }: GroupOptions): Promise<Groups> {
  const order = new RowOrder(index, [{ column: name }], asOf)
  await order.prepare(match)
  const rows = order.rows(match)
  const { hasValue, compare, valueOf } = orderingOf(await index.comparable(column))
  const largest = new Largest(limit)
  let first = 0
  await runSteps(rowRanges(rows.length, (from, to) => {
    for (let i = Math.max(from, 1); i < to; i++) {
      const [last, row] = [rows[i - 1]!, rows[i]!]
      const isSame = hasValue(row) ? compare(last, row) === 0 : !hasValue(last)
      if (isSame) continue
      largest.add(first, i - first)
      first = i
    }
  }))
  largest.add(first, rows.length - first)
  const { groups, other } = largest.end()
  return {
    groups: groups.map(({ place, count }) => ({ value: toCell(type, valueOf(rows[place]!)), count })),
    other,
    grouped: async () => {
      const groupOf = new Int16Array(index.table.length).fill(-1)
      groups.forEach(({ place, count }, group) => {
        for (let i = place; i < place + count; i++) groupOf[rows[i]!] = group
      })
      return { rows: match.rows, groups: groups.length, groupOf }
    }
  }
}

/** Collects the largest groups, in memory for twice their number. */
class Largest {
  readonly #limit: number
  #groups: Counted[] = []
  /** A group is among the largest only if it has more records than this. */
  #threshold = 0
  #allGroups = 0
  #allCount = 0

  constructor (limit: number) {
    this.#limit = limit
  }

  /** Adds a group, which comes after those of its size that were added before. */
  add (place: number, count: number): void {
    if (count === 0) return
    this.#allGroups++
    this.#allCount += count
    if (count <= this.#threshold) return
    this.#groups.push({ place, count })
    if (this.#groups.length >= 2 * this.#limit) this.#cut()
  }

  end (): { readonly groups: readonly Counted[], readonly other: OtherGroups } {
    this.#cut()
    const count = this.#groups.reduce((sum, group) => sum + group.count, 0)
    return { groups: this.#groups, other: { groups: this.#allGroups - this.#groups.length, count: this.#allCount - count } }
  }

  #cut (): void {
    // Array.prototype.sort is stable.
    this.#groups = this.#groups.sort((a, b) => b.count - a.count).slice(0, this.#limit)
    if (this.#groups.length === this.#limit) this.#threshold = this.#groups.at(-1)!.count
  }
}
