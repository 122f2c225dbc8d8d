import type { Clock, MonotonicClock } from '../base/clock.js'
import { EngineError } from '../base/errors.js'
import type { ObjectStore } from '../store/object-store.js'
import type { TableField } from '../table/table-field.js'
import { applyCommit, findApplied, type AppliedVersion } from './apply.js'
import type { Connection } from './connection.js'
import { forgetStages, forgetVersions } from './forget.js'
import { checkIdentity, claimDatabase, encodeIdentity, hasMoreColumns, type Identity } from './identity.js'
import { CommitConflictError, ManifestFile, type KnownManifest, type Summary } from './manifest.js'
import { migrate } from './migrations.js'
import { sql } from './sql.js'
import { Stage } from './stage.js'
import { DATA_TABLES, VERSIONS } from './tables.js'

export { CommitConflictError } from './manifest.js'

/** A version that was committed and applied: it can be read. */
export interface Committed {
  readonly number: bigint
  /** The public name. */
  readonly name: string
  readonly records: number
  /** The undeclared columns, in the byte order of their names. */
  readonly undeclared: readonly string[]
  /** What was found by the last listing that has led to this version or has found no change of it. */
  readonly summary: Summary
  /** The manifest that has this version and this summary. */
  readonly manifest: KnownManifest
}

export interface CommitsOptions {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'url'>
  /** The key of the manifest. */
  readonly key: string
  readonly connection: Connection
  /** The declared columns. */
  readonly fields: readonly TableField[]
  /** IANA name of the zone in whose calendar the days of births are stored. */
  readonly timeZone: string
  /** The lake, the rules by which it is read, and the schema. */
  readonly identity: Omit<Identity, 'timeZone'>
  /** As in `ManifestOptions`. */
  readonly clock: MonotonicClock
  readonly wallClock: Clock
}

/**
 * The versions of the lake in the engine. A change is staged in the tables; the conditional write of the manifest in the lake commits it, so that of two processes one is first; and
 * applying it, which any process can do or finish, makes it readable. Used by one caller at a time.
 */
export class Commits {
  readonly #options: CommitsOptions
  readonly #manifest: ManifestFile
  /** The manifest that the last call of `current` has found if it returned `undefined`: a load of the lake replaces this manifest, and does not use its number again. */
  #replaceable: KnownManifest | undefined

  private constructor (options: CommitsOptions) {
    this.#options = options
    this.#manifest = new ManifestFile(options)
  }

  /**
   * Creates the tables or changes them to those of this revision.
   *
   * @throws StoreError; EngineError `engine_wrong_database` if the database is for another lake or time zone, or the manifest has a schema from which that of this process differs by more than added columns
   */
  static async open (options: CommitsOptions): Promise<Commits> {
    const { connection, fields } = options
    const commits = new Commits(options)
    // Checked before columns of this process are added to the tables.
    const manifest = await commits.#manifest.read()
    if (manifest !== undefined) commits.#check(manifest)
    await migrate(connection, fields)
    await claimDatabase(connection, commits.#identity)
    return commits
  }

  get #identity (): Identity {
    const { identity, timeZone } = this.#options
    return { ...identity, timeZone }
  }

  /**
   * Returns the version that was committed last, after applying it if no process has done that yet. Returns `undefined` if no version has been committed, if the tables have lost what it is
   * made of, or if it lacks columns that were added to the schema: the lake then has to be loaded.
   *
   * @throws StoreError, EngineError
   */
  async current (): Promise<Committed | undefined> {
    for (let manifest = await this.#manifest.read(); manifest !== undefined;) {
      const outcome = await this.#applied(manifest).catch((error: unknown) => ({ error }))
      if (outcome !== undefined && !('error' in outcome)) {
        const hasOurSchema = !hasMoreColumns(this.#identity, manifest.identity)
        if (hasOurSchema && !manifest.lacksColumns) return toCommitted(manifest, outcome)
        const announced = hasOurSchema ? manifest : await this.#announceColumns(manifest)
        if (announced !== undefined) {
          this.#replaceable = announced
          return undefined
        }
      }
      // If the manifest has changed, other processes have replaced this version and may have forgotten it, so that it could not be applied. The new one is tried next.
      const next = await this.#manifest.read()
      if (next?.etag === manifest.etag) {
        if (outcome !== undefined && 'error' in outcome) throw outcome.error
        this.#replaceable = manifest
        return undefined
      }
      manifest = next
    }
    this.#replaceable = undefined
    return undefined
  }

  /**
   * Begins a change.
   *
   * @param base the version that is changed; `undefined` if `current` has returned `undefined`: the change is then everything that the lake has
   * @throws CommitConflictError if another process has changed it already
   */
  async begin (base: Committed | undefined): Promise<Stage> {
    const { connection, fields } = this.#options
    const manifest = base?.manifest ?? this.#replaceable
    const latest = await this.#latest(base === undefined)
    if (base !== undefined && latest > base.number) {
      if ((await this.#manifest.read())?.etag !== manifest?.etag) throw new CommitConflictError(this.#options.key)
      throw new EngineError('engine_wrong_database', `The database ${connection.database} has version ${latest}, but ${this.#options.key} is of the older version ${base.number}; remove the object while no process uses the engine, so that the lake is loaded again`)
    }
    const number = greatest([latest, manifest?.commit.number ?? 0n]) + 1n
    return await Stage.begin({ connection, fields, number, base: base?.number ?? null, etag: manifest?.etag ?? null })
  }

  /**
   * Makes a change the next version.
   *
   * @param summary the summary of the listing, with the number of records that the version then has
   * @throws CommitConflictError if another process has written the manifest first: the stage is dropped, and `current` returns the version of that process. StoreError, EngineError: the change may have been committed; `current` returns it then
   */
  async commit (stage: Stage, summary: Summary): Promise<Committed> {
    const commit = { number: stage.number, base: stage.base, stage: stage.id, staged: stage.counts }
    let manifest: KnownManifest
    try {
      await this.#verify(stage, summary.records)
      manifest = await this.#write(stage.etag, commit, summary, (found) => found.commit.stage === stage.id)
    } catch (error) {
      if (error instanceof CommitConflictError) await stage.drop()
      throw error
    }
    return toCommitted(manifest, await this.#apply(manifest))
  }

  /** Stores that a listing has found no change of a version, so that other processes know the age of the data. @throws CommitConflictError if another process has written the manifest first */
  async touch (base: Committed, summary: Summary): Promise<Committed> {
    const { etag, commit } = base.manifest
    const manifest = await this.#write(etag, commit, { ...summary, records: base.records }, (found, id) => found.id === id)
    return { ...base, summary: manifest.summary, manifest }
  }

  /** Forgets versions that were replaced at least this number of milliseconds ago, and removes the stages that can never be committed. Readers of a forgotten version get a VersionForgottenError. */
  async forget (olderThanMs: number): Promise<void> {
    const { connection } = this.#options
    await forgetVersions(connection, olderThanMs)
    await forgetStages(connection, async () => await this.#manifest.read())
  }

  /** @throws CommitConflictError if the stage or its base lacks rows because another process has written the manifest; EngineError `engine_incomplete` */
  async #verify (stage: Stage, records: number): Promise<void> {
    try {
      await stage.verify(records)
    } catch (error) {
      if (((await this.#manifest.read())?.etag ?? null) !== stage.etag) throw new CommitConflictError(this.#options.key)
      throw error
    }
  }

  /**
   * Replaces the identity of the manifest by that of this process, which has more columns, before the lake is loaded. From then on processes without these columns refuse the manifest, and go on
   * serving their last version. Otherwise each of their listings would write it, so that the load, which takes much longer, could never be committed.
   *
   * @returns the manifest with the identity of this process; `undefined` if another process has written it first
   */
  async #announceColumns ({ etag, commit, summary }: KnownManifest): Promise<KnownManifest | undefined> {
    try {
      return await this.#write(etag, commit, summary, (found, id) => found.id === id, true)
    } catch (error) {
      if (error instanceof CommitConflictError) return undefined
      throw error
    }
  }

  /** @throws EngineError `engine_wrong_database` if a manifest is for another lake or time zone, or for a schema from which that of this process differs by more than added columns */
  #check ({ identity }: KnownManifest): void {
    checkIdentity(identity, this.#identity, `The manifest ${this.#options.key}`)
  }

  async #write (etag: string | null, commit: KnownManifest['commit'], summary: Summary, isDone: (found: KnownManifest, id: string) => boolean, lacksColumns = false): Promise<KnownManifest> {
    const content = { commit, summary, identity: encodeIdentity(this.#identity), database: this.#options.connection.database, lacksColumns }
    return await this.#manifest.write(etag, content, isDone)
  }

  /** The version of the manifest, which is applied if it is not; `undefined` if the tables lack what it is made of. */
  async #applied (manifest: KnownManifest): Promise<AppliedVersion | undefined> {
    const { key, connection } = this.#options
    const { database, commit: { number, base, stage } } = manifest
    this.#check(manifest)
    if (database !== connection.database) throw new EngineError('engine_wrong_database', `The manifest ${key} is for the database ${database}, not for ${connection.database}; to load the lake into ${connection.database}, remove the manifest while no process uses the engine`)
    const found = await findApplied(connection, number)
    if (found !== undefined && found.stage === stage) return found
    if (found !== undefined) throw new EngineError('engine_wrong_database', `The version ${number} of the database ${database} is not that of the manifest ${key}; remove the object while no process uses the engine, so that the lake is loaded again`)
    if (base !== null && await findApplied(connection, base) === undefined) return undefined
    return await this.#apply(manifest)
  }

  async #apply ({ commit, summary: { records } }: KnownManifest): Promise<AppliedVersion> {
    const { connection, fields, timeZone } = this.#options
    return await applyCommit(connection, commit, records, { fields, timeZone })
  }

  /** The number of the last version that was applied, or 0. `withUnfinished`: versions whose application has begun and not ended count as well. */
  async #latest (withUnfinished: boolean): Promise<bigint> {
    const { connection } = this.#options
    const queries = [
      sql`SELECT toString(max(version)) FROM ${connection.table(VERSIONS)}`,
      ...withUnfinished ? DATA_TABLES.map(({ name }) => sql`SELECT toString(max(valid_from)) FROM ${connection.table(name)} WHERE stage = 0`) : []
    ]
    return greatest(await Promise.all(queries.map(async (query) => BigInt((await connection.query<[string]>(query))[0]![0]))))
  }
}

function greatest (numbers: readonly bigint[]): bigint {
  return numbers.reduce((a, b) => a > b ? a : b)
}

function toCommitted (manifest: KnownManifest, { name, undeclared, records }: AppliedVersion): Committed {
  return { number: manifest.commit.number, name, records, undeclared, summary: manifest.summary, manifest }
}
