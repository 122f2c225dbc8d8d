import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { shared } from '../../../lib/base/shared-memory.js'
import { typedArraysIn } from '../../../lib/base/typed-arrays.js'
import { EtagCache } from '../../../lib/source/etag-cache.js'
import type { ReconcileProgress } from '../../../lib/source/reconcile.js'
import { selectEntries } from '../../../lib/source/quarantine-page.js'
import { rejectedFilesOf, type SourceState } from '../../../lib/source/source-state.js'
import type { Precondition } from '../../../lib/store/precondition.js'
import type { Table } from '../../../lib/table/table.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { FolderStore } from '../../../lib/store/folder/folder-store.js'
import { UserDataTransformer } from '../../../lib/transformer.js'
import { WorkerBackend } from '../../../lib/worker/worker-backend.js'
import type { Call } from '../../../lib/worker/worker-protocol.js'
import { build, csv } from '../../support/app.js'
import { rowsOf } from '../../support/tables.js'
import { MemoryStore } from '../../support/stores.js'
import { testFolder } from '../../support/test-folder.js'

const rules = { prefix: 'source_data/', ownKeys: ['out/all.csv', 'out/all.snapshot.arrow'], imageExtensions: ['png'], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema: USERS_SCHEMA, timeZone: 'UTC', snapshotKey: 'out/all.snapshot.arrow', outputKey: 'out/all.csv', probeKey: 'out/all.probe', maxLoss: 0.2 } as const
const files = { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '2.png': 'x', '3.csv': 'bad\n' }
const output = { format: 'csv' as const, key: 'out/all.csv' }

/** A worker that records the calls that are posted to it. */
class RecordingWorker extends Worker {
  readonly calls: Call[] = []

  constructor () {
    super(new URL('../../../lib/worker/worker.js', import.meta.url))
  }

  override postMessage (message: Call): void {
    if ('method' in message) this.calls.push(message)
    super.postMessage(message)
  }
}

function open (t: Test) {
  const root = testFolder(t, { source_data: files })
  const worker = new RecordingWorker()
  const backend = new WorkerBackend({ url: pathToFileURL(root).href }, rules, worker)
  t.teardown(() => backend.close())
  const reconcile = async (previous?: SourceState, onProgress: (step: ReconcileProgress) => void = () => {}) =>
    await backend.reconcile(previous, { isRequired: false, outputKeys: [output.key] }, onProgress)
  /** Reconciles until no file is so new that its version is racy. */
  const settle = async (previous?: SourceState) => {
    let { state } = await reconcile(previous)
    while (state.files.racy.includes(1) || [...rejectedFilesOf(state).values()].some(({ racy }) => racy)) {
      await sleep(100)
      state = (await reconcile(state)).state
    }
    return state
  }
  return { root, worker, backend, reconcile, settle }
}

t.test('a worker orders columns of numbers', async (t) => {
  const { backend } = open(t)
  const values = shared(Float64Array, 100_000)
  values.forEach((_, i) => { values[i] = i % 10 === 0 ? NaN : Math.sin(i) * 1e300 })
  const { rows, valued } = await backend.orderNumbers({ kind: 'number', values })
  const expected = [...values.keys()].sort((a, b) => Number(Number.isNaN(values[a])) - Number(Number.isNaN(values[b])) || (values[a]! - values[b]!) || a - b)
  t.equal(valued, 90_000)
  t.same([...rows], expected)
})

t.test('a worker reconciles, publishes, and restores from the snapshot, with the results of an in-process backend', async (t) => {
  const { root, backend, reconcile } = open(t)
  const steps: ReconcileProgress[] = []
  const first = await reconcile(undefined, (step) => steps.push(step))
  t.same(rowsOf(first.state.table).map((row) => [row.user_id, row.first_name, row.img_path]), [['1', 'Ann', null], ['2', 'Bob', 'source_data/2.png']])
  t.match(selectEntries(first.quarantine, {}).entries(), [{ user_id: '3', code: 'missing_column' }])
  t.same(steps.at(-1), { listed: 4, requests: 0, toFetch: 3, fetched: 3 })
  t.ok(first.state.table.json.bytes.buffer instanceof SharedArrayBuffer, 'the rows are not copied')
  writeFileSync(`${root}/source_data/1.csv`, csv('Amy'))
  const second = await reconcile(first.state)
  t.equal(rowsOf(second.state.table)[0]?.first_name, 'Amy')
  t.equal(rowsOf(first.state.table)[0]?.first_name, 'Ann', 'the previous version is not modified')
  const precondition = second.preconditions.get(output.key) as Precondition
  t.same(precondition, { expectedEtag: null, racy: false })
  t.match(await backend.publish(second.state, { output, precondition, dryRun: false }), { records: 2, added: 2, skipped: false })
  t.equal(readFileSync(`${root}/out/all.csv`, 'utf8').split('\r\n').length, 4)
  await t.rejects(backend.publish(second.state, { output, precondition, dryRun: false }), { name: 'StoreError', code: 'precondition_failed' })
  await backend.saveSnapshot(second.state)
  const restored = await reconcile()
  t.same(rowsOf(restored.state.table), rowsOf(second.state.table))
})

t.test('the last progress of a reconcile has all listed objects, also if no file has to be downloaded', async (t) => {
  const { root, reconcile, settle } = open(t)
  for (let i = 0; i < 2000; i++) writeFileSync(`${root}/source_data/${i}.txt`, '')
  const steps: ReconcileProgress[] = []
  await reconcile(await settle(), (step) => steps.push(step))
  t.same(steps.at(-1), { listed: 2004, requests: 0, toFetch: 0, fetched: 0 })
})

t.test('calls refer to the last state by its name, so that its rows are not posted', async (t) => {
  const { worker, backend, reconcile, settle } = open(t)
  const state = await settle()
  const earlierCalls = worker.calls.length
  const again = await reconcile(state)
  t.equal(again.state, state, 'nothing has changed')
  await backend.publish(again.state, { output, precondition: again.preconditions.get(output.key) as Precondition, dryRun: true })
  await backend.saveSnapshot(again.state)
  t.same(worker.calls.slice(earlierCalls).map((call) => [call.method, call.state]), [['reconcile', state.name], ['publish', state.name], ['saveSnapshot', state.name]])
})

t.test('arrays that a new state shares with the previous one are the same objects in the calling thread', async (t) => {
  const { root, reconcile, settle } = open(t)
  const first = await settle()
  writeFileSync(`${root}/source_data/1.csv`, csv('Amy'))
  const { state: second } = await reconcile(first)
  const [before, after] = [first, second].map(({ table }) => table) as [Table, Table]
  t.equal(rowsOf(after)[0]!.first_name, 'Amy')
  t.equal(rowsOf(before)[0]!.first_name, 'Ann')
  t.not(after.json.bytes, before.json.bytes)
  for (const name of ['keys', 'images', 'births'] as const) t.same(typedArraysIn(after[name]).map((array, i) => array === typedArraysIn(before[name])[i]), typedArraysIn(before[name]).map(() => true), name)
  for (const i of [1, 2]) t.same(typedArraysIn(after.columns[i]).map((array, j) => array === typedArraysIn(before.columns[i])[j]), typedArraysIn(before.columns[i]).map(() => true), before.columns[i]!.name)
  t.equal(after.births!.instants, typedArraysIn(after.columns[2])[0], 'the index of births and the column share the timestamps')
  t.equal(first.images[0]!.etags.bytes, second.images[0]!.etags.bytes, 'arrays that do not belong to the table are shared as well')
})

t.test('a state that the worker does not have is sent to it', async (t) => {
  const { root, worker, backend, reconcile, settle } = open(t)
  const first = await settle()
  writeFileSync(`${root}/source_data/4.csv`, csv('Dan'))
  const second = await settle(first)
  const earlierCalls = worker.calls.length
  const publish = async (state: SourceState) =>
    await backend.publish(state, { output, precondition: { expectedEtag: null, racy: false }, dryRun: true })
  t.match(await publish(first), { records: 2 }, 'an older state')
  t.match(await publish(second), { records: 3 })
  t.same(worker.calls.slice(earlierCalls).map(({ state }) => typeof state), ['string', 'object', 'string'])
  await worker.terminate()
  const steps: ReconcileProgress[] = []
  const third = await reconcile(second, (step) => steps.push(step))
  t.equal(third.state, second, 'the state is sent to the new worker after the first one has died')
  t.equal(steps.at(-1)?.toFetch, 0, 'the new worker reads no file again')
})

t.test('a reconcile in which only rejects change does not replace the data version and its indexes', async (t) => {
  for (const hasWorker of [true, false]) {
    const root = testFolder(t, { source_data: files })
    const store = new FolderStore(root)
    const transformer = new UserDataTransformer({
      store, cache: new EtagCache(), ...hasWorker && { openBackend: (rules) => new WorkerBackend({ url: pathToFileURL(root).href }, rules) }
    })
    t.teardown(async () => {
      await transformer.close()
      await store.close()
    })
    await transformer.reconcile()
    // The JSON array belongs to the reader that the version was opened with.
    const jsonOf = async () => (await transformer.select()).text!({ format: 'json' })
    const json = await jsonOf()
    writeFileSync(`${root}/source_data/4.csv`, 'bad\n')
    await transformer.reconcile({ fresh: true })
    t.match(transformer.quarantine().entries(), [{ user_id: '3' }, { user_id: '4' }])
    t.equal(await jsonOf(), json, hasWorker ? 'with a worker' : 'without')
    writeFileSync(`${root}/source_data/5.csv`, csv('Eve'))
    await transformer.reconcile({ fresh: true })
    t.not(await jsonOf(), json)
  }
})

t.test('calls reject with the class, the code and the message of the error in the worker', async (t) => {
  const { root, backend, reconcile } = open(t)
  const { state } = await reconcile()
  const request = { output, precondition: { expectedEtag: null, racy: false }, dryRun: false }
  await t.rejects(backend.publish({ ...state, name: 'x', table: {} as never }, request), { name: 'Error' }, 'a bug is an error without a code')
  await t.rejects(backend.publish(state, { ...request, output: { ...output, filters: [() => true] } }), { name: 'DataCloneError' })
  rmSync(root, { recursive: true })
  await t.rejects(reconcile(state), { name: 'StoreError', code: 'no_such_bucket', message: /there is no such folder/ })
})

t.test('if a worker dies, its pending calls reject, and the next call starts another worker', async (t) => {
  // Each worker dies when it opens this lake, because the URL is invalid.
  const backend = new WorkerBackend({ url: 'ftp://nowhere' }, rules)
  const reconcile = async () => await backend.reconcile(undefined, { isRequired: false, outputKeys: [] }, () => {})
  await t.rejects(reconcile(), /URL of a lake must be/)
  await t.rejects(reconcile(), /URL of a lake must be/)
  await backend.close()
})

t.test('responses are the same with and without a worker', async (t) => {
  const [{ app: threaded }, { app: plain }] = [await build(t, { files }), await build(t, { files, store: (bucket) => new MemoryStore(bucket) })]
  for (const url of ['/data', '/data?format=csv', '/stats?as_of=2025-01-01T00:00:00Z', '/rejects', '/data/2']) {
    const [a, b] = [await threaded.inject(url), await plain.inject(url)]
    t.equal(a.body, b.body, url)
    t.equal(a.headers['etag'], b.headers['etag'])
  }
  const job = (await threaded.inject({ method: 'POST', url: '/data' })).json()
  t.match(job, { state: 'succeeded', result: { records: 2, rejected: 1 } })
})

t.test('an unchanged quarantine is not posted again, and a change of a record posts no rejects', async (t) => {
  const { root, worker, reconcile, settle } = open(t)
  const state = await settle()
  const { quarantine } = await reconcile(state)
  const replies: any[] = []
  worker.on('message', ({ result }) => { if (result !== undefined) replies.push(result) })
  t.equal((await reconcile(state)).quarantine, quarantine)
  t.match(replies, [{ quarantine: quarantine.name, state: state.name }], 'only names are posted')
  writeFileSync(`${root}/source_data/1.csv`, csv('Amy'))
  const changed = await reconcile(state)
  t.equal(changed.quarantine, quarantine)
  t.match(replies[1].state.rejected, { offsets: { arrayOfPrevious: Number }, bytes: { arrayOfPrevious: Number } })
  writeFileSync(`${root}/source_data/4.csv`, 'bad\n')
  const next = await reconcile(changed.state)
  t.not(next.quarantine.name, quarantine.name)
  t.ok(next.quarantine.json.bytes.buffer instanceof SharedArrayBuffer, 'entries are not copied')
  t.ok(next.state.rejected.bytes.buffer instanceof SharedArrayBuffer)
})
