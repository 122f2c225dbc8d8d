import { compareUtf8 } from '../../base/utf8.js'

/** The ranges of characters that are split in the middle. Other characters are not changed. */
const CLASSES = [['0', '9'], ['A', 'Z'], ['a', 'z']] as const

/**
 * Guesses keys that divide the unread rest of a listing, only from the page that was read last. If that page ends at `1049.csv` and the listing at `1999.csv`,
 * the guess is `15`: the first character in which they differ is raised halfway to its limit. If the end of the listing is not known, there is such a guess
 * for each character that all keys of the page have in common, because the end may be near or far: for `1040.csv` to `1049.csv`, these are `107`, `15` and `5`.
 *
 * @param first, last the first and last key of the page
 * @param upTo the key at which the listing ends; `undefined` if the end is not known
 * @param prefixLength the length of the prefix of the listing, which is not changed
 * @returns keys after `last` and before `upTo`, in ascending order; none if there is nothing to divide. No object needs to have such a key
 */
export function splitPoints (first: string, last: string, upTo: string | undefined, prefixLength: number): string[] {
  const common = commonLength(first, last)
  const top = upTo === undefined ? prefixLength : Math.max(prefixLength, commonLength(last, upTo))
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

/** A greater character than `from`: halfway to `limit` or to the end of its class, or the next one that occurs in `known`. */
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
