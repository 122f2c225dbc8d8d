import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../../../app.js'
import { startThread, WorkerBucketSide } from '../../../lib/worker/worker-backend.js'
import { EtagCache } from '../../../lib/source/etag-cache.js'
import type { Progress } from '../../../lib/source/reconcile.js'
import { csv } from '../../support/app.js'
import { validateAnswers } from '../../support/openapi-validator.js'
import { rowsOf } from '../../support/tables.js'

const rules = { prefix: 'source_data/', ownKeys: ['out/all.csv', 'out/all.snapshot.arrow'], imageExtensions: ['png'], delimiter: ',', timeZone: 'UTC', snapshotKey: 'out/all.snapshot.arrow' }
const files = { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '2.png': 'x', '3.csv': 'bad' }

function open (t: Test) {
  const root = t.testdir({ source_data: files })
  const side = new WorkerBucketSide({ url: pathToFileURL(root).href }, rules)
  t.teardown(() => side.close())
  return { root, side }
}

t.test('does in another thread what is done in this one', async (t) => {
  const { root, side } = open(t)
  const cache = new EtagCache()
  const steps: Progress[] = []
  const first = await side.reconcile('snapshot', false, (step) => steps.push(step))
  cache.replace(first.state)
  t.same(rowsOf(first.state.table).map((row) => [row.user_id, row.first_name, row.img_path]), [['1', 'Ann', null], ['2', 'Bob', 'source_data/2.png']])
  t.match(first.rejects, [{ user_id: '3', code: 'missing_column' }])
  t.same(steps.at(-1), { listed: 4, to_fetch: 3, fetched: 3 })
  t.ok(first.state.table.json.bytes.buffer instanceof SharedArrayBuffer, 'no copy is made on the way')
  writeFileSync(`${root}/source_data/1.csv`, csv('Amy'))
  const second = await side.reconcile(cache, false, () => {})
  t.equal(rowsOf(second.state.table)[0]?.first_name, 'Amy')
  t.equal(rowsOf(first.state.table)[0]?.first_name, 'Ann', 'the version before stays as it is')
  const fence = await side.fence('out/all.csv')
  t.same(fence, { etag: null, unsettled: false })
  t.match(await side.publish(second.state.table, { format: 'csv', key: 'out/all.csv' }, fence, false), { users: 2, added: 2, skipped: false })
  t.equal(readFileSync(`${root}/out/all.csv`, 'utf8').split('\r\n').length, 4)
  await t.rejects(side.publish(second.state.table, { format: 'csv', key: 'out/all.csv' }, fence, false), { name: 'StoreError', code: 'precondition_failed' })
  await side.saveSnapshot(second.state)
  const restored = await side.reconcile('snapshot', false, () => {})
  t.same(rowsOf(restored.state.table), rowsOf(second.state.table))
})

t.test('its failures arrive as what they are', async (t) => {
  const { root, side } = open(t)
  rmSync(root, { recursive: true })
  await t.rejects(side.reconcile('snapshot', false, () => {}), { name: 'StoreError', code: 'no_such_bucket', message: /there is no such folder/ })
  await t.rejects(side.publish({} as never, { format: 'csv', key: 'x' }, { etag: null, unsettled: false }, false), { name: 'Error' }, 'a bug is an error without a code')
  await t.rejects(side.publish({} as never, { format: 'csv', key: 'x', filters: [() => true] }, { etag: null, unsettled: false }, false), { name: 'DataCloneError' })
})

t.test('a thread that ends takes its calls with it, and the next call has another one', async (t) => {
  const side = new WorkerBucketSide({ url: 'ftp://nowhere' }, rules)
  await t.rejects(side.fence('x'), /names no lake/)
  await t.rejects(side.fence('x'), /names no lake/)
  await side.close()
})

t.test('the service on a thread of its own answers as any other', async (t) => {
  const root = t.testdir({ source_data: files })
  const build = async (worker: boolean) => {
    const fastify = Fastify(serverOptions)
    await fastify.register(app, { settings: { LAKE_URL: `file:${root}`, REFRESH_WAIT: '30s' }, thread: worker ? startThread() : undefined })
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
  t.match(job, { state: 'succeeded', result: { users: 2, rejected: 1 } })
})
