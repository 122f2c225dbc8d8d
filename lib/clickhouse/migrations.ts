import { EngineError } from '../base/errors.js'
import type { TableField } from '../table/table-field.js'
import type { Connection } from './connection.js'
import { identifier, join, parameter, raw, sql, type Sql } from './sql.js'
import { CHANGED_OBJECTS, CHANGED_OBJECTS_COLUMNS, CHANGED_OBJECTS_OF_SHARD, DATA_TABLES, declaredColumns, FORGOTTEN, IDENTITY, RECORDS, RECORDS_OF_SHARD, STAGED_KEYS_OF_SHARD, STAGES_OF_SHARD, VALIDITY, VERSIONS, VERSIONS_OF_SHARD, type DataTable, type StoredColumn } from './tables.js'

/**
 * The changes of the tables, in order. The number of one is its place, from 1. Each statement can be repeated, because a migration may have ended
 * in the middle, and several processes may run it at the same time. A migration that has been released never changes.
 */
const MIGRATIONS: readonly ((connection: Connection) => readonly Sql[])[] = [
  (connection) => [
    ...DATA_TABLES.flatMap((table) => [
      sql`CREATE TABLE IF NOT EXISTS ${connection.table(table.ofShard)} (${columnsOf([...table.columns, ...VALIDITY])}${indexOf(table)}) ENGINE = MergeTree ORDER BY (${identifier(table.key)}, valid_from)
        SETTINGS index_granularity = 1024`,
      distributed(connection, table.name, table.ofShard, sql`CRC32(${identifier(table.key)})`)
    ]),
    sql`CREATE TABLE IF NOT EXISTS ${connection.table(CHANGED_OBJECTS_OF_SHARD)} (${columnsOf(CHANGED_OBJECTS_COLUMNS)}) ENGINE = MergeTree PARTITION BY stage ORDER BY (id, object_key) SETTINGS index_granularity = 1024`,
    distributed(connection, CHANGED_OBJECTS, CHANGED_OBJECTS_OF_SHARD, raw('CRC32(object_key)')),
    sql`CREATE TABLE IF NOT EXISTS ${connection.table(VERSIONS_OF_SHARD)} (version UInt64, name String, columns Array(String), records UInt64, stage UInt64, published DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY version`,
    distributed(connection, VERSIONS, VERSIONS_OF_SHARD, raw('version')),
    sql`CREATE TABLE IF NOT EXISTS ${connection.table(STAGES_OF_SHARD)} (stage UInt64, etag String) ENGINE = MergeTree ORDER BY stage`,
    sql`CREATE TABLE IF NOT EXISTS ${connection.table(STAGED_KEYS_OF_SHARD)} (stage UInt64, kind LowCardinality(String), row_key String) ENGINE = MergeTree ORDER BY (stage, kind, row_key)`,
    sql`CREATE TABLE IF NOT EXISTS ${connection.table(FORGOTTEN)} (below UInt64) ENGINE = MergeTree ORDER BY below`,
    sql`CREATE TABLE IF NOT EXISTS ${connection.table(IDENTITY)} (identity String, stored DateTime64(9) DEFAULT now64(9)) ENGINE = MergeTree ORDER BY stored`
  ]
]

/** The table of each node with the numbers of the migrations that were applied to it. */
const APPLIED = 'migrations'

/**
 * Creates the tables in the database, or changes them to those of this revision, on each node: first by the migrations that were not applied yet, then by adding the
 * columns of declared columns that are missing. Can be repeated.
 *
 * @throws EngineError `engine_wrong_database` if a later revision has changed the tables, or if a column has another type: the tables are those of another schema
 */
export async function migrate (connection: Connection, fields: readonly TableField[]): Promise<void> {
  await connection.command(sql`CREATE DATABASE IF NOT EXISTS ${identifier(connection.database)}`)
  await connection.command(sql`CREATE TABLE IF NOT EXISTS ${connection.table(APPLIED)} (number UInt32) ENGINE = MergeTree ORDER BY number`)
  const nodes = await connection.queryNodes<[number]>(sql`SELECT max(number) FROM ${connection.table(APPLIED)}`)
  const applied = nodes.map(({ rows }) => rows[0]![0])
  const latest = Math.max(...applied)
  if (latest > MIGRATIONS.length) throw new EngineError('engine_wrong_database', `The tables of the database ${connection.database} are of the later revision ${latest}; this version of Userlake knows ${MIGRATIONS.length}`)
  for (let number = Math.min(...applied) + 1; number <= MIGRATIONS.length; number++) {
    for (const statement of MIGRATIONS[number - 1]!(connection)) await connection.command(statement)
    await connection.command(sql`INSERT INTO ${connection.table(APPLIED)} SELECT ${parameter(number, 'UInt32')}`)
  }
  await addColumns(connection, declaredColumns(fields))
}

async function addColumns (connection: Connection, columns: readonly StoredColumn[]): Promise<void> {
  for (const table of [RECORDS_OF_SHARD, RECORDS]) {
    const nodes = await connection.queryNodes<[name: string, type: string]>(sql`SELECT name, type FROM system.columns WHERE database = ${parameter(connection.database, 'String')} AND table = ${parameter(table, 'String')}`)
    const missing = new Set<StoredColumn>()
    for (const { url, rows } of nodes) {
      const types = new Map(rows)
      for (const column of columns) {
        const type = types.get(column.name)
        if (type === undefined) missing.add(column)
        else if (type !== column.type) throw new EngineError('engine_wrong_database', `${url}: the column ${column.name} of ${connection.database}.${table} has the type ${type}, and the schema needs ${column.type}; the tables are those of another schema`)
      }
    }
    if (missing.size > 0) await connection.command(sql`ALTER TABLE ${connection.table(table)} ${join([...missing].map((column) => sql`ADD COLUMN IF NOT EXISTS ${definition(column, table === RECORDS_OF_SHARD)}`), ', ')}`)
  }
}

/** Objects are also looked up by the keys of their records. A minmax index is enough for that, because these keys are mostly in the order of the object keys. */
function indexOf ({ key }: DataTable): Sql {
  return raw(key === 'object_key' ? ', INDEX by_id id TYPE minmax GRANULARITY 1' : '')
}

function distributed (connection: Connection, name: string, local: string, shardingKey: Sql): Sql {
  const { cluster, database } = connection
  return sql`CREATE TABLE IF NOT EXISTS ${connection.table(name)} AS ${connection.table(local)} ENGINE = Distributed(${identifier(cluster)}, ${identifier(database)}, ${identifier(local)}, ${shardingKey})`
}

function columnsOf (columns: readonly StoredColumn[]): Sql {
  return join(columns.map((column) => definition(column, true)), ', ')
}

function definition ({ name, type, codec }: StoredColumn, isStored: boolean): Sql {
  return sql`${identifier(name)} ${raw(type)}${raw(isStored && codec !== undefined ? ` CODEC(${codec})` : '')}`
}
