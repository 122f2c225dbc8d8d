import type { Warning } from '../base/warning.js'
import type { SkippedFile } from '../store/object-store.js'
import { Utf8Reader } from '../table/utf8-column.js'
import type { IgnoredObjects } from './ignored-objects.js'
import type { Quarantine } from './quarantine.js'
import { QUARANTINE_CODES } from './reject.js'
import type { SkippedFiles } from './skipped-files.js'

export interface LakeFacts {
  readonly prefix: string
  /** The number of listed objects. */
  readonly listed: number
  readonly records: number
  readonly quarantine: Quarantine
  readonly skipped: readonly SkippedFiles[]
}

/** The most groups of ignored objects or of rejects that a warning names. */
const MAX_GROUPS = 3

/** The warnings about the content of a lake. */
export function findLakeWarnings (facts: LakeFacts): Warning[] {
  const warnings: Warning[] = []
  if (facts.records === 0) warnings.push({ code: 'nothing_usable', detail: describeUnusable(facts) })
  if (facts.skipped.length > 0) warnings.push({ code: 'skipped_files', detail: describeSkipped(facts.skipped) })
  return warnings
}

function describeUnusable ({ prefix, listed, quarantine }: LakeFacts): string {
  const place = prefix === '' ? 'in the lake' : `with the prefix ${JSON.stringify(prefix)}`
  if (listed === 0) return `There is no object ${place}`
  const { counts, ignored } = quarantine
  const parts = [
    ...counts.ignored > 0 ? [`${counts.ignored} ignored (${list(ignored.map(describeIgnored))})`] : [],
    ...counts.rejects > 0 ? [`${counts.rejects} rejected (${describeRejects(quarantine)})`] : [],
    ...counts.orphans > 0 ? [`${counts.orphans} images without an info file`] : []
  ]
  return `None of the ${listed} objects ${place} makes a record` + (parts.length === 0 ? '' : `: ${parts.join('; ')}`)
}

function describeIgnored ({ extension, count, example }: IgnoredObjects): string {
  return `${count} ${extension === null ? 'without a known extension' : `.${extension}`}, such as ${example}`
}

function describeRejects ({ codes, keys }: Quarantine): string {
  const groups = new Map<number, { count: number, readonly row: number }>()
  codes.forEach((code, row) => {
    const group = groups.get(code)
    if (group === undefined) groups.set(code, { count: 1, row })
    else group.count++
  })
  groups.delete(QUARANTINE_CODES.indexOf('orphan'))
  const reader = new Utf8Reader(keys)
  const frequent = [...groups].sort(([, a], [, b]) => b.count - a.count)
  return list(frequent.map(([code, { count, row }]) => `${count} ${QUARANTINE_CODES[code]}, such as ${reader.at(row)}`))
}

function list (groups: readonly string[]): string {
  return groups.slice(0, MAX_GROUPS).join('; ') + (groups.length > MAX_GROUPS ? '; and others' : '')
}

const REASONS: Readonly<Record<SkippedFile['reason'], string>> = {
  name_not_utf8: 'with a name that is not UTF-8',
  link: 'that is a symbolic link',
  special_file: 'that is neither a file nor a folder'
}

function describeSkipped (skipped: readonly SkippedFiles[]): string {
  const groups = skipped.map(({ reason, count, example }) => `${count} ${REASONS[reason]}, such as ${example}`)
  return `The folder has entries that are not part of the lake: ${groups.join('; ')}`
}
