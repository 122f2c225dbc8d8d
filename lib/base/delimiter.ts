/** What `parseDelimiter` accepts, for error messages. */
export const DELIMITERS = '1 to 8 characters without double quotes and line breaks; \\t is a tab'

/** Parses a delimiter of CSV fields, in which `\t` stands for a tab. Returns `undefined` if the text is not a delimiter. */
export function parseDelimiter (text: string): string | undefined {
  const delimiter = text.replaceAll('\\t', '\t')
  return /^[^"\r\n]{1,8}$/u.test(delimiter) ? delimiter : undefined
}
