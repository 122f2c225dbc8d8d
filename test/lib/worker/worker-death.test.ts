import { EventEmitter } from 'node:events'
import t from 'tap'
import { monotonicNow } from '../../../lib/base/clock.js'
import type { LakeRules } from '../../../lib/worker/in-process-backend.js'
import { startWorker, WorkerBackend, type BackendThread } from '../../../lib/worker/worker-backend.js'
import { build, csv } from '../../support/app.js'
import { gate, until } from '../../support/until.js'

// The worker that is started after one has died uses the clock of the system, so the app must use it, too.
const monotonic = monotonicNow

t.test('if the worker dies during a reconcile, the last data is served as stale until the next reconcile succeeds', async (t) => {
  let worker: BackendThread
  const { app, endpoint, bucket, fresh } = await build(t, { files: { '1.csv': csv('Ann') }, worker: () => (worker = startWorker()), monotonic })
  await app.inject('/data')
  const { opened, open } = gate()
  endpoint.intercept = ({ operation }) => operation === 'LIST' ? opened : undefined
  bucket.put('source_data/2.csv', csv('Bob'))
  const reading = app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
  await until(() => endpoint.counts.LIST === 2)
  await worker!.terminate()
  open()
  const stale = await reading
  t.match(stale, { statusCode: 200, headers: { 'data-stale': 'internal_error' } })
  t.match(stale.json(), [{ first_name: 'Ann' }])
  t.match((await fresh('/data')).json, [{ first_name: 'Ann' }, { first_name: 'Bob' }])
  const healed = await app.inject('/data')
  t.equal(healed.headers['data-stale'], undefined)
  t.same(endpoint.gets.filter((key) => key.startsWith('source_data/')).sort(), ['source_data/1.csv', 'source_data/2.csv'], 'the new worker is sent the state')
})

t.test('if the worker dies while it publishes, the job fails, and the next job publishes', async (t) => {
  let worker: BackendThread
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv('Ann') }, worker: () => (worker = startWorker()), monotonic })
  const { opened, open } = gate()
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? opened : undefined
  const posting = app.inject({ method: 'POST', url: '/data' })
  await until(() => endpoint.counts.PUT === 1)
  await worker!.terminate()
  t.match((await posting).json(), { status: 500, code: 'internal_error' })
  endpoint.intercept = undefined
  open()
  bucket.put('source_data/2.csv', csv('Bob'))
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 2 } })
  t.match(bucket.get('processed_data/output.csv')!.body.toString(), '2,Bob')
})

/** A thread that never replies. */
class SilentThread extends EventEmitter implements BackendThread {
  terminated = 0

  postMessage (): void {}

  async terminate (): Promise<number> {
    this.terminated++
    this.emit('exit', 1)
    return 1
  }
}

t.test('a worker that does not reply is terminated when the backend is closed', { timeout: 60_000 }, async (t) => {
  const thread = new SilentThread()
  const backend = new WorkerBackend({ url: 'file:lake' }, {} as LakeRules, thread)
  const isRejected = t.rejects(backend.orderNumbers({ kind: 'number', values: new Float64Array() }), /exited with code 1/)
  await backend.close()
  await isRejected
  await backend.close()
  t.equal(thread.terminated, 1)
})

t.test('a backend that is closed starts no other worker', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv('Ann') }, worker: startWorker, monotonic })
  await app.inject('/data')
  await app.close()
  endpoint.reset()
  await t.rejects(app.transformer.reconcile({ fresh: true }), /closed/)
  t.equal(endpoint.counts.LIST, 0)
})
