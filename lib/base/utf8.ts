/**
 * Compares two strings by their UTF-8 bytes, which is the order of S3 listings. Returns a negative number, 0 or a positive number. The order
 * differs from JavaScript's `<` only if a surrogate pair (U+10000 and higher) is compared with U+E000 to U+FFFF.
 */
export function compareUtf8 (a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** The first `length` UTF-16 code units of a text, or one less if the last one is half a surrogate pair. A text that is not longer is returned as it is. */
export function beginningOfText (text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, '')
}

/** Maps a UTF-16 code unit so that surrogates come after all other code units. */
function rank (unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}
