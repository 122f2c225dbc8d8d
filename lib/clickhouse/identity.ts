import { EngineError } from '../base/errors.js'
import type { Connection } from './connection.js'
import { parameter, sql } from './sql.js'
import { IDENTITY } from './tables.js'

/** What the rows of the tables depend on. A process that has another identity must not use them. */
export interface Identity {
  /** The lake and the rules by which it is read, except the schema and the time zone. */
  readonly lake: string
  /** The schema: its columns, in their order. */
  readonly schema: string
  /** IANA name of the zone in whose calendar the days of births were stored. */
  readonly timeZone: string
}

/** The form of the rows. Must be changed together with what they contain. */
const FORMAT = 1

const NAMES: Readonly<Record<keyof Identity | 'format', string>> = { lake: 'lake, or for other rules of reading it', schema: 'schema', timeZone: 'time zone', format: 'release of Userlake' }

/** The identity as it is stored. */
export function encodeIdentity ({ lake, schema, timeZone }: Identity): string {
  return JSON.stringify({ lake, schema, timeZone, format: FORMAT })
}

/** @param where what has this stored identity, such as `The database a`. @throws EngineError `engine_wrong_database` if it is not ours; names what differs */
export function checkIdentity (stored: string, identity: Identity, where: string): void {
  const [theirs, ours] = [stored, encodeIdentity(identity)].map((text) => JSON.parse(text) as Record<string, unknown>)
  const other = Object.entries(NAMES).filter(([name]) => theirs![name] !== ours![name]).map(([, text]) => text)
  if (other.length > 0) throw new EngineError('engine_wrong_database', `${where} is for another ${other.join(', and another ')}`)
}

/** Stores what the tables of the database are of, unless they already have an identity, and checks it. @throws EngineError `engine_wrong_database` */
export async function claimDatabase (connection: Connection, identity: Identity): Promise<void> {
  const table = connection.table(IDENTITY)
  await connection.command(sql`INSERT INTO ${table} (identity) SELECT ${parameter(encodeIdentity(identity), 'String')} WHERE (SELECT count() FROM ${table}) = 0`)
  // Of two that store theirs at the same time, the first one counts for both.
  for (const { url, rows: [row] } of await connection.queryNodes<[string]>(sql`SELECT identity FROM ${table} ORDER BY stored, identity LIMIT 1`)) {
    checkIdentity(row![0], identity, `${url}: the database ${connection.database}`)
  }
}
