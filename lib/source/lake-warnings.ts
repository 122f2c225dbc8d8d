import { countOf } from '../base/count-of.js'
import type { Warning } from '../base/warning.js'
import type { SkippedFile } from '../store/object-store.js'
import type { IgnoredObjects } from './ignored-objects.js'
import type { CodeGroup, Quarantine } from './quarantine.js'
import { isCovered, type Coverage } from './coverage.js'
import { GENERAL_DETAILS, UNREAD_CODES, type QuarantineCode, type RejectCode } from './reject.js'
import { isFormatHint } from './hint.js'
import type { SkippedFiles } from './skipped-files.js'

/** What a reconcile found in a lake. */
export interface LakeSummary {
  readonly prefix: string
  /** The number of listed objects. */
  readonly listed: number
  readonly records: number
  readonly counts: Quarantine['counts']
  readonly ignored: readonly IgnoredObjects[]
  /** The entries of the quarantine by code: see `groupByCode`. */
  readonly groups: readonly CodeGroup[]
  readonly skipped: readonly SkippedFiles[]
  readonly coverage: Coverage
}

/** The maximum number of groups of ignored objects or of rejects that a warning names. */
const MAX_GROUPS = 3

/** The maximum length of the detail of a reject in a warning, in UTF-16 code units; the rest is cut off. */
const MAX_DETAIL_LENGTH = 200

/** The warnings about the content of a lake. */
export function findLakeWarnings (summary: LakeSummary): Warning[] {
  const warnings: Warning[] = []
  if (summary.records === 0) warnings.push({ code: 'nothing_usable', detail: describeUnusable(summary) })
  warnings.push(...findReadWarnings(summary), ...findRejectWarnings(summary))
  if (summary.skipped.length > 0) warnings.push({ code: 'skipped_files', detail: describeSkipped(summary.skipped) })
  return warnings
}

/** Warnings about files that cannot be read. There is no warning while a few downloads have failed that will soon be tried again. */
function findReadWarnings ({ groups, coverage }: LakeSummary): Warning[] {
  const [unreadable, failed] = [findCode(groups, 'unreadable'), findCode(groups, 'download_failed')]
  const areMany = failed !== undefined && (2 * failed.count >= coverage.infoFiles || !isCovered(coverage))
  return [
    ...areMany ? [{ code: 'files_not_read', detail: `${failed.count} of ${countOf(coverage.infoFiles, 'info file')} could not be read, such as ${failed.example}` } as const] : [],
    ...unreadable !== undefined ? [{ code: 'unreadable_files', detail: `${unreadable.count} of ${countOf(coverage.infoFiles, 'info file')} cannot be read, and outputs do not wait for them, such as ${unreadable.example}` } as const] : []
  ]
}

/** At least this many rejects, and more than a tenth of the info files, are a warning. */
const MIN_MANY_REJECTS = 10

/** Codes that are not counted: an orphan is not an info file, and files with the other codes are tried again or have a warning of their own. */
const UNCOUNTED_CODES: readonly QuarantineCode[] = ['orphan', ...UNREAD_CODES]

/** Returns the warning about many rejected files, if it applies. If no file becomes a record, it does not apply: the warning `nothing_usable` then has the reasons. */
function findRejectWarnings (summary: LakeSummary): Warning[] {
  const { records, coverage: { infoFiles } } = summary
  const groups = summary.groups.filter(({ code }) => !UNCOUNTED_CODES.includes(code))
  const rejects = groups.reduce((sum, { count }) => sum + count, 0)
  if (records === 0 || rejects < MIN_MANY_REJECTS || 10 * rejects <= infoFiles) return []
  return [{ code: 'many_rejects', detail: `${rejects} of ${infoFiles} info files are rejected: ${describeGroups(groups)}` + (isMisfit(summary) ? `. ${MISFIT}` : '') }]
}

/** Returns the number of entries with a code, and the description of the first one; `undefined` if no entry has the code. */
function findCode (groups: readonly CodeGroup[], code: RejectCode): { readonly count: number, readonly example: string } | undefined {
  const group = groups.find((group) => group.code === code)
  if (group === undefined) return undefined
  const { key, detail, hint } = group.first()
  return { count: group.count, example: `${key}: ${detail}${hint === null ? '' : `. ${hint}`}` }
}

function describeUnusable (summary: LakeSummary): string {
  const { prefix, listed, counts, ignored, groups } = summary
  const place = prefix === '' ? 'in the lake' : `with the prefix ${JSON.stringify(prefix)}`
  if (listed === 0) return `There is no object ${place}; upload info files, or set LAKE_URL and SOURCE_PREFIX to where they are`
  const parts = [
    ...counts.ignored > 0 ? [`${counts.ignored} ignored (${describeIgnored(ignored)})`] : [],
    ...counts.rejects > 0 ? [`${counts.rejects} rejected (${describeGroups(groups.filter(({ code }) => code !== 'orphan'))})`] : [],
    ...counts.orphans > 0 ? [`${countOf(counts.orphans, 'image')} without an info file`] : []
  ]
  return (listed === 1 ? `The only object ${place} does not become a record` : `None of the ${listed} objects ${place} becomes a record`) + (parts.length === 0 ? '' : `: ${parts.join('; ')}`) + (isMisfit(summary) ? `. ${MISFIT}` : '')
}

/** The most frequent extensions of ignored objects, each with their number and one of them. */
export function describeIgnored (ignored: readonly IgnoredObjects[]): string {
  return list(ignored.map(({ extension, count, example }) => `${count} ${extension === null ? 'without an extension, or with one beyond the first 100' : `.${extension}`}, such as ${example}`))
}

const MISFIT = 'If these files are correct, the schema does not fit them: edit the schema file that SCHEMA names, or set SCHEMA to a new one, which userlake schema writes'

/** The codes of files that are intact, and differ from the schema. */
const MISFIT_CODES: readonly QuarantineCode[] = ['reserved_header', 'missing_column', 'wrong_columns', 'invalid_value']

/** Whether most of the rejected files differ from the schema, and not in their format: if the first file of a code has a hint about that, all files of this code are taken to have the same mistake. */
function isMisfit ({ groups, counts }: LakeSummary): boolean {
  const misfits = groups.reduce((sum, { code, count, first }) => sum + (MISFIT_CODES.includes(code) && !isFormatHint(first().hint) ? count : 0), 0)
  return 2 * misfits > counts.rejects
}

/** The first groups, each with the key of a file, what is wrong with it and a hint about its format. Without any text of the file, as warnings are in the log. */
function describeGroups (groups: readonly CodeGroup[]): string {
  const describe = ({ code, count, first }: CodeGroup) => {
    const { key, detail, hint } = first()
    return `${count} ${code}, such as ${key}: ${(GENERAL_DETAILS[code] ?? detail).slice(0, MAX_DETAIL_LENGTH)}` + (isFormatHint(hint) ? `. ${hint}` : '')
  }
  return list(groups.map(describe))
}

function list (groups: readonly string[]): string {
  return groups.slice(0, MAX_GROUPS).join('; ') + (groups.length > MAX_GROUPS ? '; and others' : '')
}

const REASONS: Readonly<Record<SkippedFile['reason'], string>> = {
  name_not_utf8: 'names that are not UTF-8',
  link: 'symbolic links',
  special_file: 'entries that are neither files nor folders'
}

function describeSkipped (skipped: readonly SkippedFiles[]): string {
  const groups = skipped.map(({ reason, count, example }) => `${REASONS[reason]} (${count}, such as ${example})`)
  return `The folder has entries that are not part of the lake: ${groups.join('; ')}`
}
