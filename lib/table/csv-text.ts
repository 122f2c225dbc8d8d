// The fields of a CSV, byte for byte as csv-stringify writes them with the options of `render`: RFC 4180, and quotes around texts that begin or end
// with white space, as some readers trim fields.

const QUOTE = 0x22
const APOSTROPHE = 0x27

// Classes of bytes.
/** Makes quotes necessary wherever it is. */
const SPECIAL = 1
/** Makes quotes necessary at the beginning and at the end. */
const SPACE = 2
/** May be part of a character beyond ASCII that makes quotes necessary there. */
const WIDE = 4

/** White space beyond ASCII, as `\s` of a regular expression has it. */
const WIDE_SPACES = [...'\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'].map((character) => Buffer.from(character))

/** The characters with which a formula begins in spreadsheets, as csv-stringify has them. */
const FORMULA_STARTS = [...'-=+@\t\r\uff1d\uff0b\uff0d\uff20'].map((character) => Buffer.from(character))

export interface CsvTextOptions {
  /** One ASCII character. */
  readonly delimiter: string
  /** Puts an apostrophe before text that a spreadsheet would evaluate as a formula. */
  readonly escapeFormulas: boolean
  /** Puts quotes around empty text. */
  readonly quoteEmpty: boolean
}

/** Writes UTF-8 text as a field of a CSV, of at most `maxCsvLength` bytes. Returns the end. */
export type CsvTextWriter = (to: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number) => number

/** The maximum number of bytes that are written for a text of `length` bytes: each byte is a doubled quote, within quotes and after an apostrophe. */
export function maxCsvLength (length: number): number {
  return 2 * length + 3
}

export function csvTextWriter ({ delimiter, escapeFormulas, quoteEmpty }: CsvTextOptions): CsvTextWriter {
  const classes = classesOf(delimiter)
  const isFormula = (bytes: Uint8Array, start: number, end: number) => escapeFormulas && FORMULA_STARTS.some((text) => hasAt(bytes, start, end, text))

  const writeQuoted: CsvTextWriter = (to, at, bytes, start, end) => {
    to[at++] = QUOTE
    if (isFormula(bytes, start, end)) to[at++] = APOSTROPHE
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      if (byte === QUOTE) to[at++] = QUOTE
      to[at++] = byte
    }
    to[at++] = QUOTE
    return at
  }

  return (to, at, bytes, start, end) => {
    if (start === end) return quoteEmpty ? writeQuoted(to, at, bytes, start, end) : at
    const ends = classes[bytes[start]!]! | classes[bytes[end - 1]!]!
    if ((ends & SPACE) !== 0 || ((ends & WIDE) !== 0 && hasWideSpace(bytes, start, end))) return writeQuoted(to, at, bytes, start, end)
    let place = at
    if (escapeFormulas && isFormula(bytes, start, end)) to[place++] = APOSTROPHE
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      if ((classes[byte]! & SPECIAL) !== 0) return writeQuoted(to, at, bytes, start, end)
      to[place++] = byte
    }
    return place
  }
}

function classesOf (delimiter: string): Uint8Array {
  const classes = Uint8Array.from({ length: 256 }, (_, byte) => byte >= 0x80 ? WIDE : /\s/.test(String.fromCharCode(byte)) ? SPACE : 0)
  for (const character of `${delimiter}"\r\n`) classes[character.charCodeAt(0)]! |= SPECIAL
  return classes
}

/** Whether a text begins or ends with white space beyond ASCII. */
function hasWideSpace (bytes: Uint8Array, start: number, end: number): boolean {
  return WIDE_SPACES.some((space) => hasAt(bytes, start, end, space) || hasAt(bytes, Math.max(start, end - space.length), end, space))
}

function hasAt (bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}
