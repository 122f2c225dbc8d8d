import { REJECT_CODES, type UserDataTransformer } from '../lib/transformer.js'

/** At most this many rejected files are shown, but at least one of each code. */
const MAX_FILES = 20

/**
 * Lines about the rejected info files of the last reconcile: for each code, the most frequent one first, their number and the first of them, with what is wrong and how it is
 * corrected. Empty if no info file is rejected.
 */
export function describeRejects (transformer: UserDataTransformer): string[] {
  const groups = REJECT_CODES.map((code) => ({ code, ...transformer.quarantine({ codes: [code], limit: MAX_FILES }) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
  const shown = Math.max(1, Math.floor(MAX_FILES / groups.length))
  return groups.flatMap(({ code, count, entries }) => [
    `${code}: ${count}`,
    ...entries().slice(0, shown).map(({ key, line, detail, hint }) => `  ${key}${line === null ? '' : `, line ${line}`}: ${detail}${hint === null ? '' : `; ${hint}`}`),
    ...count > shown ? [`  and ${count - shown} more`] : []
  ])
}
