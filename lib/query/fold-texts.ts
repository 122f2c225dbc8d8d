import { firstIndex } from '../base/bytes.js'
import { foldCase } from '../base/fold-case.js'
import { rowRanges, type Steps } from '../base/steps.js'
import { Utf8Builder, type Utf8Column, type Utf8Reader } from '../table/utf8-column.js'

/** About how many bytes are searched in one step. */
const STEP_BYTES = 2 ** 22

/** The case-folded texts of a column. */
export function * foldTexts (texts: Utf8Reader): Steps<Utf8Column> {
  const { length, bytes, offsets } = texts
  const folded = new Utf8Builder(length, bytes.length + 16)
  yield * rowRanges(length, (from, to) => {
    for (let row = from; row < to; row++) {
      const [start, end] = [offsets[row]!, offsets[row + 1]!]
      if (isAscii(bytes, start, end)) folded.pushSlice(upperCase(bytes, start, end))
      else folded.push(foldCase(texts.at(row)))
    }
  })
  return { offsets: folded.offsets.subarray(0, length + 1), bytes: folded.bytes }
}

/** If hits are on average closer than this many bytes, looking at each text costs less than the native search. */
const DENSE_BYTES = 256
/** The first hits, which may be close to each other by chance, do not count. */
const IGNORED_HITS = 64

/** Calls `found` with the index of each text that contains these bytes. */
export function * findContaining (texts: Utf8Reader, wanted: Buffer, found: (index: number) => void): Steps<void> {
  const { length, bytes, offsets } = texts
  let pause = STEP_BYTES
  let hits = 0
  let i = 0
  while (i < length) {
    const at = offsets[i]!
    if (at > pause) {
      pause = at + STEP_BYTES
      yield
    }
    if (wanted.length === 0 || (hits - IGNORED_HITS) * DENSE_BYTES > at - offsets[0]!) {
      if (contains(bytes, at, offsets[i + 1]!, wanted)) {
        found(i)
        hits++
      }
      i++
      continue
    }
    const end = firstIndex(i + 1, length, (next) => offsets[next]! > pause)
    const hit = bytes.subarray(0, offsets[end]).indexOf(wanted, at)
    if (hit === -1) {
      i = end
      continue
    }
    i = firstIndex(i, end, (next) => offsets[next + 1]! > hit)
    // Otherwise the hit extends into the next text.
    if (hit + wanted.length <= offsets[i + 1]!) {
      found(i)
      hits++
    }
    i++
  }
}

function contains (bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  const { length } = wanted
  if (length === 0) return true
  const first = wanted[0]!
  for (let at = start; at <= end - length; at++) {
    if (bytes[at] !== first) continue
    let i = 1
    while (i < length && bytes[at + i] === wanted[i]) i++
    if (i === length) return true
  }
  return false
}

function isAscii (bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! >= 0x80) return false
  return true
}

let scratch = new Uint8Array(256)

/** The slice is valid until the next call. */
function upperCase (bytes: Buffer, start: number, end: number) {
  if (end - start > scratch.length) scratch = new Uint8Array(2 * (end - start))
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    scratch[i - start] = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
  }
  return { bytes: scratch, start: 0, end: end - start }
}
