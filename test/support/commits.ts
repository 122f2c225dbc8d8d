import assert from 'node:assert/strict'
import { monotonicNow } from '../../lib/base/clock.js'
import { Commits, type CommitsOptions } from '../../lib/clickhouse/commits.js'
import type { Connection } from '../../lib/clickhouse/connection.js'
import { identifier, join, raw, sql, text, type Sql } from '../../lib/clickhouse/sql.js'
import type { Delta } from '../../lib/clickhouse/stage.js'
import type { StoredObject, StoredRecord, StoredReject } from '../../lib/clickhouse/stored-record.js'
import { DATA_TABLES, FORGOTTEN, OBJECTS, RECORDS, REJECTS, VERSIONS, VERSIONS_OF_SHARD, type DataTable } from '../../lib/clickhouse/tables.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import { USER_FIELDS } from './user-fields.js'

/** The identity of the lakes of tests. */
export const IDENTITY = { lake: 'the lake', schema: USERS_SCHEMA }
export const MANIFEST = 'processed_data/output.engine.json'

/** How commits are opened in tests. */
export async function openCommits (store: CommitsOptions['store'], connection: Connection, changes: Partial<CommitsOptions> = {}): Promise<Commits> {
  return await Commits.open({ store, key: MANIFEST, connection, fields: USER_FIELDS, timeZone: 'UTC', identity: IDENTITY, clock: monotonicNow, wallClock: Date.now, ...changes })
}

/** The content of a version: its records, objects and rejects, each by key, as one value. */
export type Content = Readonly<Record<'records' | 'objects' | 'rejects', Readonly<Record<string, number>>>>

export const EMPTY: Content = { records: {}, objects: {}, rejects: {} }

export function recordOf (key: string, value: number): StoredRecord {
  const values = { user_id: key, first_name: 'Ann', last_name: String(value), birthts: value, img_path: null }
  return {
    key,
    values: Object.values(values),
    images: [undefined],
    undeclared: new Map(value % 5 === 0 ? [['more', String(value)]] : []),
    birth: { instant: value, day: 0 },
    json: JSON.stringify(values),
    file: { key: '', etag: `"${value}"`, size: value, racy: false }
  }
}

const objectOf = (key: string, value: number): StoredObject => ({ key, id: key, etag: `"${value}"`, size: value, modified: 0 })
const rejectOf = (key: string, value: number): StoredReject => ({ key, id: key, code: 'malformed_csv', racy: false, file: '', entry: JSON.stringify({ value }) })

/** The change from one content to another. */
export function deltaOf (from: Content, to: Content): Delta {
  const added = (name: keyof Content) => Object.entries(to[name]).filter(([key, value]) => from[name][key] !== value)
  const removed = (name: keyof Content) => Object.keys(from[name]).filter((key) => !(key in to[name]))
  return {
    records: added('records').map(([key, value]) => recordOf(key, value)),
    removedRecords: removed('records'),
    objects: added('objects').map(([key, value]) => objectOf(key, value)),
    removedObjects: removed('objects'),
    rejects: added('rejects').map(([key, value]) => rejectOf(key, value)),
    removedRejects: removed('rejects')
  }
}

/** Splits a change into two batches. */
export function halves ({ records, removedRecords, objects, removedObjects, rejects, removedRejects }: Delta): readonly [Delta, Delta] {
  const half = <T>(all: readonly T[], i: number) => all.filter((_, place) => place % 2 === i)
  const batch = (i: number): Delta => ({
    records: half(records, i),
    removedRecords: half(removedRecords, i),
    objects: half(objects, i),
    removedObjects: half(removedObjects, i),
    rejects: half(rejects, i),
    removedRejects: half(removedRejects, i)
  })
  return [batch(0), batch(1)]
}

/** What can be read from the tables. */
export interface Readable {
  /** The versions that can be read, by number. */
  readonly versions: ReadonlyMap<bigint, { readonly name: string, readonly undeclared: readonly string[], readonly records: number, readonly stage: bigint, readonly content: Content }>
  readonly forgottenBelow: bigint
}

/**
 * A row of a table. Of a version: its number, its stage, its name and undeclared columns as JSON, and the number of its records. Of what is forgotten: the first number that
 * is not. Of a data table: the first version in which the row is valid, the first later one in which it is not, its key and its value.
 */
type TableRow = readonly [table: string, from: string, to: string, text: string, value: number]

/** The rows of the versions, and of what is forgotten. @param table the Distributed table, or that of a shard */
function versionRows (connection: Connection, table: string): Sql {
  return sql`SELECT 'versions', toString(version), toString(stage), toJSONString((name, columns)), toInt64(records) FROM ${connection.table(table)}
    UNION ALL SELECT 'forgotten', toString(max(below)), '', '', toInt64(0) FROM ${connection.table(FORGOTTEN)}`
}

const VALUES: Readonly<Record<string, Sql>> = { [RECORDS]: identifier('f:birthts'), [OBJECTS]: raw('size'), [REJECTS]: raw("JSONExtractInt(entry, 'value')") }

/** The rows of the data tables that are part of a version. @param nameOf the name of the Distributed table, or of that of a shard */
function dataRows (connection: Connection, nameOf: (table: DataTable) => string): Sql {
  return join(DATA_TABLES.map((table) => sql`
    SELECT ${text(table.name)}, toString(valid_from), toString(valid_to), ${identifier(table.key)}, toInt64(${VALUES[table.name]!}) FROM ${connection.table(nameOf(table))} WHERE valid_to != 0`), ' UNION ALL ')
}

/** Reads each version that is not forgotten from the Distributed tables, as a reader does: other processes may commit meanwhile. */
export async function readAll (connection: Connection): Promise<Readable> {
  const versions = await connection.query<TableRow>(versionRows(connection, VERSIONS))
  return toReadable([...versions, ...await connection.query<TableRow>(dataRows(connection, ({ name }) => name))])
}

/** Reads the same from the tables of the shards, at a third of the cost. No statement may change them meanwhile. */
export async function readShards (connection: Connection): Promise<Readable> {
  const nodes = await connection.queryNodes<TableRow>(sql`${versionRows(connection, VERSIONS_OF_SHARD)} UNION ALL ${dataRows(connection, ({ ofShard }) => ofShard)}`)
  return toReadable(nodes.flatMap(({ rows }) => rows))
}

function toReadable (rows: readonly TableRow[]): Readable {
  const ofTable = (name: string) => rows.filter(([table]) => table === name)
  const validity = new Map(DATA_TABLES.map(({ name }) => [name, ofTable(name).map(([, from, to, key, value]) => ({ from: BigInt(from), to: BigInt(to), key, value }))]))
  // If nodes differ, that of the node that has forgotten the fewest versions.
  const forgottenBelow = ofTable('forgotten').map(([, below]) => BigInt(below)).reduce((a, b) => a < b ? a : b)
  // A version that was applied twice has two rows.
  const distinct = new Map(ofTable('versions').map((row) => [row.join(), row]))
  const readable = [...distinct.values()].filter(([, number]) => BigInt(number) >= forgottenBelow).sort(([, a], [, b]) => Number(BigInt(a) - BigInt(b)))
  assert.equal(new Set(readable.map(([, number]) => number)).size, readable.length, 'a version has two different rows')
  const at = (number: bigint, table: string) => {
    const valid = validity.get(table)!.filter(({ from, to }) => from <= number && number < to)
    assert.equal(new Set(valid.map(({ key }) => key)).size, valid.length, `a key has two rows in version ${number}`)
    return Object.fromEntries(valid.map(({ key, value }) => [key, value]))
  }
  return {
    forgottenBelow,
    versions: new Map(readable.map(([, text, stage, described, records]) => {
      const number = BigInt(text)
      const [name, undeclared] = JSON.parse(described) as [string, string[]]
      return [number, { name, undeclared, records, stage: BigInt(stage), content: { records: at(number, RECORDS), objects: at(number, OBJECTS), rejects: at(number, REJECTS) } }]
    }))
  }
}

/** What a stage leads to if it is committed. */
export interface Plan { readonly number: bigint, readonly base: bigint | null, readonly content: Content }

/**
 * Checks that each version has the number and the content that were planned for its stage, and is the same as when it was last seen.
 *
 * @param seen the versions as they were last seen, by number; receives those that are seen now
 * @returns the number of the last version
 */
export function checkVersions ({ versions }: Readable, planOf: (stage: bigint) => Plan | undefined, seen: Map<bigint, string>): bigint {
  for (const [number, version] of versions) {
    const plan = planOf(version.stage)
    assert(plan !== undefined, `version ${number} is of no stage`)
    assert.equal(plan.number, number)
    assert.deepEqual(version.content, plan.content, `version ${number}`)
    assert.equal(version.records, Object.keys(plan.content.records).length)
    if (plan.base !== null) assert.equal(plan.base, number - 1n)
    const text = JSON.stringify([version.name, version.undeclared, version.records, String(version.stage)])
    assert.equal(seen.get(number) ?? text, text, `version ${number} has changed`)
    seen.set(number, text)
  }
  return [...versions.keys()].reduce((a, b) => a > b ? a : b, 0n)
}

/** Another content: some keys added, changed or removed. `value` returns a number that is new each time. */
export function changeContent (from: Content, random: () => number, value: () => number): Content {
  const below = (limit: number) => Math.floor(random() * limit)
  const some = (values: Content['records']) => {
    const next: Record<string, number> = { ...values }
    for (let i = below(4); i >= 0; i--) {
      const key = `key ${below(8)}`
      if (random() < 0.3) delete next[key]
      else next[key] = value()
    }
    return next
  }
  return { records: some(from.records), objects: random() < 0.8 ? some(from.objects) : from.objects, rejects: random() < 0.3 ? some(from.rejects) : from.rejects }
}
