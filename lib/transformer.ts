import type { Clock } from './clock.js'
import { IncompleteSourceError, NoDataError, UnknownColumnError } from './errors.js'
import { ImageReader, type ChoosePart, type OpenImage } from './image-reader.js'
import { Publisher, type PublishReport, type Rendered } from './output/publisher.js'
import { render, type CsvOptions, type Format } from './output/render.js'
import { ageFilter, type AgeRange } from './query/age.js'
import type { Filter } from './query/filter.js'
import { MemoryRecords } from './query/memory-records.js'
import type { Records, Selection, SelectQuery, StatisticsQuery } from './query/records.js'
import type { Statistics } from './query/statistics.js'
import { BASE_COLUMNS, type UserRow } from './record.js'
import { Refresher, type Freshness, type FreshnessRules } from './refresher.js'
import type { EtagCache } from './source/etag-cache.js'
import { reconcile, type Progress, type Reconciled } from './source/reconcile.js'
import type { Reject } from './source/reject.js'
import type { ObjectStore } from './store/object-store.js'

export interface TransformerOptions {
  readonly store: ObjectStore
  readonly cache: EtagCache
  /** The present. Default: the system's clock. */
  readonly clock?: Clock | undefined
  /** Where the info files and images lie. Default: source_data/. */
  readonly sourcePrefix?: string | undefined
  /** Where `updateOutput` writes; never read as input. Default: processed_data/output.csv. */
  readonly outputKey?: string | undefined
  /** Lower case, without the dot. Default: png, jpg, jpeg, webp, gif. */
  readonly imageExtensions?: readonly string[] | undefined
  /** Between the fields of an info file. Default: a comma. */
  readonly inputDelimiter?: string | undefined
  /** IANA name of the zone whose calendar counts completed years. Default: UTC. */
  readonly timeZone?: string | undefined
  /** Default: at most 2 s old, waits 1 s for that, serves data of any age while the bucket can't be read. */
  readonly freshness?: Partial<FreshnessRules> | undefined
}

export interface OutputOptions extends CsvOptions {
  /** Default: the base columns. A column that no record has is empty throughout. */
  readonly columns?: readonly string[] | undefined
  readonly filters?: SelectQuery['filters']
  /** Say what would change and write nothing. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface OutputReport extends PublishReport {
  /** How many info files are in quarantine. */
  readonly rejected: number
}

/** What a complete reconcile found, and the records that it published. */
interface DataSet extends Reconciled {
  readonly records: Records
}

/** Files of the source that are not served, and why. */
export interface Quarantine {
  readonly rejects: readonly Reject[]
  /** Keys of images without an info file. */
  readonly orphans: readonly string[]
  /** How many objects below the prefix are neither info file nor image. */
  readonly ignored: number
}

/** Columns that filters know and answers don't. */
const HIDDEN_COLUMNS = ['birth_date']

/**
 * A bucket of per-user files as records: keeps them up to date, answers queries on them and publishes them. Queries
 * answer from the records of the last reconcile and never wait for the bucket; `ensureFresh` before them does.
 */
export class UserDataTransformer {
  readonly #clock: Clock
  readonly #timeZone: string
  readonly #outputKey: string
  readonly #publisher: Publisher
  readonly #images: ImageReader
  readonly #refresher: Refresher<DataSet>
  readonly #listeners = new Set<(progress: Progress) => void>()

  constructor (options: TransformerOptions) {
    const { store, cache, clock = Date.now, imageExtensions = ['png', 'jpg', 'jpeg', 'webp', 'gif'] } = options
    this.#clock = clock
    this.#timeZone = options.timeZone ?? 'UTC'
    this.#outputKey = options.outputKey ?? 'processed_data/output.csv'
    this.#publisher = new Publisher(store)
    this.#images = new ImageReader(store, imageExtensions)
    const rules = {
      prefix: options.sourcePrefix ?? 'source_data/',
      outputKey: this.#outputKey,
      imageExtensions,
      delimiter: options.inputDelimiter ?? ',',
      timeZone: this.#timeZone
    }
    const freshness = { maxStalenessMs: 2000, refreshWaitMs: 1000, maxStaleIfErrorMs: Infinity, ...options.freshness }
    const onProgress = (progress: Progress) => this.#listeners.forEach((listener) => listener(progress))
    this.#refresher = new Refresher(async () => {
      const reconciled = await reconcile(store, cache, clock, { rules, onProgress })
      cache.replace(reconciled.entries)
      return { ...reconciled, records: this.#recordsOf(reconciled.rows) }
    }, clock, freshness)
  }

  /** Reads what has changed in the source. `fresh`: by a listing that begins after this call. Fails where that fails. */
  async reconcile ({ fresh = false } = {}): Promise<void> {
    await this.#refresher.refresh({ fresh })
  }

  /** Makes the data as fresh as the rules ask or, with `fresh`, as the bucket is now. Never fails, but says how it went. */
  ensureFresh ({ fresh = false } = {}): Promise<Freshness> {
    return this.#refresher.ensure({ fresh })
  }

  /** How fresh the data is, at no cost. */
  freshness (): Freshness {
    return this.#refresher.freshness()
  }

  /** The records that match. @throws UnknownColumnError, NoDataError */
  async select (query: SelectQuery = {}): Promise<Selection> {
    const { records } = this.#data
    checkColumns(records.columns, query.columns, query.filters)
    return await records.select(query)
  }

  /** The records that match as text, in chunks. @throws UnknownColumnError, NoDataError */
  async export (query: SelectQuery & CsvOptions & { readonly format: Format }): Promise<AsyncGenerator<string>> {
    return render(await this.select(query), query.format, query)
  }

  /** Figures on the records that match. @throws UnknownColumnError, NoDataError */
  async statistics (query: StatisticsQuery): Promise<Statistics> {
    const { records } = this.#data
    checkColumns(records.columns, undefined, query.filters)
    return await records.statistics(query)
  }

  /** The mean age of those who match, in years of 365.25 days; -1 where nobody does. */
  async averageAge ({ filters, asOf = this.#clock() }: Partial<StatisticsQuery> = {}): Promise<number> {
    return (await this.statistics({ filters, asOf, binWidth: 10 })).average_age
  }

  /** The filter that keeps people of an age, by the calendar of the configured time zone. */
  ageFilter (range: Omit<AgeRange, 'timeZone'>): Filter {
    return ageFilter({ ...range, timeZone: this.#timeZone })
  }

  /** Opens the image of a record; `undefined` where there is none. @throws StoreError, NoDataError */
  async openImage (userId: string, choosePart: ChoosePart): Promise<OpenImage | undefined> {
    const { records, images } = this.#data
    const { count } = await records.select({ filters: [{ column: 'user_id', op: 'equals', value: userId }] })
    const listed = images.get(userId)
    return listed !== undefined && count > 0 ? await this.#images.open(listed, choosePart) : undefined
  }

  /** What is not served, and why. @throws NoDataError */
  quarantine (): Quarantine {
    const { rejects, orphans, ignored } = this.#data
    return { rejects, orphans, ignored }
  }

  /**
   * Brings the aggregated output up to date with the source, by a listing that begins after this call.
   *
   * @throws StoreError where the bucket can't be read or written; IncompleteSourceError
   */
  async updateOutput ({ columns = BASE_COLUMNS, filters, dryRun = false, onProgress = () => {}, ...csv }: OutputOptions = {}): Promise<OutputReport> {
    let rejected = 0
    const report = await this.#publisher.publish({
      key: this.#outputKey,
      delimiter: csv.delimiter ?? ',',
      dryRun,
      renderFresh: async () => {
        const { records, rejects, failed } = await this.#refreshTelling(onProgress)
        if (failed.length > 0) throw new IncompleteSourceError(failed)
        rejected = rejects.length
        return await renderWhole(await records.select({ columns, filters }), csv)
      }
    })
    return { ...report, rejected }
  }

  /** A reconcile that begins after this call; `onProgress` hears of it, and of one that has to end before. */
  async #refreshTelling (onProgress: (progress: Progress) => void): Promise<DataSet> {
    this.#listeners.add(onProgress)
    try {
      return await this.#refresher.refresh({ fresh: true })
    } finally {
      this.#listeners.delete(onProgress)
    }
  }

  get #data (): DataSet {
    const data = this.#refresher.last
    if (data === undefined) throw new NoDataError()
    return data
  }

  /** New records only where the rows have changed. */
  #recordsOf (rows: readonly UserRow[]): Records {
    const last = this.#refresher.last
    const isSame = last?.rows.length === rows.length && rows.every((row, i) => row === last.rows[i])
    return isSame ? last.records : new MemoryRecords(rows, this.#timeZone)
  }
}

async function renderWhole (selection: Selection, options: CsvOptions): Promise<Rendered> {
  const chunks: Buffer[] = []
  for await (const chunk of render(selection, 'csv', options)) chunks.push(Buffer.from(chunk))
  return { body: Buffer.concat(chunks), users: selection.count }
}

function checkColumns (known: readonly string[], columns: readonly string[] = [], filters: SelectQuery['filters'] = []): void {
  const check = (column: string, usedIn: 'columns' | 'filters') => {
    if (!known.includes(column) && !(usedIn === 'filters' && HIDDEN_COLUMNS.includes(column))) {
      throw new UnknownColumnError(column, usedIn, known)
    }
  }
  for (const column of columns) check(column, 'columns')
  for (const filter of filters) if (typeof filter !== 'function') check(filter.column, 'filters')
}
