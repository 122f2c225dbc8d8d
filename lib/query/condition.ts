import { foldCase } from '../base/fold-case.js'
import { userIdOf } from '../schema/record.js'
import { firstIndex } from '../base/bytes.js'
import type { DictionaryReader } from '../table/table.js'
import { Utf8Reader } from '../table/utf8-column.js'
import type { ImageFacet, Run } from './birth-index.js'
import type { Filter, RowPredicate } from './filter.js'
import type { TableIndex } from './table-index.js'

/** A filter on a table. */
export interface Condition {
  test (row: number): boolean
  /** The rows that may meet the condition, each once, in any order. Absent: all rows may. */
  readonly candidates?: Candidates
  /** Exactly the rows that meet it, as a run of the rows by birth. */
  readonly run?: Run
  /** Exactly the rows that meet it, as a facet of any run of them. */
  readonly facet?: ImageFacet
}

export interface Candidates {
  readonly count: number
  rows (): Uint32Array
}

/** Translates a filter into a condition on the rows of a table. */
export function toCondition (filter: Filter | RowPredicate, index: TableIndex): Condition {
  const { table } = index
  if (typeof filter === 'function') return { test: (row) => filter(table.row(row)) }
  const { column, op } = filter
  switch (op) {
    case 'range': return between(index, column, filter.value)
    case 'exists': return exists(index, column, filter.value)
    case 'equals': return equals(index, column, typeof filter.value === 'string' ? [filter.value] : filter.value, filter.fold ?? false)
    case 'prefix': return startsWith(index, column, filter.value, filter.fold ?? false)
    default: throw new TypeError(`Unknown filter operator ${String(op satisfies never)}`)
  }
}

function between (index: TableIndex, column: 'birthts' | 'birth_date', { min = -Infinity, max = Infinity }: { min?: number | undefined, max?: number | undefined }): Condition {
  const { births, table: { data } } = index
  const values = column === 'birthts' ? data.birthts : data.birthDates
  const run = column === 'birthts' ? births.bornBetween(min, max) : births.datedBetween(min, max)
  const test = (row: number) => values[row]! >= min && values[row]! <= max
  return run === undefined ? { test } : { test, run, candidates: { count: run.to - run.from, rows: () => data.births.rows.slice(run.from, run.to) } }
}

function exists (index: TableIndex, column: string, value: boolean): Condition {
  const { table } = index
  if (column === 'img_path') return { test: (row) => table.hasImage(row) === value, facet: value ? 'with image' : 'without image' }
  const dictionary = table.dictionary(column)
  if (dictionary === undefined) return value ? { test: () => true } : nothing()
  const { rows, starts } = index.postings(column)
  const [from, to] = value ? [starts[1]!, rows.length] : [0, starts[1]!]
  return { test: (row) => (dictionary.codes[row] !== 0) === value, candidates: { count: to - from, rows: () => rows.slice(from, to) } }
}

function equals (index: TableIndex, column: string, values: readonly string[], fold: boolean): Condition {
  const { table } = index
  const dictionary = table.dictionary(column)
  if (dictionary !== undefined) return hasCode(index, dictionary, values.flatMap((value) => codesOf(dictionary, value, fold, false)))
  const test = textTest(index, column, fold, (text) => wanted.has(text))
  const wanted = new Set(fold ? values.map(foldCase) : values)
  if (fold) return { test }
  switch (column) {
    case 'user_id': return { test, candidates: candidateList([...wanted].map((id) => table.userIds.find(id))) }
    // The name of an image contains the id of its user.
    case 'img_path': return { test, candidates: candidateList([...wanted].map((key) => table.userIds.find(userIdOf(key)))) }
    default: return { test }
  }
}

function startsWith (index: TableIndex, column: string, prefix: string, fold: boolean): Condition {
  const dictionary = index.table.dictionary(column)
  if (dictionary !== undefined) return hasCode(index, dictionary, codesOf(dictionary, prefix, fold, true))
  const start = fold ? foldCase(prefix) : prefix
  return { test: textTest(index, column, fold, (text) => text.startsWith(start)) }
}

/** Tests the text of each row: for columns without a dictionary. */
function textTest ({ table }: TableIndex, column: string, fold: boolean, matches: (text: string) => boolean): (row: number) => boolean {
  return (row) => {
    const cell = table.cell(row, column)
    return cell !== null && matches(fold ? foldCase(String(cell)) : String(cell))
  }
}

/** The codes of the values that are equal to a text or, with `isPrefix`, begin with it. */
function codesOf (dictionary: DictionaryReader, text: string, fold: boolean, isPrefix: boolean): number[] {
  if (!fold) return rowsOf(dictionary.values, text, isPrefix, 1)
  const folded = foldCase(text)
  if (dictionary.folded !== undefined) return rowsOf(new Utf8Reader(dictionary.folded.texts), folded, isPrefix).map((row) => dictionary.folded!.codes[row]!)
  const codes = Array.from({ length: dictionary.values.length - 1 }, (_, i) => i + 1)
  const matches = isPrefix ? (value: string) => value.startsWith(folded) : (value: string) => value === folded
  return codes.filter((code) => matches(foldCase(dictionary.values.at(code))))
}

/** The rows of an ascending column, from `first` on, that are equal to a text or, with `isPrefix`, begin with it. */
function rowsOf (texts: Utf8Reader, text: string, isPrefix: boolean, first = 0): number[] {
  const bytes = Buffer.from(text)
  const from = texts.lowerBound(bytes, first)
  const comesAfter = (row: number) => {
    const [start, end] = [texts.offsets[row]!, texts.offsets[row + 1]!]
    return texts.bytes.compare(bytes, 0, bytes.length, start, isPrefix ? Math.min(end, start + bytes.length) : end) > 0
  }
  const to = firstIndex(from, texts.length, comesAfter)
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function hasCode (index: TableIndex, { name, codes, values }: DictionaryReader, wanted: readonly number[]): Condition {
  const marks = new Uint8Array(values.length)
  for (const code of wanted) marks[code] = 1
  const distinct = wanted.length === 1 ? wanted : [...new Set(wanted)]
  const { rows, starts } = index.postings(name)
  const count = distinct.reduce((sum, code) => sum + starts[code + 1]! - starts[code]!, 0)
  const gather = () => {
    const gathered = new Uint32Array(count)
    let length = 0
    for (const code of distinct) {
      const some = rows.subarray(starts[code], starts[code + 1])
      gathered.set(some, length)
      length += some.length
    }
    return gathered
  }
  return { test: (row) => marks[codes[row]!] === 1, candidates: { count, rows: gather } }
}

function candidateList (rows: readonly number[]): Candidates {
  const found = Uint32Array.from(new Set(rows.filter((row) => row !== -1)))
  return { count: found.length, rows: () => found }
}

function nothing (): Condition {
  return { test: () => false, candidates: candidateList([]) }
}
