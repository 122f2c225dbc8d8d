/** Text in the form in which case does not matter: canonically composed, then upper case by Unicode's full mapping. */
export function foldCase (text: string): string {
  return text.normalize('NFC').toUpperCase()
}
