import type { TypeOptions } from '../field-type.js'

/**
 * Returns a function that converts the text of a number in a file to one that JavaScript parses: without group separators, with
 * a point, and without leading and trailing text such as a currency if the number is not bare.
 */
export function numericText ({ groupChar, decimalChar = '.', bareNumber = true }: Pick<TypeOptions, 'groupChar' | 'decimalChar' | 'bareNumber'>): (text: string) => string {
  return (text) => {
    const bare = bareNumber ? text : withoutAffixes(text)
    const ungrouped = groupChar ? bare.replaceAll(groupChar, '') : bare
    return decimalChar === '.' ? ungrouped : ungrouped.replaceAll('.', '\0').replace(decimalChar, '.')
  }
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
