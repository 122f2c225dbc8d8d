import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { findApplied, publishVersion } from '../../../lib/clickhouse/apply.js'
import type { ClickHouseVersion } from '../../../lib/clickhouse/clickhouse-version.js'
import type { Connection } from '../../../lib/clickhouse/connection.js'
import { migrate } from '../../../lib/clickhouse/migrations.js'
import { identifier, number, raw, sql } from '../../../lib/clickhouse/sql.js'
import { OPEN_END, RECORDS, RECORDS_OF_SHARD } from '../../../lib/clickhouse/tables.js'
import { render } from '../../../lib/output/render.js'
import type { DataVersion, SelectQuery } from '../../../lib/query/data-version.js'
import type { Filter } from '../../../lib/query/filter.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import type { TableField } from '../../../lib/table/table-field.js'
import { connect, insertRecords, noClickHouse, openStored, openVersion } from '../../support/clickhouse.js'
import { runs } from '../../support/property-runs.js'
import { tableOf, tableOfAny, utf8ColumnOf } from '../../support/tables.js'
import { USER_FIELDS } from '../../support/user-fields.js'

// What ClickHouse does otherwise than the in-process engine unless a query prevents it: a test for each such trap.

const skip = noClickHouse
const AS_OF = Date.UTC(2024, 0, 26)

async function cellsOf (version: DataVersion, query: SelectQuery): Promise<unknown[]> {
  const cells: unknown[] = []
  for await (const batch of (await version.select(query)).batches()) cells.push(...batch)
  return cells
}

const countOf = async (version: DataVersion, ...filters: Filter[]) => (await version.select({ filters })).count

/** Stores this number of records in each shard, all with this birth. */
async function storeSame (connection: Connection, perShard: number, birthts: number): Promise<ClickHouseVersion> {
  await migrate(connection, USER_FIELDS)
  await connection.command(sql`
    INSERT INTO ${connection.table(RECORDS_OF_SHARD)} (key, born, born_day, ${identifier('f:birthts')}, json, valid_from, valid_to)
    SELECT toString(number), ${number(birthts)}, 700000, ${number(birthts)}, '{}', 1, ${raw(OPEN_END)} FROM numbers(${number(perShard)})`)
  await publishVersion(connection, 1n, { name: 'same', undeclared: [], records: perShard * connection.shards, stage: 0n })
  return await openVersion(connection, 1n, { fields: USER_FIELDS })
}

t.test('sums beyond Int64 are exact: 8,000,000 records whose births sum up to 9.6e18', { skip, timeout: 300_000 }, async (t) => {
  const connection = await connect(t, { timeoutMs: 250_000 })
  const birthts = 1_200_000_000_000
  const perShard = 8_000_000 / connection.shards
  const version = await storeSame(connection, perShard, birthts)
  const { count, average_age: average, median_age: median, columns } = await version.statistics({ asOf: AS_OF, binWidth: 10, columns: ['birthts'] })
  const age = (AS_OF - birthts) / 31_557_600_000
  t.equal(count, 8_000_000)
  t.same(columns!['birthts'], { count, sum: 9.6e18, mean: birthts, median: birthts, min: birthts, max: birthts, histogram: [{ min: birthts, max: birthts, count }] })
  t.ok(Math.abs(average - age) < 1e-9 && Math.abs(median! - age) < 1e-9, `${average} and ${median} for ${age}`)
})

t.test('no name of a column is mistaken for one of the tables or of the queries', { skip }, async (t) => {
  const names = ['valid_to', 'valid_from', 'json', 'born', 'group_value', 'group_count', 'group_number', 'place', 'bin', 'undeclared', 'fold', 'key_fold', 'hash', 'x']
  const fields: TableField[] = [{ name: 'key', source: 'key', type: 'string', isBirth: false }, ...names.map((name): TableField => ({ name, source: 'file', type: 'integer', isBirth: false }))]
  const table = tableOfAny(fields, [1, 2, 2, 3].map((value, i) => ({ key: String(i), values: names.map((_, place) => value * 10 + place) })))
  const [version, inProcess] = [await openStored(await connect(t), table), new TableVersion(table, 'UTC')]
  for (const [i, name] of names.entries()) {
    const filters: Filter[] = [{ column: name, op: 'equals', value: 20 + i }]
    t.equal(await countOf(version, ...filters), 2, name)
    const query = { asOf: AS_OF, binWidth: 10, columns: [name], groupBy: name }
    t.same(await version.statistics(query), await inProcess.statistics(query), name)
    t.same(await cellsOf(version, { columns: [name], sort: [{ column: name, isReversed: true }] }), await cellsOf(inProcess, { columns: [name], sort: [{ column: name, isReversed: true }] }), name)
  }
})

t.test('the median of an even number of values is between the two in the middle', { skip }, async (t) => {
  const version = await openStored(await connect(t), tableOf([1, 2, 10, 20].map((birthts, i) => ({ user_id: String(i), birthts }))))
  t.match((await version.statistics({ asOf: 0, binWidth: 1, columns: ['birthts'] })).columns!['birthts'], { median: 6, mean: 8.25, histogram: [{ min: 1 }] })
})

t.test('case is folded as in process, not as ClickHouse folds it', { skip }, async (t) => {
  const names = ['İstanbul', 'istanbul', 'ISTANBUL', 'Straße', 'STRASSE', 'ﬁn', 'FIN', 'ẞ', 'ss', 'é', 'e\u0301', 'Σίσυφος', 'ΣΊΣΥΦΟΣ']
  const table = tableOf(names.map((name, i) => ({ user_id: `${i}`, first_name: name, undeclared: { city: name } })))
  const [version, inProcess] = [await openStored(await connect(t), table), new TableVersion(table, 'UTC')]
  for (const column of ['first_name', 'city']) {
    for (const name of names) {
      for (const filter of [{ column, op: 'equals', value: name, fold: true }, { column, op: 'prefix', value: name, fold: true }, { column, op: 'contains', value: name }, { op: 'words', value: [name] }] as const) {
        t.equal(await countOf(version, filter), await countOf(inProcess, filter), JSON.stringify(filter))
      }
    }
  }
})

t.test('CSV has quotes only where they are needed, as in process', { skip }, async (t) => {
  const table = tableOf(['Ann', 'Lee, Jr.', 'He said "hi"', ' padded ', 'two\nlines', ''].map((name, i) => ({ user_id: `${i}`, first_name: name, undeclared: i % 2 === 0 ? { city: name } : {} })))
  const [version, inProcess] = [await openStored(await connect(t), table), new TableVersion(table, 'UTC')]
  for (const columns of [undefined, ['first_name'], ['city', 'user_id']]) {
    const texts: string[] = []
    for (const engine of [version, inProcess]) {
      const csv = render(await engine.select({ columns }), 'csv')
      let text = Buffer.isBuffer(csv) ? csv.toString() : ''
      if (!Buffer.isBuffer(csv)) for await (const chunk of csv) text += chunk.toString()
      texts.push(text)
    }
    t.equal(texts[0], texts[1])
  }
})

t.test('doubles are stored and compared exactly', { skip }, async (t) => {
  const fields: TableField[] = [{ name: 'key', source: 'key', type: 'string', isBirth: false }, { name: 'height', source: 'file', type: 'number', isBirth: false }]
  const [sample] = fc.sample(fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), { minLength: 1000, maxLength: 1000 }), { numRuns: 1, seed: 13 })
  const values = [...sample!, 0.1 + 0.2, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE]
  const version = await openStored(await connect(t), tableOfAny(fields, values.map((value, i) => ({ key: String(i).padStart(5, '0'), values: [value] }))))
  t.same(await cellsOf(version, { columns: ['height'] }), values.map((value) => [value]))
  t.equal(await countOf(version, { column: 'height', op: 'equals', value: values }), values.length)
  for (const value of values.slice(-20)) t.ok(await countOf(version, { column: 'height', op: 'range', value: { min: value, max: value } }) >= 1, String(value))
  const { columns } = await version.statistics({ asOf: AS_OF, binWidth: 1, columns: ['height'] })
  const expected = (await new TableVersion(tableOfAny(fields, values.map((value, i) => ({ key: String(i), values: [value] }))), 'UTC').statistics({ asOf: AS_OF, binWidth: 1, columns: ['height'] })).columns!
  t.same(columns!['height'], { ...expected['height'], sum: columns!['height']!.sum, mean: columns!['height']!.mean })
  t.ok(Number.isFinite(Number(columns!['height']!.mean)), 'the mean is finite even if a sum of the largest doubles is not')
})

t.test('sums of doubles are exact: large ones that cancel out leave what is small, and a sum beyond the largest double is null', { skip }, async (t) => {
  const fields: TableField[] = [{ name: 'key', source: 'key', type: 'string', isBirth: false }, { name: 'height', source: 'file', type: 'number', isBirth: false }]
  const connection = await connect(t)
  const cases: readonly (readonly [values: number[], sum: number | null, mean: number])[] = [
    [[-1e21, 0.5, 1e21], 0.5, 0.5 / 3], [[1e300, 1e21, 0.5, -1e300, -1e21], 0.5, 0.1], [[0.1, 0.2], 0.1 + 0.2, 0.15000000000000002],
    [[5e-324, -5e-324, 1.5], 1.5, 0.5], [[Number.MAX_VALUE, Number.MAX_VALUE], null, Number.MAX_VALUE]
  ]
  for (const [values, sum, mean] of cases) {
    await connection.command(sql`DROP DATABASE IF EXISTS ${identifier(connection.database)} SYNC`)
    const version = await openStored(connection, tableOfAny(fields, values.map((value, i) => ({ key: String(i), values: [value] }))))
    t.match((await version.statistics({ asOf: AS_OF, binWidth: 1, columns: ['height'] })).columns!['height'], { sum, mean }, String(values))
  }
})

t.test('filters accept sets and texts that are larger than a parameter of ClickHouse may be', { skip, timeout: 300_000 }, async (t) => {
  const long = 'é'.repeat(200_000)
  const version = await openStored(await connect(t), tableOf(Array.from({ length: 5000 }, (_, i) => ({ user_id: `user-${i}`, first_name: i === 7 ? long : `name ${i % 10}` }))))
  const ids = Array.from({ length: 40_000 }, (_, i) => `user-${4 * i}`)
  t.equal(await countOf(version, { column: 'user_id', op: 'equals', value: ids }), 1250)
  t.equal(await countOf(version, { column: 'first_name', op: 'equals', value: [long, 'name 3'] }), 501)
  t.equal(await countOf(version, { column: 'first_name', op: 'contains', value: long.slice(5) }), 1)
  const among = utf8ColumnOf([...ids].sort())
  t.equal(await (await version.select({})).countAmong(among), 1250)
  t.equal(await (await version.select({ filters: [{ column: 'first_name', op: 'equals', value: 'name 4' }] })).countAmong(among), 250)
  t.equal(await (await version.select({ page: { limit: 100 } })).countAmong(among), (await cellsOf(version, { columns: ['user_id'], page: { limit: 100 } })).filter(([id]: any) => ids.includes(id)).length)
  const { groups } = await version.statistics({ asOf: AS_OF, binWidth: 1, columns: ['birthts'], groupBy: 'first_name', bins: 100 })
  t.same(groups!.map(({ count, columns }) => [count, columns!['birthts']!.count]), [...Array.from({ length: 9 }, () => [500, 500]), [499, 499], [1, 1]])
})

t.test('a version does not see the rows of a later one, also if both are read at the same time', { skip }, async (t) => {
  const connection = await connect(t)
  const first = await openStored(connection, tableOf([{ user_id: 'a' }, { user_id: 'b' }]))
  const { fields } = first
  await insertRecords(connection, tableOf([{ user_id: 'c', undeclared: { city: 'x' } }]), 2n)
  t.same(await cellsOf(first, { columns: ['user_id'] }), [['a'], ['b']], 'inserted, but not published')
  t.equal(await findApplied(connection, 2n), undefined)
  await publishVersion(connection, 2n, { name: 'second', undeclared: ['city'], records: 3, stage: 0n })
  const second = await openVersion(connection, 2n, { fields })
  t.same([await cellsOf(first, { columns: ['user_id'] }), await cellsOf(second, { columns: ['user_id', 'city'] })], [[['a'], ['b']], [['a', null], ['b', null], ['c', 'x']]])
  t.same([first.columns.includes('city'), second.columns.includes('city')], [false, true])
})

t.test('a Distributed table refuses changes, so that they need a connection to each shard', { skip }, async (t) => {
  const connection = await connect(t)
  await migrate(connection, USER_FIELDS)
  const records = connection.table(RECORDS)
  for (const statement of [sql`ALTER TABLE ${records} UPDATE stage = 1 WHERE 1`, sql`UPDATE ${records} SET stage = 1 WHERE 1`, sql`ALTER TABLE ${records} DELETE WHERE 1`, sql`DELETE FROM ${records} WHERE 1`]) {
    await t.rejects(connection.commandOn(0, statement), { code: 'engine_query_failed', engineCode: /^(36 BAD_ARGUMENTS|48 NOT_IMPLEMENTED)$/ })
  }
})

t.test('the tables can be migrated again, by several processes, and to more columns', { skip }, async (t) => {
  const connection = await connect(t)
  await Promise.all([migrate(connection, USER_FIELDS), migrate(connection, USER_FIELDS)])
  await migrate(connection, [...USER_FIELDS, { name: 'height', source: 'file', type: 'number', isBirth: false }])
  const version = await openStored(connection, tableOf([{ user_id: 'a' }]))
  t.equal((await version.select({})).count, 1, 'a schema with fewer columns uses the same tables')
  const other = USER_FIELDS.map((field) => field.name === 'first_name' ? { ...field, type: 'number' as const } : field)
  await t.rejects(migrate(connection, other), { code: 'engine_wrong_database', message: /f:first_name .* type Nullable\(String\), and the schema needs Nullable\(Float64\)/ })
  await connection.command(sql`INSERT INTO ${connection.table('migrations')} VALUES (99)`)
  await t.rejects(migrate(connection, USER_FIELDS), { code: 'engine_wrong_database', message: /later revision 99/ })
})

t.test('text of any kind is bound, never part of the SQL', { skip }, async (t) => {
  const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('\\', '\'', '\\\'', '{p0:String}', '\0', '\\N', '\t\n\r', '`', '%', '_', '"'))
  const keys = fc.uniqueArray(any.filter((text) => text !== ''), { minLength: 20, maxLength: 20 })
  const connection = await connect(t)
  await fc.assert(fc.asyncProperty(keys, async (keys) => {
    await connection.command(sql`DROP DATABASE IF EXISTS ${identifier(connection.database)} SYNC`)
    const version = await openStored(connection, tableOf(keys.map((key) => ({ user_id: key, first_name: key, undeclared: { [key]: key } }))))
    for (const key of keys) {
      for (const column of ['user_id', 'first_name', key]) {
        assert.deepEqual(await cellsOf(version, { columns: ['first_name'], filters: [{ column, op: 'equals', value: key }] }), [[key]], JSON.stringify({ column, key }))
        assert.ok(await countOf(version, { column, op: 'prefix', value: key }) >= 1)
      }
    }
  }), runs(3))
})
