/**
 * The index of the UTF-16 code unit at which a text is not JSON any more; the length of the text if it ends too early.
 *
 * @param error what `JSON.parse` has thrown for the text
 */
export function jsonErrorIndex (text: string, { message }: Error): number {
  const position = /JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1]
  if (position !== undefined) return Number(position)
  if (!isUnexpectedToken(message)) return text.length
  // This error has no position. Each beginning of the text that contains the token has the same error, and no shorter one has it.
  let [without, within] = [0, text.length]
  while (within - without > 1) {
    const middle = (without + within) >>> 1
    if (hasUnexpectedToken(text.slice(0, middle))) within = middle
    else without = middle
  }
  return without
}

/** The line and the column of an index of a text, from 1; a column counts UTF-16 code units. */
export function placeAt (text: string, index: number): { readonly line: number, readonly column: number } {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end !== -1 && end < index; end = text.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  return { line, column: index - start + 1 }
}

function hasUnexpectedToken (text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return isUnexpectedToken((error as Error).message)
  }
}

function isUnexpectedToken (message: string): boolean {
  return message.startsWith('Unexpected token')
}
