import { randomUUID } from 'node:crypto'
import type { Clock, MonotonicClock } from '../base/clock.js'
import { EngineError } from '../base/errors.js'
import { StoreError, type ObjectStore } from '../store/object-store.js'
import { undefinedIfRefused } from '../store/own-object.js'

/** What a listing of the lake has found. Plain data, which the other processes read from the manifest. */
export interface Summary {
  /** The number of records. */
  readonly records: number
  /** When the listing began, in milliseconds of the monotonic clock of this process. */
  readonly listedAt: number
  /** What else is known of the lake: JSON that this module does not read. */
  readonly source: unknown
}

/** The numbers of rows that a commit adds to a table, and of the keys whose rows it ends. */
export interface StagedCounts { readonly rows: number, readonly keys: number }

/** The last version that was committed, and the change that leads to it. */
export interface Commit {
  /** The number of the version. */
  readonly number: bigint
  /** The number of the version that was changed; `null`: the version replaces everything that the tables have. */
  readonly base: bigint | null
  /** The stage of the change. */
  readonly stage: bigint
  /** By the name of the table. */
  readonly staged: Readonly<Record<string, StagedCounts>>
}

/** The manifest as it was last read or written. */
export interface KnownManifest {
  readonly etag: string
  readonly commit: Commit
  readonly summary: Summary
  /** What the rows depend on: see identity.ts. */
  readonly identity: string
  readonly database: string
  /** Whether the version was made before columns were added to the schema of the identity, so that the lake has to be loaded again. */
  readonly lacksColumns: boolean
  /** Unique for each write. */
  readonly id: string
  /** The manifest was certainly not written before this time, in milliseconds of the monotonic clock; -Infinity if no such time is known. */
  readonly notBefore: number
  /** When the manifest was written, in milliseconds of the monotonic clock: as exactly as the wall clocks of its writer and of this process agree. */
  readonly writtenAt: number
}

/** What a write of the manifest stores. */
type Content = Pick<KnownManifest, 'commit' | 'summary' | 'identity' | 'database' | 'lacksColumns'>

/** The JSON of the manifest. */
interface Manifest {
  readonly format: typeof FORMAT
  readonly id: string
  readonly identity: string
  readonly database: string
  /** Absent: false. */
  readonly lacksColumns?: true
  readonly number: string
  readonly base: string | null
  readonly stage: string
  readonly staged: Commit['staged']
  readonly records: number
  readonly source: unknown
  /** Milliseconds since the listing began, by the monotonic clock of the writer, when the wall clock of the writer was `sentAt`. */
  readonly listingAgeMs: number
  readonly sentAt: number
}

export interface ManifestOptions {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'url'>
  readonly key: string
  readonly clock: MonotonicClock
  /** The wall clock, which is compared with that of the machine that wrote the manifest. */
  readonly wallClock: Clock
}

const FORMAT = 'userlake engine 1'
/** The largest manifest that is read, in bytes: many times what a schema and the summary of a listing take. */
const MAX_BYTES = 16 * 1024 * 1024

/** Another process has replaced the manifest that a write was to replace. */
export class CommitConflictError extends Error {
  constructor (key: string) {
    super(`Another process has written ${key} first`)
    this.name = 'CommitConflictError'
  }
}

/** The object in the lake that names the last version of the tables, and contains how old its data is. Each write has the condition that the object still has the ETag that the writer knows. */
export class ManifestFile {
  readonly #options: ManifestOptions
  #known: KnownManifest | undefined
  /** When the last request was sent whose response showed that `#known` is current; -Infinity before the first one. */
  #seenAt = -Infinity

  constructor (options: ManifestOptions) {
    this.#options = options
  }

  /** Reads the manifest. Returns `undefined` if the lake has no manifest. @throws StoreError; EngineError `engine_wrong_database` if the object is not a manifest of this release */
  async read (): Promise<KnownManifest | undefined> {
    const { store, key, clock } = this.#options
    const known = this.#known
    const requestedAt = clock()
    const found = await store.get(key, { ifNoneMatch: known?.etag, maxBytes: MAX_BYTES }).catch(undefinedIfRefused)
    if (found === 'unchanged') {
      this.#seenAt = Math.max(this.#seenAt, requestedAt)
      return known
    }
    this.#known = found && this.#decode(found.body, found.etag)
    if (found !== undefined) this.#seenAt = requestedAt
    return this.#known
  }

  /**
   * Replaces the manifest if it still has this ETag; `null`: creates it if the lake has none.
   *
   * @param isDone whether a manifest that has been read since shows that this write took effect, although the response was lost
   * @throws CommitConflictError if the manifest has another ETag; StoreError. After a StoreError the write may take effect later, if the object still has the ETag
   */
  async write (etag: string | null, content: Content, isDone: (found: KnownManifest, id: string) => boolean): Promise<KnownManifest> {
    const { store, key, clock } = this.#options
    const id = randomUUID()
    const requestedAt = clock()
    try {
      const written = await store.put(key, this.#encode(content, id), { ifMatch: etag, contentType: 'application/json' })
      this.#seenAt = requestedAt
      const known = { ...content, etag: written.etag, id, notBefore: requestedAt, writtenAt: requestedAt }
      this.#known = known
      return known
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const found = await this.read()
      if (found !== undefined && isDone(found, id)) return found
      if (error.code === 'precondition_failed' || (found?.etag ?? null) !== etag) throw new CommitConflictError(key)
      throw error
    }
  }

  #encode ({ commit: { number, base, stage, staged }, summary: { records, listedAt, source }, identity, database, lacksColumns }: Content, id: string): Buffer {
    const { clock, wallClock } = this.#options
    return Buffer.from(JSON.stringify({
      format: FORMAT,
      id,
      identity,
      database,
      ...lacksColumns && { lacksColumns },
      number: String(number),
      base: base === null ? null : String(base),
      stage: String(stage),
      staged,
      records,
      source,
      listingAgeMs: clock() - listedAt,
      sentAt: wallClock()
    } satisfies Manifest))
  }

  #decode (body: Buffer, etag: string): KnownManifest {
    const { store, key, clock, wallClock } = this.#options
    const manifest = parse(body)
    if (manifest?.format !== FORMAT) throw new EngineError('engine_wrong_database', `${store.url}: ${key} is not a manifest that this release of Userlake can read; remove it while no process uses the engine, so that the lake is loaded again`)
    const { id, identity, database, lacksColumns = false, number, base, stage, staged, records, source, listingAgeMs, sentAt } = manifest
    const now = clock()
    // Its writer knew the manifest that we knew, or a later one: it was sent after ours was written.
    const sent = Math.min(now, Math.max(this.#known?.notBefore ?? -Infinity, now - (wallClock() - sentAt)))
    return {
      etag,
      id,
      identity,
      database,
      lacksColumns,
      commit: { number: BigInt(number), base: base === null ? null : BigInt(base), stage: BigInt(stage), staged },
      summary: { records, listedAt: sent - listingAgeMs, source },
      notBefore: this.#seenAt,
      writtenAt: sent
    }
  }
}

function parse (body: Buffer): Manifest | undefined {
  try {
    return JSON.parse(body.toString()) as Manifest
  } catch {
    return undefined
  }
}
