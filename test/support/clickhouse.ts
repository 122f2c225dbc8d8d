import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { findApplied, publishVersion } from '../../lib/clickhouse/apply.js'
import { ClickHouseVersion } from '../../lib/clickhouse/clickhouse-version.js'
import { Connection, type EngineOptions } from '../../lib/clickhouse/connection.js'
import { migrate } from '../../lib/clickhouse/migrations.js'
import { insertByShard } from '../../lib/clickhouse/shards.js'
import { identifier, sql } from '../../lib/clickhouse/sql.js'
import { columnsOfRow, toRow } from '../../lib/clickhouse/stored-record.js'
import { namesOf, OPEN_END, RECORDS_OF_SHARD, VALIDITY } from '../../lib/clickhouse/tables.js'
import { recordsOfTable } from '../../lib/clickhouse/table-records.js'
import type { ImageVersions } from '../../lib/table/image-versions.js'
import type { TableField } from '../../lib/table/table-field.js'
import { TableReader, type Table } from '../../lib/table/table.js'

const { CLICKHOUSE_TEST_SHARDS: shards, CLICKHOUSE_TEST_CLUSTER: cluster } = process.env

/** Why the tests of ClickHouse are skipped; `false` if there is a cluster. */
export const noClickHouse = (shards === undefined || cluster === undefined) &&
  'set CLICKHOUSE_TEST_SHARDS, the URLs of the nodes of a ClickHouse cluster, and CLICKHOUSE_TEST_CLUSTER, its name'

/** The options of a connection to the cluster of the tests, with the name of a database that does not exist yet. */
export function engineOptions (): EngineOptions {
  return { urls: shards!.split(','), cluster: cluster!, database: `userlake test ${randomUUID()}` }
}

/** Connects to the cluster of the tests. The database of this connection is removed at the end. */
export async function connect (t: Pick<Test, 'teardown'>, options: Partial<EngineOptions> = {}): Promise<Connection> {
  const connection = await Connection.open({ ...engineOptions(), ...options })
  t.teardown(async () => {
    await drop(connection)
    await connection.close()
  })
  return connection
}

export async function drop (connection: Connection): Promise<void> {
  await connection.command(sql`DROP DATABASE IF EXISTS ${identifier(connection.database)} SYNC`)
}

/** Stores the records of a table as the first version of the database, and opens it. */
export async function openStored (connection: Connection, table: Table, { timeZone = 'UTC', images }: { readonly timeZone?: string, readonly images?: readonly ImageVersions[] } = {}): Promise<ClickHouseVersion> {
  const { fields, version: name, length: records } = table
  const number = 1n
  await migrate(connection, fields)
  await insertRecords(connection, table, number, images)
  const reader = new TableReader(table)
  await publishVersion(connection, number, { name, undeclared: reader.columnNames.slice(reader.declared.length), records, stage: 0n })
  return await openVersion(connection, number, { fields, timeZone })
}

/** Inserts the records of a table as the rows that are valid from this version on. */
export async function insertRecords (connection: Connection, table: Table, number: bigint, images?: readonly ImageVersions[]): Promise<void> {
  const { fields } = table
  const columns = [...columnsOfRow(fields), ...namesOf(VALIDITY)]
  await insertByShard(connection, RECORDS_OF_SHARD, columns, [...recordsOfTable(table, images && { images })], ({ key }) => key, (record) => [...toRow(fields, record), String(number), OPEN_END, '0'])
}

/** Opens a version that is in the tables. */
export async function openVersion (connection: Connection, number: bigint, { fields, timeZone = 'UTC' }: { readonly fields: readonly TableField[], readonly timeZone?: string }): Promise<ClickHouseVersion> {
  const { name, undeclared } = (await findApplied(connection, number))!
  return new ClickHouseVersion(connection, { fields, timeZone, number, name, undeclared })
}

/** Reads an iterable to its end. */
export async function allOf<T> (iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of iterable) all.push(one)
  return all
}
