/** What `parseDelimiter` accepts, for error messages. */
export const DELIMITERS = '1 to 8 characters without quotes and line breaks; \\t is a tab'

/** Reads the delimiter of CSV fields; returns `undefined` if the text is none. */
export function parseDelimiter (text: string): string | undefined {
  const delimiter = text.replaceAll('\\t', '\t')
  return /^[^"\r\n]{1,8}$/u.test(delimiter) ? delimiter : undefined
}
