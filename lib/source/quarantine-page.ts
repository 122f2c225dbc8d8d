import { firstIndex } from '../base/bytes.js'
import { Utf8Reader } from '../table/utf8-column.js'
import type { IgnoredObjects } from './ignored-objects.js'
import type { Quarantine, QuarantineEntry } from './quarantine.js'
import { QUARANTINE_CODES, type QuarantineCode } from './reject.js'

export interface QuarantineQuery {
  /** Only entries with one of these record ids. */
  readonly ids?: readonly string[] | undefined
  /** Only entries with one of these codes. */
  readonly codes?: readonly QuarantineCode[] | undefined
  /** Only entries whose keys come after this one. */
  readonly after?: string | undefined
  /** The maximum number of entries of the page. Default: all. */
  readonly limit?: number | undefined
}

/** Entries of a quarantine in ascending order of their keys. */
export interface QuarantinePage {
  /** Names the content of the whole quarantine. */
  readonly name: string
  /** Of the whole quarantine. */
  readonly counts: Quarantine['counts']
  readonly ignored: readonly IgnoredObjects[]
  /** The number of entries that match, on all pages. */
  readonly count: number
  /** The key of the last entry of the page; `undefined` if the page is the last one. */
  readonly next: string | undefined
  /** The entries as JSON objects. */
  readonly json: () => string[]
  readonly entries: () => QuarantineEntry[]
}

/** The page of the entries that match. */
export function selectEntries (quarantine: Quarantine, { ids, codes, after, limit = Infinity }: QuarantineQuery): QuarantinePage {
  const keys = new Utf8Reader(quarantine.keys)
  const rows = matchingRows(quarantine, ids, codes)
  const first = after === undefined ? 0 : firstAfter(keys, rows, after)
  const page = rows.subarray(first, first + Math.min(limit, rows.length))
  const json = () => {
    const reader = new Utf8Reader(quarantine.json)
    return Array.from(page, (row) => reader.at(row))
  }
  return {
    name: quarantine.name,
    counts: quarantine.counts,
    ignored: quarantine.ignored,
    count: rows.length,
    next: first + page.length < rows.length ? keys.at(page.at(-1)!) : undefined,
    json,
    entries: () => json().map((text) => JSON.parse(text))
  }
}

function matchingRows ({ ids: column, codes: codeOf }: Quarantine, wantedIds: QuarantineQuery['ids'], codes: QuarantineQuery['codes']): Uint32Array {
  const rows = new Uint32Array(codeOf.length)
  const ids = wantedIds?.map((id) => Buffer.from(id))
  const reader = new Utf8Reader(column)
  const wanted = QUARANTINE_CODES.map((code) => codes === undefined || codes.includes(code))
  let length = 0
  for (let row = 0; row < rows.length; row++) {
    if (wanted[codeOf[row]!]! && (ids === undefined || ids.some((id) => reader.compare(row, id) === 0))) rows[length++] = row
  }
  return rows.subarray(0, length)
}

/** The index of the first of these rows whose key comes after this one. */
function firstAfter (keys: Utf8Reader, rows: Uint32Array, after: string): number {
  const bytes = Buffer.from(after)
  return firstIndex(0, rows.length, (i) => keys.compare(rows[i]!, bytes) > 0)
}
