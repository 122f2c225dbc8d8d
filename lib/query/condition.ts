import { compareBytes, firstIndex } from '../base/bytes.js'
import { foldCase } from '../base/fold-case.js'
import { rowRanges, runSteps } from '../base/steps.js'
import { recordKeysOf } from '../schema/record.js'
import type { FixedColumn } from '../table/column.js'
import type { DictionaryReader } from '../table/table.js'
import { Utf8Reader } from '../table/utf8-column.js'
import type { ImageFacet, Run } from './birth-index.js'
import type { Filter, Operand, Range, RowPredicate, ValueRange } from './filter.js'
import { findContaining } from './fold-texts.js'
import { listOf, notText, requireNumbers, requireTexts } from './operands.js'
import { addRows, countRows, emptyBitmap, rowsIn } from './bitmap.js'
import { isComparable, orderingOf, queryColumn, valuesOf, type ComparableColumn, type KeyColumn, type QueryColumn } from './query-column.js'
import type { TableIndex } from './table-index.js'

/** A filter on a table. */
export interface Condition {
  readonly test: (row: number) => boolean
  /** A superset of the rows that meet it, each once, in any order. Absent: every row may meet it. */
  readonly candidates?: Candidates | undefined
  /** Exactly the rows that meet it, as a run of the rows by birth. */
  readonly run?: Run | undefined
  /** If present, a row meets the condition if and only if it is in this facet. */
  readonly facet?: ImageFacet | undefined
}

export interface Candidates {
  /** The number of rows, or a larger one. */
  readonly count: number
  /** They must not be modified. */
  readonly rows: () => Uint32Array
  /** Whether each of them meets the condition. */
  readonly isExact?: boolean
}

/**
 * Evaluates a filter on a table; a promise if that takes long.
 *
 * @param asOf the instant of ages, in milliseconds since 1970-01-01 UTC
 * @throws TypeError if the column has values of another type
 */
export function toCondition (filter: Filter | RowPredicate, index: TableIndex, asOf: number | undefined): Condition | Promise<Condition> {
  const { table } = index
  if (typeof filter === 'function') return { test: (row) => filter(table.row(row)) }
  switch (filter.op) {
    case 'born': return born(index, filter.unit, filter.value)
    case 'words': return containsWords(index, filter.value)
    case 'not': return not(toCondition(filter.filter, index, asOf))
    case 'any': return anyOf(filter.filters.map((filter) => toCondition(filter, index, asOf)), table.length)
  }
  const column = index.column(filter.column, asOf)
  switch (filter.op) {
    case 'range': case 'prefix':
      if (column === undefined || isComparable(column)) return byBytes(filter, index, column)
      return index.comparable(column).then((comparable) => byBytes(filter, index, comparable))
    case 'exists': return exists(index, column, filter.value)
    case 'equals': return equals(index, column, listOf(filter.value), filter.fold ?? false)
    case 'contains': return containsText(index, column, filter.value)
    default: throw new TypeError(`Unknown filter operator ${String((filter satisfies never as { op: unknown }).op)}`)
  }
}

function byBytes (filter: Extract<Filter, { readonly op: 'range' | 'prefix' }>, index: TableIndex, column: ComparableColumn | undefined): Condition {
  return filter.op === 'range' ? between(index, column, filter.value) : startsWith(index, column, filter.value, filter.fold ?? false)
}

/** @param length the number of rows of the table */
async function anyOf (anyConditions: readonly (Condition | Promise<Condition>)[], length: number): Promise<Condition> {
  const conditions = await Promise.all(anyConditions)
  const test = (row: number) => conditions.some((condition) => condition.test(row))
  const candidates = conditions.flatMap(({ candidates }) => candidates ?? [])
  if (candidates.length < conditions.length) return { test }
  const count = candidates.reduce((sum, { count }) => sum + count, 0)
  const rows = () => {
    const bitmap = emptyBitmap(length)
    for (const { rows } of candidates) addRows(bitmap, rows())
    return rowsIn(bitmap, countRows(bitmap))
  }
  return { test, candidates: { count, isExact: candidates.every(({ isExact }) => isExact === true), rows } }
}

/** The negation of a condition. It has no candidates, run or facet. */
async function not (condition: Condition | Promise<Condition>): Promise<Condition> {
  const { test } = await condition
  return { test: (row) => !test(row) }
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
  return run === undefined ? { test } : { test, run, candidates: { count: run.to - run.from, rows: () => births.rows(run.from, run.to), isExact: true } }
}

function exists (index: TableIndex, column: QueryColumn | undefined, value: boolean): Condition {
  if (column === undefined) return value ? nothing() : { test: () => true }
  const { hasValue } = valuesOf(column)
  const test = (row: number) => hasValue(row) === value
  if (column.kind === 'keys') {
    if (column.isKey) return value ? { test } : nothing()
    return { test, facet: column.texts === index.table.image ? value ? 'with image' : 'without image' : undefined }
  }
  const order = index.orderIfReady(column)
  return { test, candidates: order && slice(order.rows, value ? 0 : order.valued, value ? order.valued : order.rows.length) }
}

function equals (index: TableIndex, column: QueryColumn | undefined, values: readonly Operand[], fold: boolean): Condition {
  if (column === undefined) return nothing()
  if (column.kind === 'dictionary') {
    const texts = requireTexts(column.name, values)
    return hasCode(index, column, texts.flatMap((text) => codesOf(column, text, fold, false)))
  }
  if (column.kind === 'keys') return equalsKey(index, column, requireTexts(column.name, values), fold)
  const numbers = requireNumbers(column.name, values)
  if (numbers.length === 1) return between(index, column, { min: numbers[0], max: numbers[0] })
  const wanted = new Set(numbers)
  const stored = column.values
  return { test: (row) => wanted.has(stored[row]!) }
}

function equalsKey ({ table }: TableIndex, { texts, isKey }: KeyColumn, values: readonly string[], fold: boolean): Condition {
  const wanted = new Set(fold ? values.map(foldCase) : values)
  const test = textTest(texts, fold, (text) => wanted.has(text))
  // An image belongs to the record whose key is its base name without the extension.
  return fold ? { test } : { test, candidates: candidateList([...wanted].flatMap((key) => isKey ? key : recordKeysOf(key)).map((key) => table.keys.find(key))) }
}

function startsWith (index: TableIndex, column: ComparableColumn | undefined, prefix: string, fold: boolean): Condition {
  if (column === undefined) return nothing()
  if (column.kind === 'dictionary') return hasCode(index, column, codesOf(column, prefix, fold, true))
  const { texts, isKey } = keysOf(column)
  const folded = foldCase(prefix)
  if (fold) return { test: textTest(texts, fold, (text) => text.startsWith(folded)) }
  const bytes = Buffer.from(prefix)
  const compare = (row: number) => compareBytes(texts.bytes, texts.offsets[row]!, Math.min(texts.offsets[row + 1]!, texts.offsets[row]! + bytes.length), bytes, 0, bytes.length)
  const test = (row: number) => compare(row) === 0 && !texts.isEmpty(row)
  return { test, candidates: isKey ? rowRun(texts.length, (row) => compare(row) >= 0, (row) => compare(row) > 0) : undefined }
}

/** Tests the text of each row: for columns without a dictionary. */
function textTest (texts: KeyColumn['texts'], fold: boolean, matches: (text: string) => boolean): (row: number) => boolean {
  return (row) => !texts.isEmpty(row) && matches(fold ? foldCase(texts.at(row)) : texts.at(row))
}

async function containsText (index: TableIndex, column: QueryColumn | undefined, text: string): Promise<Condition> {
  if (column === undefined) return nothing()
  if (column.kind !== 'dictionary') {
    const keys = keysOf(column)
    const flags = await flagsOfContaining(index, keys, text)
    return { test: (row) => flags[row] === 1 && !keys.texts.isEmpty(row) }
  }
  const { codes } = column
  const flags = await flagsOfContaining(index, column, text)
  return { test: (row) => flags[codes[row]!] === 1 }
}

/** An array with an element for each code, or for each row of a column of keys: 1 if its text contains this one, ignoring case, otherwise 0. */
async function flagsOfContaining (index: TableIndex, column: DictionaryReader | KeyColumn, text: string): Promise<Uint8Array> {
  const { texts, codes } = await index.foldedTexts(column)
  const flags = new Uint8Array(column.kind === 'keys' ? texts.length : column.values.length)
  await runSteps(findContaining(texts, Buffer.from(foldCase(text)), (i) => { flags[codes === undefined ? i : codes[i]!] = 1 }))
  if (column.kind === 'dictionary') flags[0] = 0
  return flags
}

async function containsWords (index: TableIndex, words: readonly string[]): Promise<Condition> {
  const { table } = index
  const columns = [table.keyName, ...table.data.columns.map(({ name }) => name)].map((name) => queryColumn(table, name))
    .filter((column) => column?.kind === 'dictionary' || column?.kind === 'keys')
  /** The number of words that each row contains. */
  const counts = new (words.length < 256 ? Uint8Array : Uint32Array)(table.length)
  for (const word of words) {
    const found = new Uint8Array(table.length)
    for (const column of columns) {
      const flags = await flagsOfContaining(index, column, word)
      if (!flags.includes(1)) continue
      const codes = column.kind === 'dictionary' ? column.codes : undefined
      await runSteps(rowRanges(table.length, (from, to) => {
        for (let row = from; row < to; row++) found[row]! |= flags[codes === undefined ? row : codes[row]!]!
      }))
    }
    await runSteps(rowRanges(table.length, (from, to) => {
      for (let row = from; row < to; row++) counts[row]! += found[row]!
    }))
  }
  return { test: (row) => counts[row] === words.length }
}

function between (index: TableIndex, column: ComparableColumn | undefined, { min, max, isMinExcluded = false, isMaxExcluded = false }: ValueRange): Condition {
  if (column === undefined) return nothing()
  const bounds = [min, max].filter((bound) => bound !== undefined)
  if (column.kind === 'dictionary' || column.kind === 'keys') requireTexts(column.name, bounds)
  else if (index.births?.isOf(column) && column.kind === 'number') {
    // Births are whole numbers.
    const [from, to] = [min === undefined ? -Infinity : Number(min), max === undefined ? Infinity : Number(max)]
    requireNumbers(column.name, bounds)
    return born(index, 'millisecond', { min: isMinExcluded ? from + 1 : from, max: isMaxExcluded ? to - 1 : to })
  } else requireNumbers(column.name, bounds)
  const { comparedTo } = orderingOf(column)
  const [toMin, toMax] = [min === undefined ? undefined : comparedTo(min), max === undefined ? undefined : comparedTo(max)]
  const isFrom = toMin === undefined ? () => true : isMinExcluded ? (row: number) => toMin(row) > 0 : (row: number) => toMin(row) >= 0
  const isTo = toMax === undefined ? () => true : isMaxExcluded ? (row: number) => toMax(row) < 0 : (row: number) => toMax(row) <= 0
  const test = column.kind === 'dictionary' || column.kind === 'keys' ? textRangeTest(column, isFrom, isTo) : numberRangeTest(column, { min, max, isMinExcluded, isMaxExcluded })
  if (column.kind === 'keys' && column.isKey) return { test, candidates: rowRun(column.texts.length, isFrom, (row) => !isTo(row)) }
  const order = index.orderIfReady(column)
  if (order === undefined) return { test }
  const from = firstIndex(0, order.valued, (i) => isFrom(order.rows[i]!))
  const to = firstIndex(from, order.valued, (i) => !isTo(order.rows[i]!))
  return { test, candidates: slice(order.rows, from, to) }
}

function textRangeTest (column: DictionaryReader | KeyColumn, isFrom: (row: number) => boolean, isTo: (row: number) => boolean): (row: number) => boolean {
  const { hasValue } = valuesOf(column)
  return (row) => hasValue(row) && isFrom(row) && isTo(row)
}

/** The stored numbers of missing days and booleans are outside of these bounds; that of missing numbers, NaN, is in no range. */
const BOUNDS = { number: [-Infinity, Infinity], day: [0.5 - 2 ** 31, Infinity], boolean: [-0.5, 1.5] } as const

function numberRangeTest ({ kind, values }: FixedColumn, { min, max, isMinExcluded, isMaxExcluded }: ValueRange): (row: number) => boolean {
  const [least, greatest] = BOUNDS[kind]
  const [low, high] = [min === undefined ? least : Math.max(least, Number(min)), max === undefined ? greatest : Math.min(greatest, Number(max))]
  if (!isMinExcluded && !isMaxExcluded) return (row) => values[row]! >= low && values[row]! <= high
  const isIn = (value: number) => (isMinExcluded ? value > low : value >= low) && (isMaxExcluded ? value < high : value <= high)
  return (row) => isIn(values[row]!)
}

function keysOf<K extends KeyColumn> (column: FixedColumn | K): K {
  if (column.kind !== 'keys') throw notText(column.name)
  return column
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

function hasCode (index: TableIndex, column: DictionaryReader, wanted: readonly number[]): Condition {
  const { codes, values } = column
  const flags = new Uint8Array(values.length)
  for (const code of wanted) flags[code] = 1
  const test = (row: number) => flags[codes[row]!] === 1
  const order = index.orderIfReady(column)
  if (order === undefined) return { test }
  const { rows, starts } = order
  const distinct = wanted.length === 1 ? wanted : [...new Set(wanted)]
  const count = distinct.reduce((sum, code) => sum + starts[code]! - starts[code - 1]!, 0)
  const gather = () => {
    const gathered = new Uint32Array(count)
    let length = 0
    for (const code of distinct) {
      const some = rows.subarray(starts[code - 1], starts[code])
      gathered.set(some, length)
      length += some.length
    }
    return gathered
  }
  return { test, candidates: { count, rows: gather, isExact: true } }
}

function slice (rows: Uint32Array, from: number, to: number): Candidates {
  return { count: to - from, rows: () => rows.subarray(from, to), isExact: true }
}

/** The rows from the first one for which `begins` holds up to the next one for which `ends` does; both then hold for all later ones. */
function rowRun (length: number, begins: (row: number) => boolean, ends: (row: number) => boolean): Candidates {
  const from = firstIndex(0, length, begins)
  const count = firstIndex(from, length, ends) - from
  return { count, rows: () => Uint32Array.from({ length: count }, (_, i) => from + i), isExact: true }
}

function candidateList (rows: readonly number[]): Candidates {
  const found = Uint32Array.from(new Set(rows.filter((row) => row !== -1)))
  return { count: found.length, rows: () => found }
}

function nothing (): Condition {
  return { test: () => false, candidates: candidateList([]) }
}
