import { isInstant, stepOf, type Column, type Columns } from './columns.js'
import { formatTime, isNumeric } from './format.js'
import type { Entry, Query } from './query-state.js'
import type { Value } from './types.js'

// The filters that the page makes, and their descriptions in chips.

/** `note` follows the label in the form, and the value in a chip. */
export interface Operator { readonly id: string, readonly label: string, readonly hasValue: boolean, readonly note?: string }

const EQUAL: readonly Operator[] = [{ id: '=', label: 'is', hasValue: true }, { id: '!=', label: 'is not', hasValue: true }]
const EXISTS: readonly Operator[] = [{ id: 'exists', label: 'has a value', hasValue: false }, { id: 'none', label: 'has no value', hasValue: false }]
const ORDER: readonly Operator[] = [{ id: '>=', label: 'at least', hasValue: true }, { id: '<=', label: 'at most', hasValue: true }, { id: '>', label: 'more than', hasValue: true }, { id: '<', label: 'less than', hasValue: true }]
const TIME: readonly Operator[] = [{ id: '>=', label: 'from', hasValue: true }, { id: '<=', label: 'up to', hasValue: true }, { id: '>', label: 'after', hasValue: true }, { id: '<', label: 'before', hasValue: true }]
/** Conditions on texts without this note ignore case. */
const note = '(same case)'
const TEXT: readonly Operator[] = [{ id: '~', label: 'contains', hasValue: true }, { id: '^=', label: 'begins with', hasValue: true, note }]

/** The operators of a column, the most useful one first. */
export function operatorsOf (column: Column): readonly Operator[] {
  const { kind, type } = column
  if (kind === 'image') return [{ id: 'exists', label: 'exists', hasValue: false }, { id: 'none', label: 'does not exist', hasValue: false }]
  if (kind === 'age') return [...ORDER.slice(0, 2), ...EQUAL.slice(0, 1)]
  const optional = kind === 'key' ? [] : EXISTS
  if (type === 'boolean') return [...EQUAL.slice(0, 1), ...optional]
  if (type === 'date' || isInstant(column)) return [...TIME, ...EQUAL, ...optional]
  if (isNumeric(type)) return [...ORDER, ...EQUAL, ...optional]
  // The values of an enum are chosen from a list.
  return [...TEXT, ...column.values === undefined ? EQUAL.map((operator) => ({ ...operator, note })) : EQUAL, ...optional]
}

/**
 * A number that was typed into the form, as the API reads it; `undefined` if the text is not a number of the column's type. A comma is a decimal comma, unless it may
 * separate thousands (`1,234`).
 */
export function parseTypedNumber ({ type }: Column, text: string): string | undefined {
  const number = text.trim()
  const isNumber = type === 'integer' ? /^-?\d+$/ : /^-?\d+([.,]\d+)?(e[+-]?\d+)?$/i
  return isNumber.test(number) && !/^-?[1-9]\d{0,2},\d{3}$/.test(number) ? number.replace(',', '.') : undefined
}

/** The filter of a column, an operator and a value. */
export function toFilter (columns: Columns, column: Column, operator: string, value: string): Entry {
  if (column.kind === 'age') {
    if (operator === '>=') return ['min_age', value]
    if (operator === '<=') return ['max_age', value]
  }
  if (column === columns.images[0] && (operator === 'exists' || operator === 'none')) return ['image_exists', String(operator === 'exists')]
  if (operator === 'exists') return ['where', column.name]
  if (operator === 'none') return ['where', `!${column.name}`]
  return ['where', `${column.name}${operator}${value}`]
}

/** The filter that selects the records of a group. */
export function groupFilter ({ name }: Column, value: Value): Entry {
  return ['where', value === null ? `!${name}` : `${name}=${String(value)}`]
}

interface Condition { readonly name: string, readonly operator: string, readonly value: string }

/** Splits a value of `where`; `undefined` if it does not have the form of a condition. The API rejects more: unknown columns, and values that do not fit the column. */
export function parseCondition (text: string): Condition | undefined {
  const [, isNone, name, operator, value] = /^(!?)([^=!<>~^]+)(?:(!=|<=|>=|\^=|=|<|>|~)([\s\S]*))?$/.exec(text) ?? []
  if (name === undefined || (isNone !== '' && operator !== undefined)) return undefined
  return { name, operator: operator ?? (isNone === '!' ? 'none' : 'exists'), value: value ?? '' }
}

/** What a filter means, for people. */
export function describeFilter (columns: Columns, [name, value]: Entry): string {
  switch (name) {
    case 'min_age': return `Age at least ${value}`
    case 'max_age': return `Age at most ${value}`
    case 'image_exists': case 'is_image_exists': return /^(false|0)$/i.test(value) ? 'Without image' : 'With image'
    case 'q': return `Contains “${value}”`
    case 'as_of': return `Ages as of ${value}`
    case 'age_basis': return `Ages: ${value} years`
  }
  const condition = name === 'where' ? parseCondition(value) : { name, operator: '=', value }
  if (condition === undefined) return `${name}: ${value}`
  const column = columns.byName.get(condition.name)
  if (column === undefined) return `${condition.name} ${condition.operator} ${condition.value}`
  // The parameter of a text column ignores case, and an asterisk at its end means a prefix.
  const ignoresCase = name !== 'where' && column.kind === 'field' && column.type === 'string'
  const isPrefix = ignoresCase && value.endsWith('*')
  const [id, text] = isPrefix ? ['^=', value.slice(0, -1)] : [condition.operator, condition.value]
  const { label, note = '' } = operatorsOf(column).find((operator) => operator.id === id) ?? { label: id }
  const isEmptyText = text === '' && (id === '=' || id === '!=')
  return [column.title, label, isEmptyText ? '(empty text)' : describeValue(column, text), ignoresCase || isEmptyText ? '' : note].filter((part) => part !== '').join(' ')
}

function describeValue ({ type, isTime }: Column, text: string): string {
  if (isTime && /^-?\d+$/.test(text)) return formatTime(Number(text))
  if (type === 'boolean') return /^(true|1)$/i.test(text) ? 'yes' : 'no'
  return type === 'datetime' && !Number.isNaN(Date.parse(text)) ? formatTime(Date.parse(text)) : text
}

/**
 * A range of the values of a column, as numbers: milliseconds for dates and times. `min` is included and `max` is not. For a column of the type `number`, which
 * has no smallest step, the bounds are the numbers of the filters, and whether a filter includes its bound is not kept.
 */
export interface Range { readonly min: number, readonly max: number }

const isRangeOf = (column: Column) => ([name, value]: Entry): boolean => {
  if (column.kind === 'age' && (name === 'min_age' || name === 'max_age')) return true
  const condition = name === 'where' ? parseCondition(value) : undefined
  return condition?.name === column.name && /^[<>]/.test(condition.operator)
}

/** A query without the filters by which the page selects a range of a column. */
export function withoutRange (query: Query, column: Column): Query {
  const isRange = isRangeOf(column)
  return { ...query, filters: query.filters.filter((filter) => !isRange(filter)) }
}

/** The range of a column that the filters select; `undefined` if they select none. */
export function rangeOf ({ filters }: Query, column: Column): Range | undefined {
  const bounds = filters.filter(isRangeOf(column)).map(([name, value]) => {
    if (name === 'min_age') return { min: Number(value) }
    if (name === 'max_age') return { max: Number(value) + 1 }
    const { operator, value: text } = parseCondition(value)!
    const number = toNumber(column, text)
    const bound = operator === '>' || operator === '<=' ? valueAfter(column, number) : valueFrom(column, number)
    return operator.startsWith('>') ? { min: bound } : { max: bound }
  })
  if (bounds.length === 0) return undefined
  return {
    min: Math.max(-Infinity, ...bounds.flatMap(({ min }) => min ?? [])),
    max: Math.min(Infinity, ...bounds.flatMap(({ max }) => max ?? []))
  }
}

/** The lowest value of a column that is greater than a number. */
function valueAfter (column: Column, number: number): number {
  const step = stepOf(column)
  return step === 0 ? number : (Math.floor(number / step) + 1) * step
}

/** The lowest value of a column that is not less than a number. */
function valueFrom (column: Column, number: number): number {
  const step = stepOf(column)
  return step === 0 ? number : Math.ceil(number / step) * step
}

/** A value of a column as a number: milliseconds for dates and datetimes. */
export function toNumber ({ type }: Column, value: string | number): number {
  return type === 'date' || type === 'datetime' ? Date.parse(String(value)) : Number(value)
}

/** Replaces the range of a column. */
export function withRange (query: Query, column: Column, filters: readonly Entry[]): Query {
  const others = withoutRange(query, column)
  return { ...others, filters: [...others.filters, ...filters] }
}
