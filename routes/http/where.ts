import { joinParts, nearest } from '../../lib/base/nearest.js'
import { columnNames, columnType, type Columns } from '../../lib/query/age-column.js'
import type { Filter, Operand } from '../../lib/query/filter.js'
import { acceptedOperand, findEnumMistake, parseBound, parseOperand, type OperandType } from '../../lib/schema/operand.js'
import type { TypeName } from '../../lib/schema/field-type.js'
import type { Field, Schema } from '../../lib/schema/schema.js'
import { invalidParameter } from '../../plugins/problems/problem.js'
import { findMistake, findSqlOperator, ONE_COMPARISON } from './other-languages.js'
import { listParameter, textParameter } from './parameter.js'
import { unknownColumnHint } from './unknown-column.js'
import { fileTextHint, findKeyMistake, isMissingText, operandHint, rangeOf } from './value-hint.js'

/** The operators. One that begins with another one comes before it, because the first match is used. */
const OPERATORS = ['!=', '<=', '>=', '^=', '=', '<', '>', '~'] as const
type Operator = (typeof OPERATORS)[number]

const ACCEPTED = '<column><operator><value> with one of the operators = != < <= > >= ~ (contains, ignoring case) ^= (begins with), or <column> (has a value), or !<column> (has none)'

export const whereParameter = (example: string | undefined) => listParameter({
  description: 'Selects records by the value of any column: `<column><operator><value>`. The operators are `=`, `!=`, `<`, `<=`, `>`, `>=`, `~` (contains, ignoring case) and `^=` (begins with); ' +
    'the value is everything after the operator, taken literally. `<column>` alone selects the records that have a value in this column, and `!<column>` those that have none; records without a value match no other condition. ' +
    'Text is compared by its UTF-8 bytes; numbers, booleans, dates and times are written as in responses. May be repeated: several `=` on one column select any of these values; a record must meet all other conditions.',
  ...example !== undefined && { example: [example] },
  accepted: ACCEPTED
})

/** The maximum number of words of `q`. */
const MAX_WORDS = 16

export const wordsParameter = textParameter({
  accepted: `1 to ${MAX_WORDS} words, separated by spaces`,
  description: `Words, separated by spaces, at most ${MAX_WORDS}. Selects the records in which each word is contained in the id or in a text column, ignoring case.`,
  example: 'wren ash'
})

/** The filter of the words of `q`. @throws {Problem} */
export function wordsFilter (text: string): Filter {
  const words = text.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0 || words.length > MAX_WORDS) {
    throw invalidParameter('q', `got ${words.length} words; must be 1 to ${MAX_WORDS} words, separated by spaces`)
  }
  return { op: 'words', value: [...new Set(words)] }
}

/** One condition, as it is written. `exists` and `none` have no value. */
interface Condition { readonly text: string, readonly column: string, readonly operator: Operator | 'exists' | 'none', readonly value: string }

/** The column of a condition; `field` is absent if it is not declared. */
interface ConditionColumn extends OperandType { readonly field: Field | undefined }

/**
 * The filters of the conditions in a data version.
 *
 * @param hasWildcard whether the parameter of a field takes prefixes such as A*
 * @throws {Problem} names the condition and what is accepted
 */
export function whereFilters (texts: readonly string[] = [], version: Columns, { fields, birth }: Schema, hasWildcard: (field: Field) => boolean): Filter[] {
  const conditions = texts.map(parseCondition)
  return conditions.flatMap((condition, i) => {
    const { column, operator } = condition
    const type = columnType(version, column)
    if (type === undefined) throw invalidWhere(condition.text, unknownColumn(column, version, (name) => fields.some((field) => field.name === name && hasWildcard(field))))
    const field = fields.find(({ name }) => name === column)
    const of: ConditionColumn = { type, field, isBirth: field !== undefined && field === birth }
    const other = conditions.slice(0, i).find((other) => other.column === column && excludeEachOther(other, condition))
    if (other !== undefined) {
      const prefixes = field !== undefined && hasWildcard(field) ? conditions.filter((one) => one.column === column && one.operator === operator) : []
      const hint = prefixes.length > 0 && prefixes.every(({ value }) => !/[*,]/.test(value)) ? `use ${prefixes.map(({ value }) => `${column}=${value}*`).join('&')}` : 'send a request for each'
      throw invalidWhere(condition.text, `no record meets this and where=${other.text}, as a record must meet all conditions; for the records that meet any of them, ${hint}`)
    }
    if (operator !== '=' && operator !== '!=') return toFilter(condition, of)
    // Conditions with the same column and operator are combined into one filter.
    const same = conditions.filter((other) => other.column === column && other.operator === operator)
    if (same[0] !== conditions[i]) return []
    const equals: Filter = { column, op: 'equals', value: same.map((other) => operandOf(other, of)) }
    if (operator === '=') return equals
    return [{ column, op: 'exists', value: true } satisfies Filter, { op: 'not', filter: equals } satisfies Filter]
  })
}

/** Whether no text begins with both values, which then probably stand for alternatives. Other conditions that no record meets, such as an empty range, are accepted, as programs send them. */
function excludeEachOther (a: Condition, b: Condition): boolean {
  return a.operator === '^=' && b.operator === '^=' && !a.value.startsWith(b.value) && !b.value.startsWith(a.value)
}

function toFilter (condition: Condition, of: ConditionColumn): Filter {
  const { type } = of
  const { text, column, operator, value } = condition
  switch (operator) {
    case 'exists': case 'none': return { column, op: 'exists', value: operator === 'exists' }
    case '~': case '^=':
      if (type !== 'string') {
        const hint = type === 'date' || type === 'datetime' ? operandHint(of, value, column, operator) : ''
        throw invalidWhere(text, `${operator} is for text, and ${column} has values of the type ${type}${hint || '; use = != < <= > >='}`)
      }
      return { column, op: operator === '~' ? 'contains' : 'prefix', value }
    default: {
      const operand = operandOf(condition, of)
      const isExcluded = !operator.endsWith('=')
      const range = operator.startsWith('<')
        ? { max: operand, ...isExcluded && { isMaxExcluded: true } }
        : { min: operand, ...isExcluded && { isMinExcluded: true } }
      return { column, op: 'range', value: range }
    }
  }
}

function operandOf ({ text, column, operator, value }: Condition, of: ConditionColumn): Operand {
  const isEquality = operator === '=' || operator === '!='
  const keyMistake = isEquality && of.field !== undefined ? findKeyMistake(of.field, value) : undefined
  if (keyMistake !== undefined) throw invalidWhere(text, `the value of ${column} ${keyMistake}`)
  const operand = isEquality ? parseOperand(of.type, value) : parseBound(of.type, value)
  const mistake = operand === undefined ? `must be ${acceptedOperand(of)}` : isEquality && of.field !== undefined ? findEnumMistake(of.field, operand) : undefined
  if (operand !== undefined && mistake === undefined) return operand
  const hint = isMissingText(of.field, value)
    ? `; use !${column} for records without a value`
    : severalConditionsHint(column, value, of.type) ?? (operandHint(of, value, column, operator) || fileTextHint(of.field, value, column + operator))
  throw invalidWhere(text, `the value of ${column} ${mistake}${hint}`)
}

/** The hint about a value that is two numbers, such as 30-40, or has another condition after it, such as 30,age<40 or 30&&age<40; `undefined` if it is neither. */
function severalConditionsHint (column: string, value: string, type: TypeName): string | undefined {
  const range = rangeOf(column, value, type)
  if (range !== undefined) return `; use ${range}`
  return /(?:[,;|]|&&).*[=<>!~]/.test(value) ? `; ${ONE_COMPARISON}` : undefined
}

/** @throws {Problem} */
function parseCondition (text: string): Condition {
  const isNone = /^![^=!<>~^]/.test(text)
  const start = isNone ? 1 : 0
  const length = text.slice(start).search(/[=!<>~^]/)
  const column = length === -1 ? text.slice(start) : text.slice(start, start + length)
  const rest = length === -1 ? '' : text.slice(start + length)
  if (column === '') throw invalidWhere(text, `must be ${ACCEPTED}`)
  if (column.includes(',')) throw invalidWhere(text, findSqlOperator(column) ?? `names the column ${column}; a name with a comma cannot be used here`)
  if (rest === '') return { text, column, operator: isNone ? 'none' : 'exists', value: '' }
  if (isNone) throw invalidWhere(text, `!${column} selects the records without a value and takes no operator; use ${column}!=<value> for other values`)
  const operator = OPERATORS.find((operator) => rest.startsWith(operator))
  const mistake = findMistake(column, rest)
  if (operator === undefined || mistake !== undefined) throw invalidWhere(text, mistake ?? `must be ${ACCEPTED}`)
  return { text, column, operator, value: rest.slice(operator.length) }
}

function unknownColumn (column: string, version: Columns, hasWildcard: (column: string) => boolean): string {
  const sql = findSqlOperator(column, hasWildcard)
  if (sql !== undefined) return sql
  const [, negated] = /^not\s+(\S+)$/i.exec(column) ?? []
  if (negated !== undefined && columnNames(version).includes(negated)) return `NOT is not an operator: use where=!${negated} for records without a value, where=${negated}!=<value> for other values`
  const hint = unknownColumnHint({ column, usedIn: 'filters', nearest: nearest(column, columnNames(version)) }, version)
  const unknown = `unknown column ${column}${hint}`
  return /\s/.test(column) ? joinParts(unknown, `must be ${ACCEPTED}`) : unknown
}

function invalidWhere (text: string, detail: string) {
  return invalidParameter('where', `got ${JSON.stringify(text)}; ${detail}`)
}
