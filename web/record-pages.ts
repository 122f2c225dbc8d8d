import { rejectsParameter } from './paths.js'
import { toSearch, type Entry } from './query-state.js'
import type { QuarantineEntry, Reader, Row } from './types.js'

const PAGE_ROWS = 100
/** The maximum number of pages that are kept: the first one, and those that were read last. */
const MAX_KEPT = 60
/** The maximum number of pages that one request skips: GET /data accepts a limit of 10,000. */
const MAX_SKIPPED = 100
/** The maximum number of characters of a query. */
const MAX_SEARCH = 6000

/** Reads responses of the API with their headers. */
export interface HeaderReader extends Reader {
  getWithHeaders<T> (path: string): Promise<{ readonly headers: Headers, readonly body: T }>
  send (path: string, options: { readonly method: string }): Promise<{ readonly headers: Headers }>
}

/**
 * The records of one listing, read page by page. Cursors lead forward only; HEAD with a large limit gives the cursor of a distant page without the records before it.
 * The first page stays in memory: the request for it has no cursor, so that it would read other data later.
 */
export class RecordPages {
  /** The number of records that match; `undefined` until the first page is there. */
  total: number | undefined
  /** The keys of the records in memory whose file is in quarantine, so that an earlier version of them is served. */
  readonly lastGood = new Set<string>()
  readonly #api: HeaderReader
  readonly #entries: readonly Entry[]
  readonly #keyName: string
  /** The cursors of the pages that can be read. */
  readonly #cursors: (string | undefined)[] = ['']
  readonly #pages = new Map<number, readonly Row[]>()

  constructor (api: HeaderReader, entries: readonly Entry[], keyName: string) {
    this.#api = api
    this.#entries = entries
    this.#keyName = keyName
  }

  /** The record in this row; `undefined` if its page is not in memory. */
  row (index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS]
  }

  /**
   * Sends one request that leads to these rows. Returns the row that it has led to; `undefined` if all of them are in memory.
   *
   * @throws {ApiError}
   */
  async read (first: number, end: number): Promise<number | undefined> {
    let page = Math.floor(first / PAGE_ROWS)
    while (this.#pages.has(page)) page++
    if (page * PAGE_ROWS >= Math.min(end, this.total ?? 1)) return undefined
    let known = page
    while (this.#cursors[known] === undefined) known--
    const next = known === page ? page + 1 : Math.min(page, known + MAX_SKIPPED)
    const cursor = this.#cursors[known]!
    // A cursor contains the other parameters.
    const path = `data${toSearch([...cursor === '' ? this.#entries : [['cursor', cursor] as const], ['limit', String((next - known) * PAGE_ROWS)]])}`
    const headers = known === page ? await this.#readPage(page, path) : (await this.#api.send(path, { method: 'HEAD' })).headers
    const after = headers.get('next-cursor') ?? undefined
    if (after === undefined && known < page) throw new Error('The list of records ends too early')
    this.#cursors[next] = after
    return next * PAGE_ROWS
  }

  async #readPage (page: number, path: string): Promise<Headers> {
    const { headers, body } = await this.#api.getWithHeaders<readonly Row[]>(path)
    if (headers.has('data-last-good')) await this.#findLastGood(body)
    this.total ??= Number(headers.get('x-total-count'))
    this.#pages.set(page, body)
    if (this.#pages.size > MAX_KEPT) this.#pages.delete([...this.#pages.keys()][1]!)
    return headers
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
