import { foldCase } from '../base/fold-case.js'
import type { Filter, Operand, Range, RowPredicate, ValueRange } from '../query/filter.js'
import { listOf, notText, requireNumbers, requireTexts } from '../query/operands.js'
import { engineColumn, type ColumnContext, type EngineColumn } from './columns.js'
import { identifier, isOneOf, join, number, raw, sql, text, type Sql } from './sql.js'
import { foldColumn } from './tables.js'

const ALL = raw('1')
const NOTHING = raw('0')

/**
 * The condition of a filter. It is NULL or false for a record that does not meet it.
 *
 * @param asOf the instant of ages, in milliseconds since 1970-01-01 UTC
 * @throws TypeError if the column has values of another type, and for a function, which runs in process only
 */
export function compileFilter (filter: Filter | RowPredicate, context: ColumnContext, asOf: number | undefined): Sql {
  if (typeof filter === 'function') throw new TypeError('A function as a filter needs the in-process engine')
  switch (filter.op) {
    case 'born': return born(context, filter.unit, filter.value)
    case 'words': return containsWords(context, filter.value)
    case 'not': return sql`NOT ifNull(${compileFilter(filter.filter, context, asOf)}, 0)`
    case 'any': return sql`(${join(filter.filters.map((filter) => compileFilter(filter, context, asOf)), ' OR ')})`
  }
  const column = engineColumn(context, filter.column, asOf)
  switch (filter.op) {
    case 'exists':
      if (column === undefined) return filter.value ? NOTHING : ALL
      return filter.value ? column.exists : sql`NOT ${column.exists}`
    case 'equals': return column === undefined ? NOTHING : equals(column, listOf(filter.value), filter.fold ?? false)
    case 'range': return column === undefined ? NOTHING : between(column, filter.value)
    case 'prefix': return column === undefined ? NOTHING : startsWith(column, filter.value, filter.fold ?? false)
    case 'contains': return column === undefined ? NOTHING : contains(foldOf(column), filter.value)
    default: throw new TypeError(`Unknown filter operator ${String((filter satisfies never as { op: unknown }).op)}`)
  }
}

function born ({ fields }: ColumnContext, unit: 'millisecond' | 'calendar day', { min, max }: Range): Sql {
  if (!fields.some(({ isBirth }) => isBirth)) throw new TypeError('The records have no births')
  const value = unit === 'millisecond' ? raw('born') : raw('born_day')
  return sql`(${join([raw('isNotNull(born)'), ...boundsOf(value, { min, max }, number)], ' AND ')})`
}

function equals ({ name, type, value, fold }: EngineColumn, values: readonly Operand[], ignoresCase: boolean): Sql {
  if (fold !== undefined) {
    const texts = requireTexts(name, values)
    return ignoresCase ? isOneOf(fold, texts.map(foldCase), 'String') : isOneOf(value, texts, 'String')
  }
  const numbers = requireNumbers(name, values)
  if (type === 'number') return isOneOf(value, numbers, 'Float64')
  const integers = numbers.filter(Number.isSafeInteger)
  return type === 'boolean' ? isOneOf(value, integers.filter((value) => value === 0 || value === 1), 'UInt8') : isOneOf(value, integers, 'Int64')
}

function between ({ name, value, exists, fold }: EngineColumn, range: ValueRange): Sql {
  const bounds = [range.min, range.max].filter((bound) => bound !== undefined)
  if (fold === undefined) requireNumbers(name, bounds)
  else requireTexts(name, bounds)
  return sql`(${join([exists, ...boundsOf(value, range, fold === undefined ? (bound) => number(Number(bound)) : (bound) => text(String(bound)))], ' AND ')})`
}

function boundsOf<T extends Operand> (value: Sql, { min, max, isMinExcluded = false, isMaxExcluded = false }: Omit<ValueRange, 'min' | 'max'> & { readonly min?: T | undefined, readonly max?: T | undefined }, bind: (bound: T) => Sql): Sql[] {
  return [
    ...min === undefined ? [] : [sql`${value} ${raw(isMinExcluded ? '>' : '>=')} ${bind(min)}`],
    ...max === undefined ? [] : [sql`${value} ${raw(isMaxExcluded ? '<' : '<=')} ${bind(max)}`]
  ]
}

function startsWith (column: EngineColumn, prefix: string, ignoresCase: boolean): Sql {
  const fold = foldOf(column)
  return ignoresCase ? sql`startsWith(${fold}, ${text(foldCase(prefix))})` : sql`startsWith(${column.value}, ${text(prefix)})`
}

function foldOf ({ name, fold }: EngineColumn): Sql {
  if (fold === undefined) throw notText(name)
  return fold
}

/** The condition that a case-folded text contains this text. */
function contains (fold: Sql, wanted: string): Sql {
  return sql`position(${fold}, ${text(foldCase(wanted))}) > 0`
}

function containsWords ({ fields }: ColumnContext, words: readonly string[]): Sql {
  const folds = fields.filter(({ source, type }) => source === 'key' || (source === 'file' && type === 'string')).map((field) => identifier(foldColumn(field)))
  const containsWord = (word: string) => {
    const inAny = [...folds.map((fold) => contains(fold, word)), sql`arrayExists(fold -> ${contains(raw('fold'), word)}, mapValues(undeclared_fold))`]
    return sql`(${join(inAny, ' OR ')})`
  }
  return words.length === 0 ? ALL : sql`(${join(words.map(containsWord), ' AND ')})`
}
