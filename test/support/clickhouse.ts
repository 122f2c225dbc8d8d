import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { Connection, type EngineOptions } from '../../lib/clickhouse/connection.js'
import { ClickHouseVersion } from '../../lib/clickhouse/clickhouse-version.js'
import { insertRecords, publishVersion } from '../../lib/clickhouse/load.js'
import { migrate } from '../../lib/clickhouse/migrations.js'
import { identifier, sql } from '../../lib/clickhouse/sql.js'
import { recordsOfTable } from '../../lib/clickhouse/table-records.js'
import type { ImageVersions } from '../../lib/table/image-versions.js'
import { TableReader, type Table } from '../../lib/table/table.js'

const { CLICKHOUSE_TEST_SHARDS: shards, CLICKHOUSE_TEST_CLUSTER: cluster } = process.env

/** Why the tests of ClickHouse are skipped; `false` if there is a cluster. */
export const noClickHouse = (shards === undefined || cluster === undefined) &&
  'set CLICKHOUSE_TEST_SHARDS, the URLs of the nodes of a ClickHouse cluster, and CLICKHOUSE_TEST_CLUSTER, its name'

/** How the cluster of the tests is reached, with a database of its own, which does not exist. */
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

/** Stores the records of a table as a version of the database, which has no version yet, and opens it. */
export async function openStored (connection: Connection, table: Table, { timeZone = 'UTC', images }: { readonly timeZone?: string, readonly images?: readonly ImageVersions[] } = {}): Promise<ClickHouseVersion> {
  const { fields, version: name, length: records } = table
  const number = 1n
  await migrate(connection, fields)
  await insertRecords(connection, recordsOfTable(table, images && { images }), { fields, number })
  const reader = new TableReader(table)
  await publishVersion(connection, number, { name, undeclared: reader.columnNames.slice(reader.declared.length), records })
  return await ClickHouseVersion.open(connection, { fields, timeZone, number })
}

/** Reads an iterable to its end. */
export async function allOf<T> (iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of iterable) all.push(one)
  return all
}
