import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../../../app.js'
import { Connection } from '../../../lib/clickhouse/connection.js'
import { forgottenBelow } from '../../../lib/clickhouse/forget.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { startWorker } from '../../../lib/worker/worker-backend.js'
import { csv, PNG } from '../../support/app.js'
import { drop, engineOptions, noClickHouse } from '../../support/clickhouse.js'
import { testFolder } from '../../support/test-folder.js'
import { until } from '../../support/until.js'

const { CLICKHOUSE_TEST_USER: user, CLICKHOUSE_TEST_PASSWORD: password } = process.env
const noAccount = noClickHouse || (user === undefined && 'set CLICKHOUSE_TEST_USER and CLICKHOUSE_TEST_PASSWORD, an account that has exactly the rights of docs/scaling.md')

const DATABASE = 'userlake'
const fresh = { 'cache-control': 'no-cache' }

/** A service over the lake in this folder, as the account with the documented rights. */
async function start (t: Test, root: string, settings: Record<string, string> = {}): Promise<FastifyInstance> {
  const { urls, cluster } = engineOptions()
  const fastify = Fastify(serverOptions)
  await fastify.register(app, {
    settings: { LAKE_URL: pathToFileURL(root).href, REFRESH_WAIT: '60s', ENGINE_URL: urls.join(','), ENGINE_CLUSTER: cluster, ENGINE_USER: user!, ENGINE_PASSWORD: password!, ENGINE_DATABASE: DATABASE, ...settings },
    worker: startWorker()
  })
  t.teardown(() => fastify.close())
  return fastify
}

/** Removes the database of this test, also one that an earlier run has left. */
async function removeDatabase (): Promise<void> {
  const { urls, cluster } = engineOptions()
  const connection = await Connection.open({ urls, cluster, database: DATABASE })
  await drop(connection)
  await connection.close()
}

t.test('the rights that docs/scaling.md names are enough to load, query, change, publish, forget and add a column', { skip: noAccount, timeout: 300_000 }, async (t) => {
  await removeDatabase()
  t.teardown(removeDatabase)
  const schema = { ...USERS_SCHEMA, fields: [...USERS_SCHEMA.fields, { name: 'city', type: 'string' }] }
  const root = testFolder(t, { source_data: { 'a.csv': csv('Ann', 'Lee', 0), 'b.csv': csv('Bob', 'Ö', 1e12), 'b.png': PNG, 'c.csv': csv('Cyd', 'Lee', 1e11), 'bad.csv': 'x\n' }, 'schema.json': JSON.stringify(schema) })
  const service = await start(t, root, { VERSIONS_MAX_AGE: '1s' })
  const first = await service.inject('/data')
  t.match(first, { statusCode: 200, headers: { 'x-total-count': '3' } })
  for (const url of ['/data.csv?sort=-last_name', '/data/b', '/data?q=lee&min_age=1&columns=*', '/stats?group_by=last_name&columns=birthts', '/rejects', '/schema']) t.equal((await service.inject(url)).statusCode, 200, url)
  t.equal((await service.inject('/data/b/image')).headers['content-type'], 'image/png')
  const since = String(first.headers['data-version'])
  await writeFile(join(root, 'source_data', 'a.csv'), 'first_name,last_name,birthts,city\nAnn,Low,0,Oslo\n')
  await unlink(join(root, 'source_data', 'c.csv'))
  t.match((await service.inject({ url: '/data/a?columns=*', headers: fresh })).json(), { last_name: 'Low', city: 'Oslo' })
  t.match((await service.inject(`/changes?since=${since}`)).json(), { changed: [{ user_id: 'a' }], removed: ['c'] })
  t.match((await service.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 2 } })
  // Each request for which the lake is listed also makes the service remove the versions that are old enough.
  const { urls, cluster } = engineOptions()
  const connection = await Connection.open({ urls, cluster, database: DATABASE })
  t.teardown(() => connection.close())
  await until(async () => {
    await service.inject({ url: '/data', headers: fresh })
    return await forgottenBelow(connection) > 1n
  })
  const wider = await start(t, root, { SCHEMA: join(root, 'schema.json') })
  t.match((await wider.inject('/data/a')).json(), { city: 'Oslo' })
})

t.test('a wrong password, and a database that the account has no rights on, are reported with what to change', { skip: noAccount, timeout: 120_000 }, async (t) => {
  const root = testFolder(t, { source_data: { 'a.csv': csv('Ann', 'Lee', 0) } })
  for (const settings of [{ ENGINE_PASSWORD: 'wrong' }, { ENGINE_DATABASE: 'another' }]) {
    const service = await start(t, root, settings)
    t.match((await service.inject('/data')).json(), { status: 503, code: 'no_data', detail: /The engine refuses access/ })
    t.match((await service.inject('/readyz')).json().details, [{ code: 'engine_access_denied' }])
  }
})
