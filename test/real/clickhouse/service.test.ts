import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../../../app.js'
import { Connection } from '../../../lib/clickhouse/connection.js'
import { number, sql, text } from '../../../lib/clickhouse/sql.js'
import { CHANGED_OBJECTS_OF_SHARD, RECORDS_OF_SHARD, STAGED_KEYS_OF_SHARD, STAGES_OF_SHARD, VERSIONS_OF_SHARD } from '../../../lib/clickhouse/tables.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { startWorker } from '../../../lib/worker/worker-backend.js'
import { csv, PNG } from '../../support/app.js'
import { drop, engineOptions, noClickHouse } from '../../support/clickhouse.js'
import { cannotStopShards, controlShard } from '../../support/clickhouse-script.js'
import { validateResponses } from '../../support/openapi-validator.js'
import { testFolder } from '../../support/test-folder.js'
import { until } from '../../support/until.js'

const FILES = {
  ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${1000 + i}.csv`, csv(`name ${i % 7}`, i % 3 === 0 ? 'Ö' : 'Lee', i * 1e9 - 1e11)])),
  '1001.png': PNG,
  '1002.png': PNG,
  'extra.csv': 'first_name,last_name,birthts,city,"a.b"\nAnn,Lee,0,Oslo,"x ""y"""\n',
  'bad.csv': 'first_name\n',
  'alone.png': PNG,
  'note.txt': 'other'
}

/** The age in milliseconds from which a file of a folder certainly does not count as new: a second more than `RACY_MS` of the folder store. */
const NEW_MS = 3000

/** The settings of an engine with a database of its own, which is removed at the end. */
function engineSettings (t: Pick<Test, 'teardown'>, change: Record<string, string> = {}): Record<string, string> {
  const { urls, cluster } = engineOptions()
  const database = `test_${Math.random().toString(36).slice(2)}`
  t.teardown(async () => {
    const connection = await Connection.open({ urls, cluster, database })
    await drop(connection)
    await connection.close()
  })
  return { ENGINE_URL: urls.join(','), ENGINE_CLUSTER: cluster, ENGINE_DATABASE: database, ...change }
}

function lake (t: Test, files: Record<string, string | Buffer> = FILES): string {
  return testFolder(t, { source_data: files })
}

async function start (root: string, settings: Record<string, string>): Promise<FastifyInstance> {
  const fastify = Fastify(serverOptions)
  await fastify.register(app, { settings: { LAKE_URL: pathToFileURL(root).href, REFRESH_WAIT: '60s', ...settings }, worker: startWorker() })
  validateResponses(fastify)
  return fastify
}

const fresh = { 'cache-control': 'no-cache' }
const code = async (service: FastifyInstance, url: string) => (await service.inject(url)).json().code as string

t.test('a service with a cluster serves the same as one without, and publishes the same output', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const root = lake(t)
  const settings = engineSettings(t)
  const service = await start(root, settings)
  const inProcess = await start(root, { OUTPUT_KEY: 'processed_data/other.csv' })
  t.teardown(() => Promise.all([service.close(), inProcess.close()]))
  const compare = async () => {
    for (const url of [
      '/data', '/data?columns=*', '/data.csv?columns=*', '/data.ndjson?sort=-last_name,birthts', '/data?first_name=name*&where=birthts>0', '/data?q=oslo&columns=*', '/data?min_age=1&as_of=2001-01-01',
      '/data/1001', '/data/extra', '/data/none', '/data/bad', '/stats?as_of=2001-01-01&columns=birthts&group_by=last_name', '/data/1001/image', '/data/1003/image', '/rejects', '/rejects?code=orphan', '/schema'
    ]) {
      const [ours, theirs] = await Promise.all([service, inProcess].map((app) => app.inject({ url, headers: fresh })))
      t.equal(ours!.statusCode, theirs!.statusCode, url)
      const bodyOf = ({ body }: { body: string }) => body.replace(/"request_id":"[^"]*"/, '')
      t.equal(bodyOf(ours!), bodyOf(theirs!), url)
      t.equal(ours!.headers['data-version'], theirs!.headers['data-version'], url)
      t.equal(ours!.headers['x-total-count'], theirs!.headers['x-total-count'], url)
    }
  }
  await compare()
  let url: string | undefined = '/data?limit=70&sort=last_name'
  const paged: object[] = []
  while (url !== undefined) {
    const page: Awaited<ReturnType<FastifyInstance['inject']>> = await service.inject(url)
    paged.push(...page.json())
    url = /<([^>]*)>; rel="next"/.exec(String(page.headers.link))?.[1]
  }
  t.same(paged, (await inProcess.inject('/data?sort=last_name')).json())

  const { next } = (await service.inject('/changes')).json()
  await writeFile(join(root, 'source_data', '1000.csv'), csv('changed'))
  await writeFile(join(root, 'source_data', '1001.png'), Buffer.concat([PNG, PNG]))
  await rm(join(root, 'source_data', '1299.csv'))
  await writeFile(join(root, 'source_data', '1005.csv'), 'first_name\n')
  await compare()
  const changes = (await service.inject(`/changes?since=${next}`)).json()
  t.same(changes.changed.map(({ user_id: id }: { user_id: string }) => id), ['1000', '1001'])
  t.same(changes.removed, ['1299'])
  t.equal((await service.inject({ url: '/data', headers: fresh })).headers['data-last-good'], '1')

  const dry = await service.inject({ method: 'POST', url: '/data?dry_run=true' })
  t.match(dry.json(), { result: { skipped: true, records: 300, added: 300 } })
  const job = await service.inject({ method: 'POST', url: '/data' })
  t.match(job.json(), { state: 'succeeded', result: { records: 300, rejected: 2, skipped: false } })
  await inProcess.inject({ method: 'POST', url: '/data' })
  const outputs = await Promise.all(['output', 'other'].map((name) => readFile(join(root, 'processed_data', `${name}.csv`))))
  t.ok(outputs[0]!.equals(outputs[1]!), 'the outputs have the same bytes')
  t.match((await service.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { skipped: true } })
  t.match((await service.inject('/readyz')).json(), { status: 'ready' })
  const { body } = await service.inject('/metrics')
  for (const operation of ['read', 'write']) t.match(body, new RegExp(`^userlake_engine_operation_duration_seconds_count\\{operation="${operation}",outcome="ok"\\} [1-9]`, 'm'))
})

t.test('a restart serves at once what the cluster has, also the changes; two services share a lake and a database', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const root = lake(t)
  const settings = engineSettings(t, { MAX_STALENESS: '1h' })
  const first = await start(root, settings)
  const version = (await first.inject('/data')).headers['data-version']
  await first.close()
  await rm(join(root, 'source_data', '1001.csv'))
  const [second, third] = await Promise.all([start(root, settings), start(root, settings)])
  t.teardown(() => Promise.all([second, third].map((service) => service.close())))
  for (const service of [second, third]) t.equal((await service.inject('/data')).headers['data-version'], version, 'the listing of the process before is followed')
  await writeFile(join(root, 'source_data', 'new.csv'), csv())
  const changed = await Promise.all([second, third].map((service) => service.inject({ url: '/data?columns=user_id', headers: fresh })))
  t.same(...changed.map(({ headers }) => headers['data-version']) as [string, string])
  t.not(changed[0]!.headers['data-version'], version)
  for (const service of [second, third]) {
    const { body } = await service.inject(`/changes?since=${version}`)
    t.match(JSON.parse(body), { changed: [{ user_id: 'new' }], removed: ['1001'] }, body)
  }
  const jobs = await Promise.all([second, third].map((service) => service.inject({ method: 'POST', url: '/data' })))
  for (const job of jobs) t.match(job.json(), { state: 'succeeded', result: { records: 301 } })
})

t.test('two clusters serve one lake with the same versions, each with an output of its own', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const root = lake(t)
  const services = await Promise.all([{}, { OUTPUT_KEY: 'processed_data/second/output.csv' }].map((change) => start(root, engineSettings(t, change))))
  t.teardown(() => Promise.all(services.map((service) => service.close())))
  const [first, second] = await Promise.all(services.map((service) => service.inject({ url: '/data?columns=*', headers: fresh })))
  t.equal(first!.body, second!.body)
  t.equal(first!.headers['data-version'], second!.headers['data-version'])
  for (const service of services) t.match((await service.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 301 } })
  const outputs = await Promise.all(['output', 'second/output'].map((name) => readFile(join(root, 'processed_data', `${name}.csv`))))
  t.ok(outputs[0]!.equals(outputs[1]!), 'the outputs have the same bytes')
})

t.test('a page of a version that the cluster has forgotten is 410, with links to go on', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const root = lake(t)
  const service = await start(root, engineSettings(t, { VERSIONS_MAX_AGE: '1s' }))
  t.teardown(() => service.close())
  const first = await service.inject({ url: '/data?limit=10', headers: fresh })
  const next = /<([^>]*)>; rel="next"/.exec(String(first.headers.link))![1]!
  t.equal((await service.inject(next)).json().length, 10)
  for (let i = 0; (await service.inject(next)).statusCode === 200; i++) {
    await writeFile(join(root, 'source_data', 'new.csv'), csv(`name ${i}`))
    await service.inject({ url: '/data?limit=1', headers: fresh })
  }
  const gone = await service.inject(next)
  t.match(gone.json(), { status: 410, code: 'version_gone', restart: '/data?limit=10' })
  const { continue: rest } = gone.json()
  const records = (await service.inject(rest)).json()
  t.equal(records.length, 10)
  t.ok(records[0].user_id > first.json().at(-1).user_id, 'it goes on after the record that was last')
})

t.test('a client that leaves in the middle of a response ends its query in the cluster', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const root = lake(t, Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`${i}.csv`, csv('x'.repeat(20_000), 'Lee', i)])))
  const settings = engineSettings(t)
  const service = await start(root, settings)
  t.teardown(() => service.close())
  await service.listen({ port: 0, host: '127.0.0.1' })
  const database = settings['ENGINE_DATABASE']!
  const connection = await Connection.open({ ...engineOptions(), database })
  t.teardown(() => connection.close())
  const isReading = async () => (await connection.query(sql`SELECT 1 FROM system.processes WHERE query LIKE ${text(`SELECT%${database}%`)} AND query NOT LIKE '%system.processes%'`)).length > 0
  const client = get({ port: (service.server.address() as AddressInfo).port, path: '/data.ndjson?sort=-birthts' })
  const [response] = await once(client, 'response') as [IncomingMessage]
  await once(response, 'readable')
  // Nothing more is read: the sockets between the cluster and the client are full.
  t.ok(await isReading())
  client.destroy()
  await until(async () => !(await isReading()))
  t.equal((await service.inject('/data?limit=1')).statusCode, 200)
})

t.test('a service whose schema has one column more loads the lake into the same database, while the others serve what they have', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const wider = { ...USERS_SCHEMA, fields: [...USERS_SCHEMA.fields, { name: 'city', type: 'string' }] }
  const root = testFolder(t, { source_data: FILES, 'schema.json': JSON.stringify(wider) })
  const settings = engineSettings(t)
  const first = await start(root, settings)
  t.teardown(() => first.close())
  const { headers: { 'data-version': before }, body } = await first.inject('/data')
  const second = await start(root, { ...settings, SCHEMA: join(root, 'schema.json') })
  t.teardown(() => second.close())
  const found = await second.inject('/data?where=city=Oslo')
  t.match(found.json(), [{ user_id: 'extra', city: 'Oslo' }])
  t.not(found.headers['data-version'], before)
  t.equal((await second.inject('/data')).headers['x-total-count'], '1', 'the other files lack the column')
  await until(async () => /engine_wrong_database/.test(String((await first.inject({ url: '/data', headers: fresh })).headers['data-stale'] ?? '')))
  const old = await first.inject('/data')
  t.match(old, { statusCode: 200, body, headers: { 'data-version': before } })
  t.equal((await first.inject('/readyz')).statusCode, 200)
  await writeFile(join(root, 'source_data', '1000.csv'), 'first_name,last_name,birthts,city\nAnn,Lee,0,Bergen\n')
  t.match((await second.inject({ url: '/data/1000', headers: fresh })).json(), { city: 'Bergen' })

  // The versions of the old schema are removed: without the new version, each request would get 410, also after the client has restarted.
  const third = await start(root, { ...settings, SCHEMA: join(root, 'schema.json'), VERSIONS_MAX_AGE: '1s' })
  t.teardown(() => third.close())
  t.equal((await third.inject('/data')).statusCode, 200)
  await until(async () => {
    await third.inject({ url: '/data', headers: fresh })
    return (await first.inject(`/data?first_name=${Math.random()}`)).statusCode !== 200
  })
  const lost = { statusCode: 503, headers: { 'retry-after': /\d/ } }
  for (const url of ['/data', '/data/1000', '/data.csv', '/stats', `/stats?min_age=${Math.random()}`, '/readyz', '/rejects', `/changes?since=${before as string}`]) {
    const response = await first.inject(url)
    t.match(response, lost, url)
    t.match(response.json(), { code: 'no_data', detail: /The database of the engine is missing, or its tables are of another lake, schema/ }, url)
  }
  t.equal((await first.inject('/livez')).statusCode, 200)
})

t.test('a cluster that is down at the start is waited for; a shard that is down later is 503, never a part of the data', { skip: cannotStopShards, timeout: 600_000 }, async (t) => {
  const root = lake(t)
  const settings = engineSettings(t)
  controlShard('stop', 2)
  let service: FastifyInstance
  try {
    service = await start(root, settings)
    t.match((await service.inject('/data')).json(), { code: 'no_data', detail: /The engine, or one of its shards, cannot be reached/ })
    t.match((await service.inject('/readyz')).json(), { details: [{ code: 'engine_unavailable' }] })
  } finally {
    controlShard('restart', 2)
  }
  t.teardown(() => service.close())
  await until(async () => (await service.inject({ url: '/data?limit=1', headers: fresh })).statusCode === 200)
  controlShard('stop', 2)
  try {
    for (const url of ['/data?sort=first_name', '/data.csv?sort=birthts', '/stats?bin_width=3', '/data?limit=5&first_name=name*']) t.equal(await code(service, url), 'engine_unavailable', url)
    t.equal((await service.inject({ method: 'POST', url: '/data' })).json().code, 'engine_unavailable')
  } finally {
    controlShard('restart', 2)
  }
  await until(async () => (await service.inject('/data?sort=first_name')).statusCode === 200)
  t.match((await service.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded' })
})

t.test('with tables that are read-only, the service serves what they have, reports it, and goes on when they can be written again', { skip: noClickHouse, timeout: 600_000 }, async (t) => {
  const root = lake(t)
  const writtenAt = Date.now()
  const settings = engineSettings(t)
  const service = await start(root, settings)
  t.teardown(() => service.close())
  // The first listing of files that are no longer new reads them again, and stores the result. After it, nothing has to be stored.
  await until(() => Date.now() > writtenAt + NEW_MS)
  let { 'data-version': version } = (await service.inject({ url: '/data?limit=1', headers: fresh })).headers
  const connection = await Connection.open({ ...engineOptions(), database: settings['ENGINE_DATABASE']! })
  t.teardown(() => connection.close())
  const tables = (await connection.queryFirst<[string]>(sql`SELECT name FROM system.tables WHERE database = ${text(connection.database)} AND engine = 'MergeTree'`)).map(([name]) => name)
  const setReadOnly = async (names: readonly string[], value: 0 | 1) => {
    for (const name of names) await connection.command(sql`ALTER TABLE ${connection.table(name)} MODIFY SETTING table_readonly = ${number(value)}`)
  }
  const startOver = async (change: Record<string, string>, headers: Record<string, string>, what: string) => {
    const second = await start(root, { ...settings, ...change })
    const response = await second.inject({ url: '/data?limit=1', headers })
    await second.close()
    t.match(response, { statusCode: 200, headers: { 'data-version': version } }, what)
    t.equal(response.headers['data-stale'], undefined, what)
  }
  const stale = { statusCode: 200, headers: { 'data-stale': 'engine_read_only' } }
  // All of them, what a listing writes first, what it writes before its commit, and what a change that was committed is applied to.
  for (const [i, names] of [tables, [CHANGED_OBJECTS_OF_SHARD], [STAGES_OF_SHARD], [STAGED_KEYS_OF_SHARD], [RECORDS_OF_SHARD], [VERSIONS_OF_SHARD]].entries()) {
    const what = names.join(', ')
    await setReadOnly(names, 1)
    if (names === tables) await startOver({}, fresh, 'a process that starts lists the lake, and finds no change')
    await writeFile(join(root, 'source_data', `new-${i}.csv`), csv())
    t.match(await service.inject({ url: '/data?limit=1', headers: fresh }), { ...stale, headers: { ...stale.headers, 'data-version': version } }, what)
    t.equal((await service.inject(`/data/new-${i}`)).statusCode, 404, what)
    t.match(await service.inject(`/stats?bin_width=${i + 1}`), { statusCode: 200 }, what)
    const ready = await service.inject('/readyz')
    t.match([ready.statusCode, ready.json().details], [200, [{ code: 'engine_read_only', detail: 'The engine accepts no writes' }]], what)
    t.match((await service.inject({ method: 'POST', url: '/data' })).json(), { status: 503, code: 'engine_read_only' }, what)
    if (names === tables) await startOver({ MAX_STALENESS: '1h' }, {}, 'a process that starts follows the last listing')
    await setReadOnly(names, 0)
    await until(async () => (await service.inject({ url: `/data/new-${i}`, headers: fresh })).statusCode === 200)
    const healed = await service.inject('/data?limit=1')
    t.equal(healed.headers['data-stale'], undefined, what)
    version = healed.headers['data-version']
    t.match((await service.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 302 + i } }, what)
    t.same((await service.inject('/readyz')).json().details, [], what)
  }
})

t.test('a wrong cluster, password or database is reported, and the service goes on trying', { skip: noClickHouse, timeout: 300_000 }, async (t) => {
  const root = lake(t, { '1.csv': csv() })
  const settings = engineSettings(t)
  const refusing: Server = createServer((_request, response) => {
    response.writeHead(516, { 'x-clickhouse-exception-code': '516' }).end('Code: 516. DB::Exception: default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)')
  })
  refusing.listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  t.teardown(() => refusing.close())
  const { port } = refusing.address() as AddressInfo
  const table: [Record<string, string>, string][] = [
    [{ ENGINE_CLUSTER: 'nowhere' }, 'engine_wrong_cluster'],
    [{ ENGINE_URL: settings['ENGINE_URL']!.split(',')[0]! }, 'engine_wrong_cluster'],
    [{ ENGINE_URL: `http://127.0.0.1:${port}`, ENGINE_PASSWORD: 'secret-canary' }, 'engine_access_denied']
  ]
  for (const [change, expected] of table) {
    const service = await start(root, { ...settings, ...change })
    const response = await service.inject('/data')
    t.match(response.json(), { status: 503, code: 'no_data' })
    t.match((await service.inject('/readyz')).json(), { details: [{ code: expected }] })
    t.notMatch(response.body, 'canary')
    await service.close()
  }
  const service = await start(root, settings)
  t.equal((await service.inject('/data')).statusCode, 200)
  await service.close()
  const other = await start(root, { ...settings, AGE_TIME_ZONE: 'Asia/Tokyo' })
  t.match((await other.inject('/readyz')).statusCode, 503)
  await until(async () => (await other.inject({ url: '/data', headers: fresh })).statusCode === 503)
  t.match((await other.inject('/readyz')).json(), { details: [{ code: 'engine_wrong_database' }] })
  await other.close()
})

t.test('settings that contradict ENGINE_URL, and invalid settings of the engine, are refused', { timeout: 60_000 }, async (t) => {
  const root = lake(t, {})
  for (const [settings, message] of [
    [{ PUBLISH: 'false' }, /^PUBLISH: got false; must be true if ENGINE_URL is set/],
    [{ OUTPUT_FORMATS: 'csv,parquet' }, /^OUTPUT_FORMATS: got "csv,parquet"; must be csv if ENGINE_URL is set/],
    [{ ENGINE_URL: 'http://a:1,http://a:1/' }, /^ENGINE_URL: got "http:\/\/a:1,http:\/\/a:1\/"; must be a comma-separated list/],
    [{ ENGINE_URL: 'http://user:secret@a:1' }, /^ENGINE_URL: got "http:\/\/…@a:1"; must be a comma-separated list of http or https URLs without user/],
    [{ ENGINE_URL: 'http://a:1/database' }, /^ENGINE_URL: got /],
    [{ ENGINE_DATABASE: 'a b' }, /^ENGINE_DATABASE: got "a b"; must be 1 to 64 letters/]
  ] as const) {
    const fastify = Fastify(serverOptions)
    await t.rejects(async () => await fastify.register(app, { settings: { LAKE_URL: pathToFileURL(root).href, ENGINE_URL: 'http://127.0.0.1:1', ...settings } }), { name: 'SettingsError', message })
    await fastify.close()
  }
})
