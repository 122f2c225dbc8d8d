// Conditions that are probably written in another language, such as SQL, and what to use instead.

export const ONE_COMPARISON = 'a condition compares one column with one value; repeat where= for records that meet all of several conditions, and repeat = on one column for records with any of several values'

const NOT_CONTAINED = 'there is no operator for text that is not contained'

/** Operators of other languages, and what to use instead. */
const OTHER_OPERATORS: readonly (readonly [operator: string, hint: string])[] = [
  ['==', 'use ='], ['<>', 'use !='], ['=>', 'use >='], ['=<', 'use <='], ['!~', NOT_CONTAINED], ['=~', 'there are no regular expressions; use ~ for text that is contained']
]

/** Finds a condition that is probably written in another language: taken literally, it would not select what is meant. Returns the hint. */
export function findMistake (column: string, rest: string): string | undefined {
  const other = OTHER_OPERATORS.find(([operator]) => rest.startsWith(operator))
  if (other !== undefined) return `${other[0]} is not an operator: ${other[1]}`
  if (/\s(and|or)\s+(\S+\s*[=<>!~]|!?(is_)?image_exists$)/i.test(rest)) return ONE_COMPARISON + (/\b(is_)?image_exists\b/i.test(rest) ? '; image_exists is a parameter of its own' : '')
  if (column !== column.trim()) return `there must be no space around the operator: ${column.trim()}${rest.trim().replace(/^([=!<>~^]+)\s+/, '$1')}`
  if (/^[=!<>~^]+'.*'$/.test(rest)) return 'values are written without quotes'
  if (/^~(\^|.*\.[*+]|.*\\[bdsw]|\/.*\/[a-z]*$)/.test(rest)) return 'there are no regular expressions; use ~ for text that is contained and ^= for text at the beginning'
  if (/^~%.*%$/.test(rest)) return '% is not a wildcard; ~ finds the text anywhere in the value'
  return undefined
}

/**
 * What to use in place of a condition of SQL that has a word for its operator, such as `name LIKE 'A%'`; `undefined` if it is not one.
 *
 * @param hasWildcard whether the column has a parameter that ignores case and takes prefixes such as A*
 */
export function findSqlOperator (text: string, hasWildcard: (column: string) => boolean = () => false): string | undefined {
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
