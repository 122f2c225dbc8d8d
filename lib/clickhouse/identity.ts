import { isDeepStrictEqual } from 'node:util'
import { EngineError } from '../base/errors.js'
import type { FieldDescriptor, SchemaDescriptor } from '../schema/descriptor.js'
import type { Connection } from './connection.js'
import { parameter, sql } from './sql.js'
import { IDENTITY } from './tables.js'

/** What the rows of a version depend on. A process that has another identity must not use them. */
export interface Identity {
  /** The lake and the rules by which it is read, except the schema and the time zone. */
  readonly lake: string
  /** All declared columns, the hidden ones included. */
  readonly schema: SchemaDescriptor
  /** IANA name of the zone in whose calendar the days of births were stored. */
  readonly timeZone: string
}

/** The revision of what the rows contain. Must be increased when that changes. */
const FORMAT = 1

/** An identity as it is stored. That of a database has no schema: the tables can have the columns of several, and the manifest names the one of the last version. */
type StoredIdentity = Omit<Identity, 'schema'> & { readonly schema?: SchemaDescriptor, readonly format: number }

const NAMES = { lake: 'lake, or for other rules of reading it', timeZone: 'time zone', format: 'release of Userlake' } as const

export function encodeIdentity ({ lake, schema, timeZone }: Identity): string {
  return JSON.stringify({ lake, schema: withoutDescriptions(schema), timeZone, format: FORMAT } satisfies StoredIdentity)
}

function decodeIdentity (stored: string): StoredIdentity {
  return JSON.parse(stored) as StoredIdentity
}

/**
 * Checks that a stored identity equals that of this process, whose schema may have more columns.
 *
 * @param where what has the stored identity, such as `The database a`
 * @throws EngineError `engine_wrong_database` if anything else differs; the message names it
 */
export function checkIdentity (stored: string, identity: Identity, where: string): void {
  const [found, own] = [decodeIdentity(stored), decodeIdentity(encodeIdentity(identity))]
  const other: string[] = (['lake', 'timeZone', 'format'] as const).filter((name) => found[name] !== own[name]).map((name) => NAMES[name])
  if (found.schema !== undefined && !isDeepStrictEqual(found.schema, own.schema) && !addsColumns(found.schema, own.schema!)) other.push('schema (SCHEMA may only add columns to it)')
  if (other.length > 0) throw new EngineError('engine_wrong_database', `${where} is for another ${other.join(', and another ')}`)
}

/** Whether the schema of this process has columns that the schema of a stored identity lacks, so that the lake has to be loaded again. The stored identity has been checked, and has a schema. */
export function hasMoreColumns ({ schema }: Identity, stored: string): boolean {
  return schema.fields.length > decodeIdentity(stored).schema!.fields.length
}

/** Checks the identity of the database; if it has none yet, first stores ours. @throws EngineError `engine_wrong_database` */
export async function claimDatabase (connection: Connection, identity: Identity): Promise<void> {
  const table = connection.table(IDENTITY)
  const { schema, ...ofDatabase } = decodeIdentity(encodeIdentity(identity))
  const readAll = async () => await connection.queryNodes<[string]>(sql`SELECT identity FROM ${table} ORDER BY stored, identity LIMIT 1`)
  let nodes = await readAll()
  // Tables that have an identity may be read-only: what they have can be served.
  if (nodes.some(({ rows }) => rows.length === 0)) {
    await connection.command(sql`INSERT INTO ${table} (identity) SELECT ${parameter(JSON.stringify(ofDatabase), 'String')} WHERE (SELECT count() FROM ${table}) = 0`)
    // If two processes store theirs at the same time, the first one counts for both.
    nodes = await readAll()
  }
  for (const { url, rows: [row] } of nodes) checkIdentity(row![0], identity, `${url}: the database ${connection.database}`)
}

/** Whether a schema has all columns of another one, as they are, and further ones. */
function addsColumns ({ fields: before, ...othersBefore }: SchemaDescriptor, { fields, ...others }: SchemaDescriptor): boolean {
  const byName = new Map(fields.map((field) => [field.name, field]))
  return fields.length > before.length && isDeepStrictEqual(othersBefore, others) && before.every((field) => isDeepStrictEqual(field, byName.get(field.name)))
}

/** A schema without its texts for people, which have no effect on the rows. */
function withoutDescriptions ({ $schema, title, description, fields, ...others }: SchemaDescriptor): SchemaDescriptor {
  return { ...others, fields: fields.map(({ title, description, example, ...field }): FieldDescriptor => field) }
}
