import { parentPort } from 'node:worker_threads'
import type { Output } from '../output/output.js'
import type { Fence } from '../output/publisher.js'
import { EtagCache, type SourceState } from '../source/etag-cache.js'
import type { Progress } from '../source/reconcile.js'
import { openStore } from '../store/open-store.js'
import '../store/s3/s3-store.js' // what most lakes need: loaded while the server is
import type { TableData } from '../table/table.js'
import type { BucketSide } from './lake-backend.js'
import { LocalBucketSide } from './in-process-backend.js'
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
function open ({ store: settings, rules }: WorkerSettings): Readonly<Record<keyof BucketSide, (id: number, ...args: never[]) => Promise<unknown>>> {
  const store = openStore(settings)
  const side = new LocalBucketSide(store, Date.now, rules)
  side.preload()
  return {
    async reconcile (id: number, known: SourceState | 'snapshot', retryAll: boolean): Promise<WorkerReconciled> {
      const { state, ...reconciled } = await side.reconcile(known === 'snapshot' ? known : new EtagCache(known), retryAll, reporter(id))
      return reconciled.isUnchanged && known !== 'snapshot' ? reconciled : { ...reconciled, state }
    },
    fence: async (_id, key: string) => await side.fence(key),
    publish: async (_id, table: TableData, output: Output, fence: Fence, dryRun: boolean) => await side.publish(table, output, fence, dryRun),
    saveSnapshot: async (_id, state: SourceState) => await side.saveSnapshot(state),
    close: async () => {
      await side.close()
      await store.close()
    }
  }
}

/** Passes on the first step and then some of them: there may be a million. */
function reporter (id: number): (progress: Progress) => void {
  let last = -Infinity
  return (progress) => {
    const now = performance.now()
    const isEnd = progress.to_fetch > 0 && progress.fetched === progress.to_fetch
    if (now - last < REPORT_MS && !isEnd) return
    last = now
    reply({ id, progress })
  }
}
