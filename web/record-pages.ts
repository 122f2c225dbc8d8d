import { ApiError, type Api } from './api.js'
import { rejectsParameter } from './paths.js'
import { toSearch, type Entry } from './query-state.js'
import type { QuarantineEntry, Row } from './types.js'

/** Records of a page, and the most pages that are kept: those that were used last. */
const PAGE_ROWS = 100
const MAX_KEPT = 60
/** The most characters of a query. */
const MAX_SEARCH = 6000

/** The records of one listing, read page by page. Cursors lead forward only, so a page is read after the one before it. */
export class RecordPages {
  /** The number of records that match; `undefined` until the first page is there. */
  total: number | undefined
  /** The keys of the records in memory whose file is in quarantine, so that an earlier version of them is served. */
  readonly lastGood = new Set<string>()
  readonly #api: Api
  readonly #entries: readonly Entry[]
  readonly #keyName: string
  /** The cursor of each page whose position is known; that of the first page is empty. */
  readonly #cursors: string[] = ['']
  readonly #pages = new Map<number, readonly Row[]>()
  readonly #loading = new Map<number, Promise<void>>()

  constructor (api: Api, entries: readonly Entry[], keyName: string) {
    this.#api = api
    this.#entries = entries
    this.#keyName = keyName
  }

  /** The number of rows that are known to exist and can be read: the last page leads to the next one. */
  get reachable (): number {
    if (this.total === undefined) return 0
    return Math.min(this.total, this.#cursors.length * PAGE_ROWS)
  }

  /** The record in this row; `undefined` if its page is not in memory. */
  row (index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS]
  }

  /** Reads the pages of these rows that are not in memory, as far as their cursors are known. Returns whether anything was read. @throws {ApiError} */
  async load (first: number, end: number): Promise<boolean> {
    const pages: number[] = []
    for (let page = Math.floor(first / PAGE_ROWS); page * PAGE_ROWS < Math.max(end, first + 1); page++) {
      if (page < this.#cursors.length && !this.#pages.has(page)) pages.push(page)
    }
    for (const page of pages) await this.#loadPage(page)
    return pages.length > 0
  }

  async #loadPage (page: number): Promise<void> {
    const loading = this.#loading.get(page) ?? this.#read(page).finally(() => this.#loading.delete(page))
    this.#loading.set(page, loading)
    await loading
  }

  async #read (page: number): Promise<void> {
    const cursor = this.#cursors[page]!
    const search = toSearch([...this.#entries, ['limit', String(PAGE_ROWS)], ...cursor === '' ? [] : [['cursor', cursor] as const]])
    const { headers, body } = await this.#api.getWithHeaders<readonly Row[]>(`data${search}`)
    if (headers.has('data-last-good')) await this.#findLastGood(body)
    const next = headers.get('next-cursor')
    this.total = Number(headers.get('x-total-count'))
    if (next !== null && page === this.#cursors.length - 1) this.#cursors.push(next)
    this.#pages.set(page, body)
    if (this.#pages.size > MAX_KEPT) this.#pages.delete(this.#pages.keys().next().value!)
  }

  async #findLastGood (rows: readonly Row[]): Promise<void> {
    const parameter = rejectsParameter(this.#keyName)
    for (const search of searchesOf(rows.map((row) => [parameter, String(row[this.#keyName])]))) {
      const { entries } = await this.#api.get<{ readonly entries: readonly (QuarantineEntry & Row)[] }>(`rejects${search}`)
      for (const entry of entries) if (entry.last_good !== null) this.lastGood.add(String(entry[parameter]))
    }
  }
}

/** Entries as queries of URLs that are not longer than servers accept. */
function searchesOf (entries: readonly Entry[]): readonly string[] {
  const search = toSearch(entries)
  if (search.length <= MAX_SEARCH || entries.length < 2) return [search]
  const half = Math.floor(entries.length / 2)
  return [...searchesOf(entries.slice(0, half)), ...searchesOf(entries.slice(half))]
}

/** Whether the data version of a listing is no longer retained, so that the listing has to begin again. */
export function isGone (error: unknown): boolean {
  return error instanceof ApiError && error.status === 410
}
