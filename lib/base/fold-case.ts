/**
 * Folds the case of a string by Unicode's full case mappings: strings that differ only in case or in canonical composition become equal. The
 * string is lowercased before it is uppercased, because some letters (ẞ, ϴ) need both steps to reach their common form.
 */
export function foldCase (text: string): string {
  return text.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC')
}
