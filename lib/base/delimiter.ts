/** What `parseDelimiter` accepts, for error messages. */
export const DELIMITERS = '1 to 8 characters other than letters, digits, double quotes and line breaks; \\t is a tab'

/** Parses a delimiter of CSV fields, in which `\t` stands for a tab. Returns `undefined` if the text is not a delimiter; one with letters, such as `tab`, would be a mistake. */
export function parseDelimiter (text: string): string | undefined {
  const delimiter = text.replaceAll('\\t', '\t')
  return /^[^"\r\n\p{L}\p{N}]{1,8}$/u.test(delimiter) ? delimiter : undefined
}
