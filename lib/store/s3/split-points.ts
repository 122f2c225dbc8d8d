import { compareUtf8 } from '../../base/utf8.js'

/** The ranges of characters that are split in the middle. All other characters are only raised to the next one that occurs. */
const CLASSES = [['0', '9'], ['A', 'Z'], ['a', 'z']] as const

/**
 * Guesses keys that divide what a listing has not reached yet, from nothing but its last page. For `1049.csv` before `1999.csv` it is `15`: in the first
 * character that can be raised, half the way to its limit. With no end, it is such a key for each character that all keys of the page have in common:
 * `1074`, `156` and `5`, each further away, because it is not known how far the keys reach.
 *
 * @param first, last the first and last key of the page
 * @param upTo the last key of what is listed; `undefined`: all keys after `last`
 * @param from the length of the prefix of the listing, which is not changed
 * @returns keys after `last` and before `upTo`, in ascending order. They need not exist. None if there is nothing to divide
 */
export function splitPoints (first: string, last: string, upTo: string | undefined, from: number): string[] {
  const common = commonLength(first, last)
  const top = upTo === undefined ? from : Math.max(from, commonLength(last, upTo))
  const points: string[] = []
  for (let i = Math.min(Math.max(common, top + 1), last.length) - 1; i >= top; i--) {
    const limit = upTo !== undefined && i === top ? upTo.charAt(i) : undefined
    const raised = raise(last.charAt(i), limit, first + last)
    if (raised === undefined) continue
    const point = last.slice(0, i) + raised
    if (upTo === undefined || compareUtf8(point, upTo) < 0) points.push(point)
  }
  return upTo === undefined ? points : points.slice(-1)
}

/** A greater character than `from`: half the way to `limit` or to the end of its class, or the next one that occurs in `known`. */
function raise (from: string, limit: string | undefined, known: string): string | undefined {
  const last = CLASSES.find(([low, high]) => low <= from && from <= high)?.[1]
  if (last === undefined) return undefined
  const end = limit !== undefined && limit < last ? limit : last
  if (from < end) return String.fromCharCode((from.charCodeAt(0) + end.charCodeAt(0) + 1) >>> 1)
  return known.match(/[0-9A-Za-z]/g)?.filter((character) => character > from).sort()[0]
}

function commonLength (a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let i = 0
  while (i < length && a[i] === b[i]) i++
  return i
}
