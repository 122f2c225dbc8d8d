/**
 * Text in the form in which case does not matter, by Unicode's full mappings: what is left of canonically composed text when
 * all that has an upper case takes it. Lower case comes first, as some letters (ẞ, İ) lead to theirs only through it.
 */
export function foldCase (text: string): string {
  return text.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC')
}
