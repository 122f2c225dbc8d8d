import type { Value } from '../schema/field-type.js'
import type { ChangedRecord } from '../source/view-change.js'
import { ObjectList } from '../store/object-list.js'
import type { TableField } from '../table/table-field.js'
import type { ObjectPage } from './compare-listing.js'
import type { Connection } from './connection.js'
import { validIn } from './records.js'
import { identifier, isOneOf, join, number, raw, sql, text, type Sql } from './sql.js'
import type { StoredObject, StoredReject } from './stored-record.js'
import { imageColumns, namesOf, OBJECTS, OBJECTS_TABLE, RECORDS, REJECTS, REJECTS_TABLE, valueColumn } from './tables.js'

type ObjectRow = readonly [key: string, id: string, etag: string, size: number, modified: number]
type RejectRow = readonly [key: string, id: string, code: StoredReject['code'], racy: number, file: string, entry: string]

const [OBJECT_COLUMNS, REJECT_COLUMNS] = [OBJECTS_TABLE, REJECTS_TABLE].map(({ columns }) => join(namesOf(columns).map(identifier), ', ')) as [Sql, Sql]

export interface KnownLakeOptions {
  readonly connection: Connection
  /** The declared columns. */
  readonly fields: readonly TableField[]
  /** The number of the version. */
  readonly number: bigint
  /** The number of objects that are in memory at a time when all are read. */
  readonly pageObjects: number
}

/** What a version in the tables knows of the lake: what the next reconcile starts from. */
export class KnownLake {
  readonly #connection: Connection
  readonly #fields: readonly TableField[]
  readonly #valid: Sql
  readonly #pageObjects: number

  constructor ({ connection, fields, number, pageObjects }: KnownLakeOptions) {
    this.#connection = connection
    this.#fields = fields
    this.#valid = validIn(number)
    this.#pageObjects = pageObjects
  }

  /** All objects in the order of their keys. */
  async * objects (): AsyncGenerator<ObjectPage> {
    for (let after: string | undefined, isLast = false; !isLast;) {
      const rows: readonly ObjectRow[] = await this.#connection.query<ObjectRow>(sql`
        SELECT ${OBJECT_COLUMNS} ${this.#from(OBJECTS)} ${after === undefined ? raw('') : sql`AND object_key > ${text(after)}`} ORDER BY object_key LIMIT ${number(this.#pageObjects)}`)
      if (rows.length > 0) {
        const objects = new ObjectList(rows.map(([key, , etag, size, lastModified]) => ({ key, etag, size, lastModified })))
        yield { objects, idOf: (i) => rows[i]![1] }
      }
      after = rows.at(-1)?.[0]
      isLast = rows.length < this.#pageObjects
    }
  }

  /** The keys of the records with files that have to be read again even if they have not changed, some at a time; one may come twice. */
  async * toReadAgain (): AsyncGenerator<string[]> {
    for (const [table, column] of [[RECORDS, 'key'], [REJECTS, 'id']] as const) {
      for await (const rows of this.#connection.stream<[string]>(sql`SELECT ${identifier(column)} ${this.#from(table)} AND racy = 1`)) yield rows.map(([key]) => key)
    }
  }

  /** The objects of some records, in any order. */
  async objectsOf (ids: readonly string[]): Promise<StoredObject[]> {
    const rows = await this.#connection.query<ObjectRow>(sql`SELECT ${OBJECT_COLUMNS} ${this.#from(OBJECTS)} AND ${isOneOf(raw('id'), ids, 'String')}`)
    return rows.map(([key, id, etag, size, modified]) => ({ key, id, etag, size, modified }))
  }

  /** The entries of some records in the quarantine, in any order. */
  async rejectsOf (ids: readonly string[]): Promise<StoredReject[]> {
    const rows = await this.#connection.query<RejectRow>(sql`SELECT ${REJECT_COLUMNS} ${this.#from(REJECTS)} AND ${isOneOf(raw('id'), ids, 'String')}`)
    return rows.map(([key, id, code, racy, file, entry]) => ({ key, id, code, racy: racy === 1, file, entry }))
  }

  /** The records with these keys, in any order; keys without a record are left out. */
  async recordsOf (ids: readonly string[]): Promise<ChangedRecord[]> {
    const files = this.#fields.filter(({ source }) => source === 'file')
    const images = this.#fields.filter(({ source }) => source === 'image')
    const columns = [
      ...['key', 'undeclared', 'file_key', 'file_etag', 'file_size', 'racy'].map(identifier),
      ...files.map((field) => identifier(valueColumn(field))),
      ...images.map((field) => {
        const { etag, size, modified } = imageColumns(field)
        return sql`tuple(${join([valueColumn(field), etag, size, modified].map(identifier), ', ')})`
      })
    ]
    const rows = await this.#connection.query<readonly unknown[]>(sql`SELECT ${join(columns, ', ')} ${this.#from(RECORDS)} AND ${isOneOf(raw('key'), ids, 'String')}`)
    return rows.map(([id, undeclared, key, etag, size, racy, ...rest]) => ({
      id: id as string,
      undeclared: undeclared as Record<string, string>,
      file: { key: key as string, etag: etag as string, size: size as number, racy: racy === 1 },
      values: rest.slice(0, files.length) as Value[],
      images: rest.slice(files.length).map((image) => toImage(image as ImageTuple))
    }))
  }

  #from (table: string): Sql {
    return sql`FROM ${this.#connection.table(table)} WHERE ${this.#valid}`
  }
}

type ImageTuple = readonly [key: string | null, etag: string, size: number, modified: number]

function toImage ([key, etag, size, modified]: ImageTuple): ChangedRecord['images'][number] {
  return key === null ? null : { key, etag, size, modified }
}
