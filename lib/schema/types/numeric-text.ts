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

/** `"EUR -95 %"` becomes `"-95"`. */
function withoutAffixes (text: string): string {
  const first = text.search(/[+-]?[.,]?\d/)
  const last = /\d\D*$/.exec(text)?.index ?? -1
  return first === -1 ? text : text.slice(first, last + 1)
}
