import { foldCase } from '../base/fold-case.js'
import { recordKeysOf } from '../schema/record.js'
import { firstIndex } from '../base/bytes.js'
import { hasValue } from '../table/column.js'
import type { DictionaryReader } from '../table/table.js'
import { Utf8Reader } from '../table/utf8-column.js'
import type { ImageFacet, Run } from './birth-index.js'
import type { Filter, Range, RowPredicate } from './filter.js'
import type { TableIndex } from './table-index.js'

/** A filter on a table. */
export interface Condition {
  test (row: number): boolean
  /** All rows that meet it and perhaps others, each once, in any order. Absent: every row may meet it. */
  readonly candidates?: Candidates
  /** Exactly the rows that meet it, as a run of the rows by birth. */
  readonly run?: Run
  /** Exactly the rows that meet it, as a facet of any run. */
  readonly facet?: ImageFacet
}

export interface Candidates {
  readonly count: number
  rows (): Uint32Array
}

/** Evaluates a filter on a table. */
export function toCondition (filter: Filter | RowPredicate, index: TableIndex): Condition {
  const { table } = index
  if (typeof filter === 'function') return { test: (row) => filter(table.row(row)) }
  switch (filter.op) {
    case 'born': return born(index, filter.unit, filter.value)
    case 'range': return between(index, filter.column, filter.value)
    case 'exists': return exists(index, filter.column, filter.value)
    case 'equals': return equals(index, filter.column, typeof filter.value === 'string' ? [filter.value] : filter.value, filter.fold ?? false)
    case 'any': return anyOf(filter.filters.map((filter) => toCondition(filter, index)))
    case 'prefix': return startsWith(index, filter.column, filter.value, filter.fold ?? false)
    default: throw new TypeError(`Unknown filter operator ${String((filter satisfies never as { op: unknown }).op)}`)
  }
}

function between (index: TableIndex, name: string, { min = -Infinity, max = Infinity }: Range): Condition {
  const column = index.table.column(name)
  if (column === undefined || column.kind === 'dictionary') throw new TypeError(`The column ${name} has no range of numbers`)
  if (column.kind === 'number' && index.births?.isOf(column)) return born(index, 'millisecond', { min, max })
  const { kind, values } = column
  return { test: (row) => hasValue(kind, values[row]!) && values[row]! >= min && values[row]! <= max }
}

/** Rows without a birth are in no range: NaN compares as false, and they are in no run. */
function born (index: TableIndex, unit: 'millisecond' | 'calendar day', { min = -Infinity, max = Infinity }: Range): Condition {
  const { births, table: { data } } = index
  if (births === undefined) throw new TypeError('The records have no births')
  const { instants, dates } = data.births!
  const run = unit === 'millisecond' ? births.bornBetween(min, max) : births.datedBetween(min, max)
  const test = unit === 'millisecond'
    ? (row: number) => instants[row]! >= min && instants[row]! <= max
    : (row: number) => dates[row]! >= min && dates[row]! <= max && (births.isComplete || !Number.isNaN(instants[row]!))
  return run === undefined ? { test } : { test, run, candidates: { count: run.to - run.from, rows: () => births.rows(run.from, run.to).slice() } }
}

function exists (index: TableIndex, name: string, value: boolean): Condition {
  const { table } = index
  const keys = table.images(name)
  if (keys !== undefined) return { test: (row) => keys.isEmpty(row) !== value, ...keys === table.image && { facet: value ? 'with image' : 'without image' } }
  const column = table.column(name)
  if (column === undefined) return value === (name === table.keyName) ? { test: () => true } : nothing()
  if (column.kind !== 'dictionary') return { test: (row) => hasValue(column.kind, column.values[row]!) === value }
  const { rows, starts } = index.postings(name)
  const [from, to] = value ? [starts[1]!, rows.length] : [0, starts[1]!]
  return { test: (row) => (column.codes[row] !== 0) === value, candidates: { count: to - from, rows: () => rows.slice(from, to) } }
}

function equals (index: TableIndex, column: string, values: readonly string[], fold: boolean): Condition {
  const { table } = index
  const dictionary = table.dictionary(column)
  if (dictionary !== undefined) return hasCode(index, dictionary, values.flatMap((value) => codesOf(dictionary, value, fold, false)))
  const test = textTest(index, column, fold, (text) => wanted.has(text))
  const wanted = new Set(fold ? values.map(foldCase) : values)
  if (fold) return { test }
  if (column === table.keyName) return { test, candidates: candidateList([...wanted].map((key) => table.keys.find(key))) }
  // An image belongs to the record whose key is its base name without the extension.
  if (table.images(column) !== undefined) return { test, candidates: candidateList([...wanted].flatMap(recordKeysOf).map((key) => table.keys.find(key))) }
  return { test }
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

function anyOf (conditions: readonly Condition[]): Condition {
  const test = (row: number) => conditions.some((condition) => condition.test(row))
  const candidates = conditions.flatMap(({ candidates }) => candidates ?? [])
  if (candidates.length < conditions.length) return { test }
  const count = candidates.reduce((sum, { count }) => sum + count, 0)
  return { test, candidates: { count, rows: () => Uint32Array.from(new Set(candidates.flatMap(({ rows }) => [...rows()]))) } }
}

function candidateList (rows: readonly number[]): Candidates {
  const found = Uint32Array.from(new Set(rows.filter((row) => row !== -1)))
  return { count: found.length, rows: () => found }
}

function nothing (): Condition {
  return { test: () => false, candidates: candidateList([]) }
}
