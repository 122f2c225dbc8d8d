/** Writes a UTF-8 text as the content of a JSON string. Returns the end. */
export function writeJson (to: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte < 0x20) {
      at = writeControl(to, at, byte)
    } else {
      if (byte === QUOTE || byte === BACKSLASH) to[at++] = BACKSLASH
      to[at++] = byte
    }
  }
  return at
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const ZERO = 0x30

/** The control characters that have an escape sequence of one letter. */
const SHORT_ESCAPES: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72 }

function writeControl (to: Uint8Array, at: number, byte: number): number {
  to[at++] = BACKSLASH
  const letter = SHORT_ESCAPES[byte]
  if (letter !== undefined) {
    to[at++] = letter
    return at
  }
  to[at++] = 0x75 // \u00xx
  to[at++] = ZERO
  to[at++] = ZERO
  for (const digit of byte.toString(16).padStart(2, '0')) to[at++] = digit.charCodeAt(0)
  return at
}
