import type { ColumnUse, UnknownColumnError } from '../../lib/base/errors.js'
import { didYouMean, joinParts, nearest } from '../../lib/base/nearest.js'
import { AGE, columnNames, columnType, isAge, type Columns } from '../../lib/query/age-column.js'
import type { Filter, Operand } from '../../lib/query/filter.js'
import { acceptedOperand, fileTextHint, findEnumMistake, isMissingText, operandHint, parseBound, parseOperand, type OperandType } from '../../lib/schema/operand.js'
import type { TypeName } from '../../lib/schema/field-type.js'
import type { Field, Schema } from '../../lib/schema/schema.js'
import { invalidParameter } from '../../plugins/problems/problem.js'
import { listParameter, textParameter } from './parameter.js'

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
    : several(column, value, of.type) ?? (operandHint(of, value, column, operator) || fileTextHint(of.field, value, column + operator))
  throw invalidWhere(text, `the value of ${column} ${mistake}${hint}`)
}

/** What is wrong with a value of an image field that is no key of an object, such as `true`: no record has it. `undefined` if it may be one. */
export function findKeyMistake ({ name, source }: Field, value: string): string | undefined {
  return source !== 'image' || value.includes('.') ? undefined : `must be ${acceptedKey(name)}`
}

/** What an image field accepts, after "must be". */
export function acceptedKey (name: string): string {
  return `the key of an object, which has an extension: use where=${name} for records that have one, where=!${name} for those that have none`
}

/** The hint about a value that is two numbers, such as 30-40, or has another condition after it, such as 30,age<40 or 30&&age<40. */
function several (column: string, value: string, type: TypeName): string | undefined {
  const range = rangeOf(column, value, type)
  if (range !== undefined) return `; use ${range}`
  return /(?:[,;|]|&&).*[=<>!~]/.test(value) ? `; ${ONE_COMPARISON}` : undefined
}

/** The two conditions that a range such as 30-40 or 30..40 stands for; `undefined` if the text is not a range of values of the type, as the month 2024-05 is not. */
export function rangeOf (column: string, text: string, type: TypeName): string | undefined {
  const [, low, high] = /^(\d+(?:\.\d+)?)\s*(?:-|\.\.|:)\s*(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (low === undefined || high === undefined) return undefined
  const isRange = [low, high].every((bound) => parseBound(type, bound) !== undefined) && Number(low) <= Number(high)
  return isRange ? `where=${column}>=${low}&where=${column}<=${high}` : undefined
}

/** The condition that a value of a parameter such as >1000 stands for; `undefined` if the text is not an operator with a value of the type. */
export function comparisonOf (column: string, text: string, type: TypeName): string | undefined {
  const [, operator = '', value = ''] = /^([<>]=?|!?=)\s*(.+)$/.exec(text) ?? []
  const parse = /[<>]/.test(operator) ? parseBound : parseOperand
  return operator === '' || parse(type, value) === undefined ? undefined : `where=${column}${operator}${value}`
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

const ONE_COMPARISON = 'a condition compares one column with one value; repeat where= for records that meet all of several conditions, and repeat = on one column for records with any of several values'

const NOT_CONTAINED = 'there is no operator for text that is not contained'

/** Operators of other languages, and what to use instead. */
const OTHER_OPERATORS: readonly (readonly [operator: string, hint: string])[] = [
  ['==', 'use ='], ['<>', 'use !='], ['=>', 'use >='], ['=<', 'use <='], ['!~', NOT_CONTAINED], ['=~', 'there are no regular expressions; use ~ for text that is contained']
]

/** Finds a condition that is probably written in another language: taken literally, it would not select what is meant. Returns the hint. */
function findMistake (column: string, rest: string): string | undefined {
  const other = OTHER_OPERATORS.find(([operator]) => rest.startsWith(operator))
  if (other !== undefined) return `${other[0]} is not an operator: ${other[1]}`
  if (/\s(and|or)\s+(\S+\s*[=<>!~]|!?(is_)?image_exists$)/i.test(rest)) return ONE_COMPARISON + (/\b(is_)?image_exists\b/i.test(rest) ? '; image_exists is a parameter of its own' : '')
  if (column !== column.trim()) return `there must be no space around the operator: ${column.trim()}${rest.trim().replace(/^([=!<>~^]+)\s+/, '$1')}`
  if (/^[=!<>~^]+'.*'$/.test(rest)) return 'values are written without quotes'
  if (/^~(\^|.*\.[*+]|.*\\[bdsw]|\/.*\/[a-z]*$)/.test(rest)) return 'there are no regular expressions; use ~ for text that is contained and ^= for text at the beginning'
  if (/^~%.*%$/.test(rest)) return '% is not a wildcard; ~ finds the text anywhere in the value'
  return undefined
}

/** A name for groups of ages, such as decade, age_band or birth_year. */
const AGE_GROUP = /decade|generation|^age_?(band|class|group|range)|birth_?year/i

/** What to use in place of groups of ages, as the end of a message. */
export const AGE_BINS_HINT = '; without group_by, GET /stats counts the ages in bins of bin_width years'

/** The end of names such as image_exists, which is a filter. */
const EXISTS = '_exists'

/** The end of a message about an unknown column: what to use instead, the column with the most similar name, or where the columns are listed. */
export function unknownColumnHint ({ column, usedIn, nearest }: Pick<UnknownColumnError, 'column' | 'usedIn' | 'nearest'>, version: Columns): string {
  if (column.endsWith(EXISTS)) return existsHint(column, usedIn, version)
  if (usedIn === 'groupBy' && nearest === undefined && AGE_GROUP.test(column) && isAge(version, AGE)) return AGE_BINS_HINT
  const [, argument] = /^\w+\((.+)\)$/.exec(column) ?? []
  if (argument !== undefined && columnNames(version).includes(argument)) return `; there are no functions: write the column alone (${argument})`
  return didYouMean(nearest) || '; GET /schema lists the columns'
}

function existsHint (name: string, usedIn: ColumnUse, { fields }: Columns): string {
  const column = name.slice(0, -EXISTS.length)
  if (name !== 'image_exists' && name !== 'is_image_exists') return `; it is not a column: where=${column} selects the records that have a value, where=!${column} the others`
  if (!fields.some(({ source }) => source === 'image')) return '; the schema has no image field'
  switch (usedIn) {
    case 'filters': return '; it is a parameter of its own: use image_exists=true or image_exists=false, without where='
    case 'groupBy': return '; it is not a column: with_image of GET /stats without group_by is the number of records that have an image'
    default: return '; it is not a column: image_exists=true selects the records that have an image'
  }
}

/**
 * What to use in place of a condition of SQL that has a word for its operator, such as `name LIKE 'A%'`; `undefined` if it is not one.
 *
 * @param hasWildcard whether the column has a parameter that ignores case and takes prefixes such as A*
 */
function findSqlOperator (text: string, hasWildcard: (column: string) => boolean = () => false): string | undefined {
  const [, column = '', operator = '', rest = ''] = /^(\S+)\s+((?:not\s+)?(?:i?like|in)|between|is\s+null|is\s+not\s+null)\b\s*(.*)$/i.exec(text) ?? []
  const word = operator.toUpperCase().replace(/\s+/g, ' ')
  if (word !== '' && /\s(and|or)\s+(not\s+)?\S+\s+(like|ilike|between|in|is)\s/i.test(rest)) return ONE_COMPARISON
  if (word === 'NOT LIKE' || word === 'NOT ILIKE') return `${word} is not an operator: ${NOT_CONTAINED}`
  const folded = word === 'ILIKE' && hasWildcard(column) ? /^([^%*,]+)(%?)$/.exec(unquoted(rest)) : null
  if (folded !== null) return `${word} is not an operator: use ${column}=${folded[1]}${folded[2] && '*'}`
  const conditions = word === '' ? [] : conditionsOf(column, word, rest)
  const isStricter = word === 'ILIKE' && conditions.some((condition) => condition.includes('='))
  return conditions.length === 0 ? undefined : `${word} is not an operator: use ${conditions.map((condition) => `where=${condition}`).join('&')}${isStricter ? '; = and ^= are case-sensitive' : ''}`
}

function unquoted (text: string): string {
  return text.trim().replace(/^(['"])(.*)\1$/, '$2')
}

function conditionsOf (column: string, word: string, rest: string): readonly string[] {
  const [, low, high] = /^(.+?)\s+and\s+(.+)$/i.exec(rest) ?? []
  const values = rest.replace(/^\((.*)\)$/, '$1').split(',').map(unquoted)
  switch (word) {
    case 'IS NULL': return [`!${column}`]
    case 'IS NOT NULL': return [column]
    case 'BETWEEN': return low === undefined || high === undefined ? [] : [`${column}>=${unquoted(low)}`, `${column}<=${unquoted(high)}`]
    case 'IN': return values.map((value) => `${column}=${value}`)
    case 'NOT IN': return values.map((value) => `${column}!=${value}`)
    default: return patternConditions(column, unquoted(rest))
  }
}

/** The conditions that a pattern of LIKE such as A%n stands for. */
function patternConditions (column: string, pattern: string): readonly string[] {
  const [first = '', ...others] = pattern.split('%')
  if (others.length === 0) return [`${column}=${first}`]
  const conditions = [...first === '' ? [] : [`${column}^=${first}`], ...others.filter((part) => part !== '').map((part) => `${column}~${part}`)]
  return conditions.length === 0 ? [column] : conditions
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
