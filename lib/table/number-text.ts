import { civilFromDays } from '../base/calendar.js'
import { DAY_MS } from '../base/instant.js'
import type { Target } from './blocks.js'

const ZERO = 0x30
const MINUS = 0x2d
const COLON = 0x3a
const POINT = 0x2e
const LETTER_T = 0x54
const LETTER_Z = 0x5a
const LITTLE = true
/** Digits are written in groups of four; numbers of two groups fit into 32 bits. */
const GROUP = 10_000
const TWO_GROUPS = GROUP * GROUP
/** The four digits of each number below 10,000, the first one in the lowest byte. */
const GROUPS = Int32Array.from({ length: GROUP }, (_, value) => [1000, 100, 10, 1].reduce((word, power, i) => word | ((ZERO + Math.floor(value / power) % 10) << (8 * i)), 0))

/** The maximum length of a number as JavaScript writes it, such as -0.0000012345678901234567. */
export const MAX_NUMBER_LENGTH = 25
/** The lengths of dates and datetimes: 2024-01-26, 2024-01-26T12:00:00.000Z. */
const DATE_LENGTH = 10
export const DATETIME_LENGTH = 24

/** Writes a number as `String` does. Returns the end; up to three bytes after it are overwritten. */
export function writeNumber (to: Target, at: number, value: number): number {
  if (!Number.isSafeInteger(value)) return writeAscii(to.bytes, at, String(value))
  if (value < 0) {
    to.bytes[at++] = MINUS
    value = -value
  }
  // `| 0`: integers of 32 bits are passed on without an allocation.
  if (value < TWO_GROUPS) return writeInteger(to.view, at, value | 0)
  const high = Math.floor(value / TWO_GROUPS) | 0
  const low = (value - high * TWO_GROUPS) | 0
  const middle = writeInteger(to.view, at, high)
  const quotient = (low / GROUP) | 0
  to.view.setInt32(middle, GROUPS[quotient]!, LITTLE)
  to.view.setInt32(middle + 4, GROUPS[low - quotient * GROUP]!, LITTLE)
  return middle + 8
}

/** Writes a whole number below 10^8. */
function writeInteger (view: DataView, at: number, value: number): number {
  if (value < GROUP) return writeFirst(view, at, value)
  const quotient = (value / GROUP) | 0
  const middle = writeFirst(view, at, quotient)
  view.setInt32(middle, GROUPS[value - quotient * GROUP]!, LITTLE)
  return middle + 4
}

/** Writes one to four digits. */
function writeFirst (view: DataView, at: number, value: number): number {
  const length = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4
  view.setInt32(at, GROUPS[value]! >>> (8 * (4 - length)), LITTLE)
  return at + length
}

/** Writes days since 1970-01-01 as YYYY-MM-DD; the year is 1 to 9999. Returns the end. */
export function writeDate ({ bytes: to }: Target, at: number, days: number): number {
  const [year, month, day] = civilFromDays(days)
  writeDigits(to, at + 4, 4, year)
  to[at + 4] = MINUS
  writeDigits(to, at + 7, 2, month)
  to[at + 7] = MINUS
  writeDigits(to, at + 10, 2, day)
  return at + DATE_LENGTH
}

/** Writes milliseconds since 1970-01-01 UTC as RFC 3339; the year is 1 to 9999. Returns the end. */
export function writeDatetime (target: Target, at: number, instant: number): number {
  const days = Math.floor(instant / DAY_MS)
  const ms = instant - days * DAY_MS
  const seconds = Math.floor(ms / 1000)
  const to = target.bytes
  writeDate(target, at, days)
  to[at + 10] = LETTER_T
  writeDigits(to, at + 13, 2, Math.floor(seconds / 3600))
  to[at + 13] = COLON
  writeDigits(to, at + 16, 2, Math.floor(seconds / 60) % 60)
  to[at + 16] = COLON
  writeDigits(to, at + 19, 2, seconds % 60)
  to[at + 19] = POINT
  writeDigits(to, at + 23, 3, ms % 1000)
  to[at + 23] = LETTER_Z
  return at + DATETIME_LENGTH
}

function writeAscii (to: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) to[at++] = text.charCodeAt(i)
  return at
}

/** Writes the last digits of a whole number so that they end at `end`. */
function writeDigits (to: Uint8Array, end: number, count: number, value: number): void {
  let rest = value | 0
  for (let i = 1; i <= count; i++) {
    const next = (rest / 10) | 0
    to[end - i] = ZERO + rest - 10 * next
    rest = next
  }
}
