import type { QuarantineEntry } from '../lib/source/quarantine.js'
import { REJECT_CODES, type RejectCode } from '../lib/source/reject.js'
import type { UserDataTransformer } from '../lib/transformer.js'

/** The maximum number of different mistakes that are shown, but at least one of each code. */
const MAX_MISTAKES = 20
/** The maximum number of files with the same mistake that are named. */
const MAX_FILES = 5
/** The number of entries that are taken from the quarantine at a time. */
const PAGE_SIZE = 10_000

/** What is wrong with some files, and is the same in all of them. */
interface Mistake extends Pick<QuarantineEntry, 'excerpt'> {
  /** The detail and the hint. */
  readonly heading: string
  count: number
  /** The first of the files, each with the line. */
  readonly files: string[]
}

/**
 * Lines about the rejected info files of the last reconcile. For each code, the most frequent one first: the number of files, and the most frequent mistakes. A mistake has a line with what is
 * wrong and how it is corrected, and after it one line for each text that is wrong in this way, with its number and the first files. Empty if no info file is rejected.
 */
export function describeRejects (transformer: UserDataTransformer): string[] {
  const groups = REJECT_CODES.map((code) => ({ code, ...findMistakes(transformer, code) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
  const limit = limitPerCode(groups.map(({ mistakes }) => mistakes.length))
  return groups.flatMap(({ code, count, mistakes }) => {
    const shown = mistakes.slice(0, limit)
    const rest = shown.reduce((rest, mistake) => rest - mistake.count, count)
    const headings = [...new Set(shown.map(({ heading }) => heading))]
    return [
      `${code}: ${count}`,
      ...headings.flatMap((heading) => [`  ${heading}`, ...shown.filter((mistake) => mistake.heading === heading).map((mistake) => `    ${describeFiles(mistake)}`)]),
      ...rest > 0 ? [`  and ${rest} more`] : []
    ]
  })
}

/** The number of mistakes of each code that are shown: as many as MAX_MISTAKES allows for all codes together, and at least one. @param counts the number of mistakes of each code */
function limitPerCode (counts: readonly number[]): number {
  const fits = (limit: number) => counts.reduce((sum, count) => sum + Math.min(count, limit), 0) <= MAX_MISTAKES
  let limit = 1
  while (limit < MAX_MISTAKES && fits(limit + 1)) limit++
  return limit
}

/** The number of files with a code, and their different mistakes: the most frequent one first, then in the order of the keys. */
function findMistakes (transformer: UserDataTransformer, code: RejectCode): { readonly count: number, readonly mistakes: readonly Mistake[] } {
  const mistakes = new Map<string, Mistake>()
  let count = 0
  for (const { key, line, detail, hint, excerpt } of entriesOf(transformer, code)) {
    const heading = hint === null ? detail : `${detail}. ${hint}`
    const name = JSON.stringify([heading, excerpt])
    const mistake = mistakes.get(name) ?? { heading, excerpt, count: 0, files: [] }
    mistakes.set(name, mistake)
    count++
    mistake.count++
    if (mistake.files.length < MAX_FILES) mistake.files.push(line === null ? key : `${key}, line ${line}`)
  }
  return { count, mistakes: [...mistakes.values()].sort((a, b) => b.count - a.count) }
}

function * entriesOf (transformer: UserDataTransformer, code: RejectCode): Generator<QuarantineEntry> {
  let after: string | undefined
  do {
    const page = transformer.quarantine({ codes: [code], after, limit: PAGE_SIZE })
    yield * page.entries()
    after = page.next
  } while (after !== undefined)
}

function describeFiles ({ excerpt, count, files }: Mistake): string {
  const subject = [...excerpt === null ? [] : [`got ${JSON.stringify(excerpt)}`], ...count === 1 ? [] : [`${count} files`]].join(' in ')
  const rest = count - files.length
  return `${subject === '' ? '' : `${subject}: `}${files.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`
}
