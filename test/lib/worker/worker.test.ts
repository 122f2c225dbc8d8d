import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../../../app.js'
import { startWorker, WorkerBackend } from '../../../lib/worker/worker-backend.js'
import { EtagCache } from '../../../lib/source/etag-cache.js'
import type { ReconcileProgress } from '../../../lib/source/reconcile.js'
import { csv } from '../../support/app.js'
import { validateAnswers } from '../../support/openapi-validator.js'
import { rowsOf } from '../../support/tables.js'

const rules = { prefix: 'source_data/', ownKeys: ['out/all.csv', 'out/all.snapshot.arrow'], imageExtensions: ['png'], delimiter: ',', timeZone: 'UTC', snapshotKey: 'out/all.snapshot.arrow' }
const files = { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '2.png': 'x', '3.csv': 'bad' }

function open (t: Test) {
  const root = t.testdir({ source_data: files })
  const backend = new WorkerBackend({ url: pathToFileURL(root).href }, rules)
  t.teardown(() => backend.close())
  return { root, backend }
}

t.test('does in another thread what is done in this one', async (t) => {
  const { root, backend } = open(t)
  const cache = new EtagCache()
  const steps: ReconcileProgress[] = []
  const first = await backend.reconcile('snapshot', false, (step) => steps.push(step))
  cache.replace(first.state)
  t.same(rowsOf(first.state.table).map((row) => [row.user_id, row.first_name, row.img_path]), [['1', 'Ann', null], ['2', 'Bob', 'source_data/2.png']])
  t.match(first.rejects, [{ user_id: '3', code: 'missing_column' }])
  t.same(steps.at(-1), { listed: 4, toFetch: 3, fetched: 3 })
  t.ok(first.state.table.json.bytes.buffer instanceof SharedArrayBuffer, 'no copy is made on the way')
  writeFileSync(`${root}/source_data/1.csv`, csv('Amy'))
  const second = await backend.reconcile(cache, false, () => {})
  t.equal(rowsOf(second.state.table)[0]?.first_name, 'Amy')
  t.equal(rowsOf(first.state.table)[0]?.first_name, 'Ann', 'the version before stays as it is')
  const precondition = await backend.readPrecondition('out/all.csv')
  t.same(precondition, { expectedEtag: null, racy: false })
  t.match(await backend.publish(second.state.table, { format: 'csv', key: 'out/all.csv' }, precondition, false), { records: 2, added: 2, skipped: false })
  t.equal(readFileSync(`${root}/out/all.csv`, 'utf8').split('\r\n').length, 4)
  await t.rejects(backend.publish(second.state.table, { format: 'csv', key: 'out/all.csv' }, precondition, false), { name: 'StoreError', code: 'precondition_failed' })
  await backend.saveSnapshot(second.state)
  const restored = await backend.reconcile('snapshot', false, () => {})
  t.same(rowsOf(restored.state.table), rowsOf(second.state.table))
})

t.test('its failures arrive as what they are', async (t) => {
  const { root, backend } = open(t)
  rmSync(root, { recursive: true })
  await t.rejects(backend.reconcile('snapshot', false, () => {}), { name: 'StoreError', code: 'no_such_bucket', message: /there is no such folder/ })
  await t.rejects(backend.publish({} as never, { format: 'csv', key: 'x' }, { expectedEtag: null, racy: false }, false), { name: 'Error' }, 'a bug is an error without a code')
  await t.rejects(backend.publish({} as never, { format: 'csv', key: 'x', filters: [() => true] }, { expectedEtag: null, racy: false }, false), { name: 'DataCloneError' })
})

t.test('a thread that ends takes its calls with it, and the next call has another one', async (t) => {
  const backend = new WorkerBackend({ url: 'ftp://nowhere' }, rules)
  await t.rejects(backend.readPrecondition('x'), /names no lake/)
  await t.rejects(backend.readPrecondition('x'), /names no lake/)
  await backend.close()
})

t.test('the service on a thread of its own answers as any other', async (t) => {
  const root = t.testdir({ source_data: files })
  const build = async (worker: boolean) => {
    const fastify = Fastify(serverOptions)
    await fastify.register(app, { settings: { LAKE_URL: `file:${root}`, REFRESH_WAIT: '30s' }, worker: worker ? startWorker() : undefined })
    validateAnswers(fastify)
    t.teardown(() => fastify.close())
    return fastify
  }
  const [threaded, plain] = [await build(true), await build(false)]
  for (const url of ['/data', '/data?format=csv', '/stats?as_of=2025-01-01T00:00:00Z', '/rejects', '/data/2']) {
    const [a, b] = [await threaded.inject(url), await plain.inject(url)]
    t.equal(a.body, b.body, url)
    t.equal(a.headers['etag'], b.headers['etag'])
  }
  const job = (await threaded.inject({ method: 'POST', url: '/data' })).json()
  t.match(job, { state: 'succeeded', result: { records: 2, rejected: 1 } })
})
