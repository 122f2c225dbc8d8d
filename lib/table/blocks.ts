/** Memory that text is written to. Writers may overwrite up to `BLOCK_BYTES` after the end of what they write. */
export interface Target { readonly bytes: Uint8Array, readonly view: DataView }

/** Texts in memory with at least `BLOCK_BYTES` more bytes after the last one, so that they can be copied in whole blocks. Text i is from `offsets[i]` up to `offsets[i + 1]`. */
export interface BlockTexts { readonly offsets: Int32Array, readonly view: DataView }

/** The number of bytes that are copied in one step. */
export const BLOCK_BYTES = 16
const LITTLE = true

export function targetOf (memory: ArrayBuffer): Target {
  return { bytes: new Uint8Array(memory), view: new DataView(memory) }
}

/** Makes `length` texts. `write` writes text i, of at most `maxLength(i)` bytes, and returns its end. */
export function blockTexts (length: number, maxLength: (i: number) => number, write: (to: Target, at: number, i: number) => number): BlockTexts {
  let capacity = BLOCK_BYTES
  for (let i = 0; i < length; i++) capacity += maxLength(i)
  const target = targetOf(new ArrayBuffer(capacity))
  const offsets = new Int32Array(length + 1)
  for (let i = 0; i < length; i++) offsets[i + 1] = write(target, offsets[i]!, i)
  return { offsets, view: target.view }
}

/** Makes one text, which has the index 0. */
export function blockText (text: string | Uint8Array): BlockTexts {
  const bytes = Buffer.from(text)
  return blockTexts(1, () => bytes.length, (to, at) => copyBytes(to.bytes, at, bytes))
}

/** Copies a text. Returns its end. Bytes are copied as doubles, which preserves every byte of UTF-8: see `takeRows`. */
export function copyBlocks ({ view: to }: Target, at: number, { offsets, view }: BlockTexts, i: number): number {
  const end = offsets[i + 1]!
  let place = at
  let byte = offsets[i]!
  at += end - byte
  for (; byte < end; byte += BLOCK_BYTES, place += BLOCK_BYTES) {
    to.setFloat64(place, view.getFloat64(byte, LITTLE), LITTLE)
    to.setFloat64(place + 8, view.getFloat64(byte + 8, LITTLE), LITTLE)
  }
  return at
}

/** The bytes that plain text does not contain: those below `less`, and those equal to `equal` or `orEqual`. Each is repeated four times as a 32-bit integer. */
export interface NotPlain { readonly less: number, readonly equal: number, readonly orEqual: number }

/** @param less at most 0x80 @param equal the code of an ASCII character */
export function notPlain (less: number, equal: number, orEqual: number): NotPlain {
  return { less: Math.imul(less, ONES), equal: Math.imul(equal, ONES), orEqual: Math.imul(orEqual, ONES) }
}

const ONES = 0x01010101
const HIGH_BITS = ~0x7f7f7f7f
/** The number of bytes that `copyPlain` copies in one step. */
export const WORD_BYTES = 8

/**
 * Copies a text if it is plain, eight bytes at a time, and returns its end; otherwise returns -1. The check includes up to seven bytes
 * after the text, so a plain text may be reported as not plain. There must be `WORD_BYTES` bytes after the text.
 */
export function copyPlain ({ view: to }: Target, at: number, from: DataView, start: number, end: number, { less, equal, orEqual }: NotPlain): number {
  let found = 0
  for (let byte = start, place = at; byte < end; byte += WORD_BYTES, place += WORD_BYTES) {
    const low = from.getInt32(byte, LITTLE)
    const high = from.getInt32(byte + 4, LITTLE)
    // Each byte that is found sets its highest bit: Warren, Hacker's Delight, section 6-1.
    found |= ((low - less | 0) & ~low) | ((high - less | 0) & ~high)
    const a = low ^ equal
    const b = high ^ equal
    const c = low ^ orEqual
    const d = high ^ orEqual
    found |= ((a - ONES | 0) & ~a) | ((b - ONES | 0) & ~b) | ((c - ONES | 0) & ~c) | ((d - ONES | 0) & ~d)
    to.setInt32(place, low, LITTLE)
    to.setInt32(place + 4, high, LITTLE)
  }
  return (found & HIGH_BITS) === 0 ? at + end - start : -1
}

/** Copies bytes and returns the end. For a few bytes it is faster than `set`. */
export function copyBytes (to: Uint8Array, at: number, from: Uint8Array, start = 0, end = from.length): number {
  for (let i = start; i < end; i++) to[at++] = from[i]!
  return at
}
