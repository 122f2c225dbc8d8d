import type { TypeOptions } from '../field-type.js'

/**
 * Returns a function that converts the text of a number in a file to one that JavaScript parses: without the group separators
 * between groups of three digits of the integer part, with a point before the decimals, and without leading and trailing text such as a currency if the number
 * is not bare.
 */
export function numericText ({ groupChar, decimalChar = '.', bareNumber = true }: Pick<TypeOptions, 'groupChar' | 'decimalChar' | 'bareNumber'>): (text: string) => string {
  return (text) => {
    const bare = bareNumber ? text : withoutAffixes(text)
    const ungrouped = groupChar ? withoutGroups(bare, groupChar) : bare
    // If another character is before the decimals, a point makes the text invalid: NUL is in no number.
    return decimalChar === '.' ? ungrouped : ungrouped.replaceAll('.', '\0').replace(decimalChar, '.')
  }
}

/** `"1.234.567,5"` becomes `"1234567,5"`. Returns the text as it is, which is no number, if a separator is elsewhere: `"1.5"`, `"1234.567"`, `"1,234.5"`. */
function withoutGroups (text: string, groupChar: string): string {
  const groups = text.split(groupChar)
  const isGrouped = groups.every((group, i) => (i === 0 ? /^[+-]?\d{1,3}$/ : i < groups.length - 1 ? /^\d{3}$/ : /^\d{3}(?!\d)/).test(group))
  return isGrouped ? groups.join('') : text
}

/**
 * `"EUR -95 %"` and `"-€95"` become `"-95"`. Returns the text as it is, which is no number, if what is around the number may change its
 * sign: `"95-"`, `"EUR - 95"`, `"(95)"`.
 */
function withoutAffixes (text: string): string {
  const [, before, sign, digits, after] = /^(\D*?)([+-]?)([.,]?\d(?:.*\d)?)(\D*)$/su.exec(text.replaceAll('\u2212', '-')) ?? []
  if (before === undefined || /^\s*[+-]/.test(after!) || (text.startsWith('(') && text.endsWith(')'))) return text
  if (sign !== '' || !/^[+-]|[+-]\s*$/.test(before)) return sign! + digits!
  return /^[+-]/.test(before) && !/[+-]/.test(before.slice(1)) ? before[0]! + digits! : text
}
