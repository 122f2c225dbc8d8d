import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ENGINE_OPERATIONS, type EngineOperation } from '../../../lib/base/events.js'
import { ClickHouseVersion } from '../../../lib/clickhouse/clickhouse-version.js'
import { Connection } from '../../../lib/clickhouse/connection.js'
import { sql, text } from '../../../lib/clickhouse/sql.js'
import { render } from '../../../lib/output/render.js'
import type { TextChunks } from '../../../lib/query/data-version.js'
import { compileSchema } from '../../../lib/schema/schema.js'
import { tableFields } from '../../../lib/table/table-field.js'

/**
 * Starts a server that responds as a node of a ClickHouse cluster.
 *
 * @param respond responds to all queries except the one for the nodes of the cluster
 * @param members the response to that one: a line for each node with its shard and whether it is this server (1) or not (0). Default: this server only
 */
async function startEndpoint (t: Test, respond: (response: ServerResponse, url: URL, query: string) => void, members = '[1,1]\n'): Promise<string> {
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url!, 'http://localhost')
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const query = Buffer.concat(chunks).toString()
      if (query.includes('system.clusters')) response.end(members)
      else respond(response, url, query)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function connect (t: Test, respond: (response: ServerResponse, url: URL, query: string) => void): Promise<Connection> {
  const connection = await Connection.open({ urls: [await startEndpoint(t, respond)], cluster: 'lake', database: 'd', username: 'reader', password: 'secret' })
  t.teardown(() => connection.close())
  return connection
}

const TAG = 'abcdefghijklmnop'

t.test('a wrong password is reported as such, without the password', async (t) => {
  const connection = await connect(t, (response) => {
    response.writeHead(403, { 'X-ClickHouse-Exception-Code': '516' })
    response.end('Code: 516. DB::Exception: reader: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED) (version 26.7.2.1)\n')
  })
  const error = await connection.query(sql`SELECT 1`).catch((error: unknown) => error as Error)
  t.match(error, { name: 'EngineError', code: 'engine_access_denied', engineCode: '516 AUTHENTICATION_FAILED', message: /password is incorrect/ })
  t.notMatch(String((error as Error).message), /secret/)
})

t.test('a cluster with two replicas in a shard is refused, with one URL and with both', async (t) => {
  const startReplica = async (isFirst: boolean) => await startEndpoint(t, (response) => { response.end('[1]\n') }, isFirst ? '[1,1]\n[1,0]\n' : '[1,0]\n[1,1]\n')
  const urls = await Promise.all([startReplica(true), startReplica(false)])
  for (const some of [urls, urls.slice(1)]) {
    await t.rejects(Connection.open({ urls: some, cluster: 'lake', database: 'd' }), { name: 'EngineError', code: 'engine_wrong_cluster', message: /^The cluster "lake" has 2 nodes; there must be one URL for each of them, each of a shard of its own; got / })
  }
})

t.test('queries and writes that the server refuses have the code of the cause', async (t) => {
  for (const [engineCode, code] of [
    ['241 MEMORY_LIMIT_EXCEEDED', 'engine_overloaded'],
    ['202 TOO_MANY_SIMULTANEOUS_QUERIES', 'engine_overloaded'],
    ['242 TABLE_IS_READ_ONLY', 'engine_read_only'],
    ['774 TABLE_IS_PERMANENTLY_READ_ONLY', 'engine_read_only'],
    ['164 READONLY', 'engine_read_only'],
    ['159 TIMEOUT_EXCEEDED', 'engine_timeout'],
    ['279 ALL_CONNECTION_TRIES_FAILED', 'engine_unavailable'],
    ['60 UNKNOWN_TABLE', 'engine_wrong_database'],
    ['701 CLUSTER_DOESNT_EXIST', 'engine_wrong_cluster'],
    ['49 LOGICAL_ERROR', 'engine_query_failed']
  ] as const) {
    const [number, name] = engineCode.split(' ')
    const connection = await connect(t, (response) => {
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': number! })
      response.end(`Code: ${number}. DB::Exception: refused. (${name}) (version 26.7.2.1)\n`)
    })
    const expected = { name: 'EngineError', code, engineCode, message: /refused/ }
    await t.rejects(connection.query(sql`SELECT 1`), expected, `a query: ${engineCode}`)
    await t.rejects(connection.command(sql`INSERT INTO t SELECT 1`), expected, `a statement: ${engineCode}`)
    await t.rejects(connection.insert(0, 't', ['a'], [[1]]), expected, `an insert: ${engineCode}`)
  }
})

t.test('each query has the settings that its result depends on, and its parameters apart from the text', async (t) => {
  const seen: URL[] = []
  const connection = await connect(t, (response, url) => {
    seen.push(url)
    response.end('[1]\n')
  })
  t.same(await connection.query(sql`SELECT ${text("it's")}`), [[1]])
  const { searchParams } = seen[0]!
  t.match(Object.fromEntries(searchParams), { skip_unavailable_shards: '0', readonly: '2', timeout_overflow_mode: 'throw', result_overflow_mode: 'throw', precise_float_parsing: '1', max_execution_time: '60', param_p0: "it\\'s" })
})

t.test('an exception that arrives in two packets in mid-stream is not taken for records', async (t) => {
  const connection = await connect(t, (response) => {
    response.writeHead(200, { 'X-ClickHouse-Exception-Tag': TAG })
    response.write('{"a":1}\n{"a":2}\n\r')
    setImmediate(() => setTimeout(() => response.end(`\n__exception__\r\n${TAG}\r\nCode: 395. DB::Exception: failed. (X)\n40 ${TAG}\r\n__exception__\r\n`), 20))
  })
  const read: string[] = []
  await t.rejects(async () => {
    for await (const objects of connection.objects(sql`SELECT json`)) read.push(...objects)
  }, { name: 'EngineError' })
  t.same(read.filter((line) => !line.startsWith('{"a":')), [])
})

t.test('a response that ends in the middle, and one that is not from ClickHouse, are errors', async (t) => {
  const cut = await connect(t, (response) => {
    response.writeHead(200)
    response.write('[1]\n')
    setImmediate(() => response.destroy())
  })
  await t.rejects(cut.query(sql`SELECT 1`), { name: 'EngineError', code: 'engine_unavailable' })
  const other = await connect(t, (response) => { response.end('<html>\n<body>Hello</body>\n') })
  await t.rejects(other.query(sql`SELECT 1`), { name: 'EngineError', code: 'engine_incomplete' })
})

t.test('records that lack some of those that were counted are an error, in each format, and never look whole', async (t) => {
  const limits: Array<string | null> = []
  const connection = await connect(t, (response, url, query) => {
    const isOfRecords = !/count\(\)|max\(below\)/.test(query)
    if (isOfRecords) limits.push(url.searchParams.get('max_execution_time'))
    if (!isOfRecords) response.end(query.includes('count()') ? '[3]\n' : '["0"]\n')
    else response.end(query.includes('TabSeparatedRaw') ? '{"id":"1"}\n{"id":"2"}\n' : '["{\\"id\\":\\"1\\"}"]\n["{\\"id\\":\\"2\\"}"]\n')
  })
  const fields = tableFields(compileSchema({ fields: [{ name: 'id', type: 'string', source: 'key' }] }))
  const version = new ClickHouseVersion(connection, { fields, timeZone: 'UTC', number: 1n, name: 'v', undeclared: [] })
  for (const format of ['json', 'ndjson', 'csv'] as const) {
    const text = render(await version.select({ timeoutMs: 7_000 }), format)
    let read = ''
    await t.rejects(async () => { for await (const chunk of text as TextChunks) read += String(chunk) }, { name: 'EngineError', code: 'engine_incomplete', message: 'The engine returned 2 of 3 records' }, format)
    t.notMatch(read, '2')
  }
  t.same(limits, ['7', '7', '7'])
})

t.test('each query and each statement is counted by its outcome', async (t) => {
  let isRefused = false
  const connection = await connect(t, (response) => {
    if (isRefused) response.writeHead(500, { 'X-ClickHouse-Exception-Code': '241' })
    response.end(isRefused ? 'Code: 241. DB::Exception: refused. (MEMORY_LIMIT_EXCEEDED)\n' : '[1]\n')
  })
  const ends: EngineOperation[] = []
  t.teardown(ENGINE_OPERATIONS.subscribe((end) => { ends.push(end) }))
  const endsOf = async (run: () => Promise<unknown>) => {
    ends.length = 0
    await run().catch(() => {})
    t.ok(ends.every(({ durationMs }) => durationMs >= 0))
    return ends.map(({ operation, outcome }) => `${operation} ${outcome}`)
  }
  const runs = {
    query: () => connection.query(sql`SELECT 1`),
    command: () => connection.command(sql`INSERT INTO t SELECT 1`),
    insert: () => connection.insert(0, 't', ['a'], [[1]])
  }
  t.same([await endsOf(runs.query), await endsOf(runs.command), await endsOf(runs.insert)], [['read ok'], ['write ok'], ['write ok']])
  t.same(await endsOf(async () => {
    const rows = connection.stream(sql`SELECT 1`)
    await rows.next()
    await rows.return(undefined)
  }), ['read aborted'])
  t.same(await endsOf(() => connection.query(sql`SELECT 1`, AbortSignal.abort())), ['read aborted'])
  isRefused = true
  t.same([await endsOf(runs.query), await endsOf(runs.command), await endsOf(runs.insert)], [['read engine_overloaded'], ['write engine_overloaded'], ['write engine_overloaded']])
})
