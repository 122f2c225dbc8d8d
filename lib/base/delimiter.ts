/** What `parseDelimiter` accepts, for error messages. */
export const DELIMITERS = '1 to 8 characters other than letters, digits, double quotes and line breaks; \\t is a tab'

/** Characters that are given by their names. The message has the tab. */
const NAMED: Readonly<Record<string, string>> = { comma: ',', semicolon: ';', pipe: '|' }

/** What to use in place of the name of a delimiter, as the end of a message; empty if the text is not one. */
export function delimiterHint (text: string): string {
  const name = text.toLowerCase()
  return Object.hasOwn(NAMED, name) ? `; use ${NAMED[name]!}` : ''
}

/** Parses a delimiter of CSV fields, in which `\t` stands for a tab. Returns `undefined` if the text is not a delimiter; one with letters, such as `tab`, would be a mistake. */
export function parseDelimiter (text: string): string | undefined {
  const delimiter = text.replaceAll('\\t', '\t')
  return /^[^"\r\n\p{L}\p{N}]{1,8}$/u.test(delimiter) ? delimiter : undefined
}
