import t from 'tap'
import { Connection } from '../../../lib/clickhouse/connection.js'
import { identifier, raw, sql, text } from '../../../lib/clickhouse/sql.js'
import { render } from '../../../lib/output/render.js'
import { allOf, connect, drop, engineOptions, noClickHouse, openStored } from '../../support/clickhouse.js'
import { cannotStopShards, controlShard } from '../../support/clickhouse-script.js'
import { tableOf } from '../../support/tables.js'
import { until } from '../../support/until.js'

t.test('a shard that is down fails every query, and never leaves out its records', { skip: cannotStopShards, timeout: 300_000 }, async (t) => {
  const connection = await connect(t)
  const version = await openStored(connection, tableOf(Array.from({ length: 1000 }, (_, i) => ({ user_id: `${i}`, first_name: `name ${i}`.repeat(20) }))))
  const all = await version.select({})
  controlShard('stop', 2)
  try {
    const unavailable = { name: 'EngineError', code: 'engine_unavailable' }
    await t.rejects(version.select({ filters: [{ column: 'first_name', op: 'contains', value: 'name' }] }), unavailable)
    await t.rejects(version.select({ page: { limit: 10 } }), unavailable, 'the count of a page is known, and its records are not')
    await t.rejects(version.statistics({ asOf: 0, binWidth: 1 }), unavailable)
    await t.rejects(version.undeclared(), unavailable)
    await t.rejects(allOf(all.batches()), unavailable)
    const json = render(all, 'json')
    t.notOk(Buffer.isBuffer(json))
    await t.rejects(allOf(json as AsyncIterable<string>), unavailable)
  } finally {
    controlShard('restart', 2)
  }
  t.equal((await version.select({ filters: [{ column: 'first_name', op: 'contains', value: 'name' }] })).count, 1000, 'the shard is back with its records')
})

t.test('a shard that goes away while its records are read breaks the stream', { skip: cannotStopShards, timeout: 300_000 }, async (t) => {
  const connection = await connect(t)
  const slow = sql`SELECT '{}' FROM cluster(${identifier(connection.cluster)}, view(SELECT number FROM numbers(1000000) WHERE sleepEachRow(0.001) = 0)) SETTINGS max_block_size = 100`
  let read = 0
  try {
    await t.rejects(async () => {
      for await (const objects of connection.objects(slow)) {
        if (read === 0) controlShard('stop', 2)
        read += objects.length
      }
    }, { name: 'EngineError', code: 'engine_unavailable' })
    t.ok(read > 0, `${read} records were read before`)
  } finally {
    controlShard('restart', 2)
  }
})

t.test('an error in mid-stream is thrown after the rows that came before it', { skip: noClickHouse }, async (t) => {
  const connection = await connect(t)
  let read = 0
  await t.rejects(async () => {
    for await (const rows of connection.stream(sql`SELECT number, throwIf(number = 3000000) FROM numbers(5000000)`)) read += rows.length
  }, { name: 'EngineError', code: 'engine_query_failed', engineCode: '395 FUNCTION_THROW_IF_VALUE_IS_NON_ZERO' })
  t.ok(read > 0 && read <= 3_000_000, `${read} rows`)
  await t.rejects(allOf(connection.objects(sql`SELECT if(throwIf(number = 3000000) = 0, '{}', '') FROM numbers(5000000)`)), { name: 'EngineError', code: 'engine_query_failed' })
})

t.test('a query ends in the engine when its caller aborts it or stops reading', { skip: noClickHouse, timeout: 120_000 }, async (t) => {
  // Ten minutes, so that the query does not end because its time is up.
  const connection = await connect(t, { timeoutMs: 600_000 })
  const isRunning = async (mark: number) => (await connection.query(sql`SELECT 1 FROM system.processes WHERE query LIKE ${text(`%numbers(1${'0'.repeat(12)}, ${mark})%`)} AND query NOT LIKE '%system.processes%'`)).length > 0
  const mark = Math.floor(Math.random() * 1e9)
  const slow = (mark: number) => sql`SELECT sum(sipHash64(number)) FROM numbers(1000000000000, ${raw(String(mark))}) WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 1`
  const controller = new AbortController()
  const query = connection.query(slow(mark), controller.signal)
  await until(() => isRunning(mark))
  controller.abort(new Error('the client left'))
  await t.rejects(query, { message: 'the client left' })
  await until(async () => !(await isRunning(mark)))
  const endless = connection.stream<[number, number]>(sql`SELECT number, sleepEachRow(0.001) FROM numbers(1000000000000, ${raw(String(mark + 1))}) SETTINGS max_block_size = 10`)
  t.notOk((await endless.next()).done)
  t.ok(await isRunning(mark + 1))
  await endless.return(undefined)
  await until(async () => !(await isRunning(mark + 1)))
  await t.rejects(connection.query(sql`SELECT 1`, AbortSignal.abort(new Error('before'))), { message: 'before' })
})

t.test('each kind of failure has a code of its own', { skip: noClickHouse, timeout: 120_000 }, async (t) => {
  const options = engineOptions()
  const [first] = options.urls
  const open = async (changes: object) => { await (await Connection.open({ ...options, ...changes })).close() }
  await t.rejects(open({ urls: ['http://127.0.0.1:9'] }), { code: 'engine_unavailable', message: /^http:\/\/127.0.0.1:9: / }, 'nothing listens')
  await t.rejects(open({ cluster: 'other' }), { code: 'engine_wrong_cluster', message: /there is no cluster "other"/ })
  if (options.urls.length > 1) await t.rejects(open({ urls: [first!] }), { code: 'engine_wrong_cluster', message: /has 2 nodes; there must be one URL for each/ })
  await t.rejects(open({ urls: [first!, first!] }), { code: 'engine_wrong_cluster' })
  const connection = await connect(t, { timeoutMs: 1000 })
  await t.rejects(connection.query(sql`SELECT 1 FROM ${connection.table('records')}`), { code: 'engine_wrong_database', engineCode: '81 UNKNOWN_DATABASE' })
  await t.rejects(connection.query(sql`SELECT sum(sipHash64(number)) FROM numbers(1000000000000)`), { code: 'engine_timeout' })
  await t.rejects(connection.query(sql`SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000`), { code: 'engine_overloaded' })
  await t.rejects(connection.query(sql`CREATE DATABASE ${identifier(connection.database)}`), { code: 'engine_read_only' }, 'a query never writes')
  await drop(connection)
})
