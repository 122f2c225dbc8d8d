/** UTF-16 code units. Longer words are not compared: they are unlikely to be typing errors, and the comparison takes quadratic time. */
const MAX_LENGTH = 64
/** UTF-16 code units. The beginning of a name is compared from this length on: many names begin with a shorter one. */
const MIN_PREFIX_LENGTH = 4

/**
 * The candidate with the smallest edit distance from the word, ignoring case. A candidate counts only if its distance is at most `maxEdits`, by default a third
 * of the length of the word (or 1, if that is more), and less than its own length: otherwise hardly any of its characters would be in the word. Returns `undefined` if no
 * candidate counts, or if the word has more than 64 UTF-16 code units. Without `maxEdits`, and if no other candidate counts, the only one that begins with the word (of at least 4) does.
 */
export function nearest (word: string, candidates: Iterable<string>, maxEdits?: number): string | undefined {
  if (word.length > MAX_LENGTH) return undefined
  const names = new Set(candidates)
  let best: string | undefined
  let fewest = (maxEdits ?? Math.max(1, Math.floor(word.length / 3))) + 1
  for (const candidate of names) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < fewest && edits < candidate.length) [best, fewest] = [candidate, edits]
  }
  if (best !== undefined || maxEdits !== undefined || word.length < MIN_PREFIX_LENGTH) return best
  const [longer, another] = [...names].filter((name) => name.toLowerCase().startsWith(word.toLowerCase()))
  return another === undefined ? longer : undefined
}

/** The end of a message about an unknown name: "; did you mean min_age?", or an empty string if there is no suggestion. */
export function didYouMean (name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${name}?`
}

/** Joins two parts of a message with a semicolon, or with a space after a question mark. */
export function joinParts (first: string, second: string): string {
  return `${first}${first.endsWith('?') ? ' ' : '; '}${second}`
}

/** The number of insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), computed one row of the matrix at a time. */
function editDistance (a: string, b: string): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(substitution, last[j]! + 1, row[j - 1]! + 1, isSwap ? beforeLast[j - 2]! + 1 : Infinity))
    }
    [beforeLast, last] = [last, row]
  }
  return last[b.length]!
}
