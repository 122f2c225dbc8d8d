import { randomUUID } from 'node:crypto'
import { countOf } from '../base/count-of.js'
import { EngineError } from '../base/errors.js'
import type { ObjectChange } from './compare-listing.js'
import type { Connection } from './connection.js'
import { insertByShard } from './shards.js'
import { number, raw, sql, text } from './sql.js'
import { CHANGED_OBJECTS, CHANGED_OBJECTS_COLUMNS, CHANGED_OBJECTS_OF_SHARD, namesOf } from './tables.js'

type Row = readonly [id: string, key: string, etag: string, size: number, modified: number, racy: number, isListed: number]

const COLUMNS = namesOf(CHANGED_OBJECTS_COLUMNS)

/** The number of changes after which they are inserted. */
const INSERT_SIZE = 10_000

/** What is left of a process that was killed is removed after this time, in hours. It is longer than a listing takes. */
const KEEP_HOURS = 24

/**
 * The changes of one listing. They are added in the order of the object keys and read in the order of the record keys, and the objects of one record can be in several folders: the engine
 * sorts the changes, so that the memory of this process does not grow with their number.
 */
export class ChangedObjects {
  readonly #connection: Connection
  readonly #listing = randomUUID()
  #waiting: ObjectChange[] = []
  #rows = 0

  constructor (connection: Connection) {
    this.#connection = connection
  }

  get isEmpty (): boolean {
    return this.#waiting.length === 0 && this.#rows === 0
  }

  /** Adds changes, at most one for each object. A change with an empty key is about no object: the files of its record have to be read again. */
  async add (changes: readonly ObjectChange[]): Promise<void> {
    this.#waiting = this.#waiting.concat(changes)
    if (this.#waiting.length >= INSERT_SIZE) await this.#insert()
  }

  async #insert (): Promise<void> {
    const changes = this.#waiting
    this.#rows += changes.length
    this.#waiting = []
    await insertByShard(this.#connection, CHANGED_OBJECTS_OF_SHARD, COLUMNS, changes, ({ key }) => key, (change) => this.#toValues(change))
  }

  #toValues ({ key, id, listed }: ObjectChange): unknown[] {
    const { etag = '', size = 0, lastModified = 0, racy = false } = listed ?? {}
    return [this.#listing, key, id, etag, size, lastModified, Number(racy), Number(listed !== undefined)]
  }

  /**
   * All changes in the order of the keys of their records, about `size` at a time. Those of one record come together.
   *
   * @throws EngineError; after the last ones `engine_incomplete` if the engine has not returned all that were added, for example because another process has removed them after KEEP_HOURS
   */
  async * batches (size: number): AsyncGenerator<ObjectChange[]> {
    await this.#insert()
    if (this.#rows === 0) return
    let after: string | undefined
    let found = 0
    for (let limit = size, isLast = false; !isLast;) {
      const rows: readonly Row[] = await this.#connection.query<Row>(sql`
        SELECT id, object_key, etag, size, modified, racy, is_listed FROM ${this.#connection.table(CHANGED_OBJECTS)}
        WHERE stage = ${text(this.#listing)} ${after === undefined ? raw('') : sql`AND id > ${text(after)}`} ORDER BY id, object_key LIMIT ${number(limit)}`)
      isLast = rows.length < limit
      // The last record may have more changes.
      const whole = isLast ? rows : rows.filter(([id]) => id !== rows.at(-1)![0])
      limit = whole.length === 0 ? 2 * limit : size
      if (whole.length === 0) continue
      after = whole.at(-1)![0]
      found += whole.length
      yield whole.map(toChange)
    }
    if (found !== this.#rows) throw new EngineError('engine_incomplete', `The engine has returned ${found} of the ${countOf(this.#rows, 'change')} of a listing`)
  }

  /** Removes the changes, and those of listings that ended without doing so. */
  async drop (): Promise<void> {
    const table = this.#connection.table(CHANGED_OBJECTS_OF_SHARD)
    const old = await this.#connection.queryNodes<[string]>(sql`
      SELECT partition FROM system.parts WHERE active AND database = ${text(this.#connection.database)} AND table = ${text(CHANGED_OBJECTS_OF_SHARD)}
      GROUP BY partition HAVING partition = ${text(this.#listing)} OR max(modification_time) < now() - toIntervalHour(${number(KEEP_HOURS)})`)
    for (const partition of new Set(old.flatMap(({ rows }) => rows.map(([partition]) => partition)))) {
      await this.#connection.command(sql`ALTER TABLE ${table} DROP PARTITION ${text(partition)}`)
    }
  }
}

function toChange ([id, key, etag, size, lastModified, racy, isListed]: Row): ObjectChange {
  return { key, id, listed: isListed === 0 ? undefined : { key, etag, size, lastModified, ...racy === 1 && { racy: true } } }
}
