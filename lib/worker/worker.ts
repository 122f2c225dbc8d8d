import { parentPort } from 'node:worker_threads'
import { monotonicNow } from '../base/clock.js'
import type { Output } from '../output/output.js'
import type { Precondition } from '../output/publisher.js'
import { EtagCache, type SourceState } from '../source/etag-cache.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import { openStore } from '../store/open-store.js'
import '../store/s3/s3-store.js' // what most lakes need: loaded while the server is
import type { Table } from '../table/table.js'
import type { LakeBackend } from './lake-backend.js'
import { InProcessBackend } from './in-process-backend.js'
import { toErrorData, type Call, type Reply, type WorkerReconciled, type WorkerSettings } from './worker-protocol.js'

// The thread of a WorkerBucketSide, which begins by telling it its settings: what it is asked for, it does as a LocalBucketSide
// over a store of its own.

/** Milliseconds between two reports of progress. */
const REPORT_MS = 50

const port = parentPort!
const reply = (reply: Reply) => port.postMessage(reply)

port.once('message', (settings: WorkerSettings) => {
  const methods = open(settings)
  port.on('message', async ({ id, method, args }: Call) => {
    try {
      reply({ id, result: await methods[method](id, ...args as never[]) })
    } catch (error) {
      reply({ id, error: toErrorData(error) })
    }
  })
})

/** What the thread can be asked for. */
function open ({ store: settings, rules }: WorkerSettings): Readonly<Record<keyof LakeBackend, (id: number, ...args: never[]) => Promise<unknown>>> {
  const store = openStore(settings)
  const backend = new InProcessBackend(store, monotonicNow, rules)
  backend.preload()
  return {
    async reconcile (id: number, known: SourceState | 'snapshot', retryAll: boolean): Promise<WorkerReconciled> {
      const { state, ...reconciled } = await backend.reconcile(known === 'snapshot' ? known : new EtagCache(known), retryAll, reporter(id))
      return reconciled.isUnchanged && known !== 'snapshot' ? reconciled : { ...reconciled, state }
    },
    readPrecondition: async (_id, key: string) => await backend.readPrecondition(key),
    publish: async (_id, table: Table, output: Output, precondition: Precondition, dryRun: boolean) => await backend.publish(table, output, precondition, dryRun),
    saveSnapshot: async (_id, state: SourceState) => await backend.saveSnapshot(state),
    close: async () => {
      await backend.close()
      await store.close()
    }
  }
}

/** Passes on the first step and then some of them: there may be a million. */
function reporter (id: number): (progress: ReconcileProgress) => void {
  let last = -Infinity
  return (progress) => {
    const now = performance.now()
    const isEnd = progress.toFetch > 0 && progress.fetched === progress.toFetch
    if (now - last < REPORT_MS && !isEnd) return
    last = now
    reply({ id, progress })
  }
}
