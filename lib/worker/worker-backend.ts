import { Worker } from 'node:worker_threads'
import type { Output } from '../output/output.js'
import type { Precondition } from '../output/publisher.js'
import type { EtagCache, SourceState } from '../source/etag-cache.js'
import type { ReconcileProgress, Reconciled } from '../source/reconcile.js'
import type { StoreSettings } from '../store/open-store.js'
import type { Table } from '../table/table.js'
import type { LakeBackend, OutputReport } from './lake-backend.js'
import type { LakeRules } from './in-process-backend.js'
import { toError, type Call, type Reply, type WorkerReconciled, type WorkerSettings } from './worker-protocol.js'

/** A thread that loads what it needs and then waits to be told what for. */
export function startWorker (): Worker {
  return new Worker(new URL('./worker.js', import.meta.url))
}

interface Pending {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
  readonly onProgress: (progress: ReconcileProgress) => void
}

/**
 * The work on the bucket in a thread of its own, so that it does not disturb the answers. The thread keeps nothing that would
 * be missed: where it ends, what it was doing fails, and the next call starts another one.
 */
export class WorkerBackend implements LakeBackend {
  readonly #settings: WorkerSettings
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #calls = 0

  /** @param thread one that is just starting, which ends with this */
  constructor (store: StoreSettings, rules: LakeRules, thread = startWorker()) {
    this.#settings = { store, rules }
    this.#worker = this.#begin(thread)
  }

  async reconcile (previous: EtagCache | 'snapshot', retryAll: boolean, onProgress: (progress: ReconcileProgress) => void): Promise<Reconciled> {
    const known = previous === 'snapshot' ? previous : previous.state
    const { state = known as SourceState, ...reconciled } = await this.#call<WorkerReconciled>('reconcile', [known, retryAll], onProgress)
    return { ...reconciled, state }
  }

  async readPrecondition (key: string): Promise<Precondition> {
    return await this.#call('readPrecondition', [key])
  }

  async publish (table: Table, output: Output, precondition: Precondition, dryRun: boolean): Promise<OutputReport> {
    return await this.#call('publish', [table, output, precondition, dryRun])
  }

  async saveSnapshot (state: SourceState): Promise<void> {
    await this.#call('saveSnapshot', [state])
  }

  async close (): Promise<void> {
    if (this.#worker === undefined) return
    await this.#call('close', [])
    await this.#worker?.terminate()
  }

  #call<T> (method: Call['method'], args: readonly unknown[], onProgress: (progress: ReconcileProgress) => void = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = ++this.#calls
      this.#worker ??= this.#begin(startWorker())
      this.#pending.set(id, { resolve, reject, onProgress })
      this.#worker.postMessage({ id, method, args } satisfies Call)
    })
  }

  #begin (worker: Worker): Worker {
    worker.on('message', (reply: Reply) => this.#take(reply))
    worker.on('error', (error) => this.#fail(worker, error))
    worker.on('exit', (code) => this.#fail(worker, new Error(`The worker has ended with ${code}`)))
    worker.postMessage(this.#settings)
    return worker
  }

  #take ({ id, progress, result, error }: Reply): void {
    const pending = this.#pending.get(id)
    if (progress !== undefined) {
      pending?.onProgress(progress)
      return
    }
    this.#pending.delete(id)
    if (error !== undefined) pending?.reject(toError(error))
    else pending?.resolve(result as never)
  }

  #fail (worker: Worker, error: Error): void {
    // It has failed already, and another one has taken its place.
    if (worker !== this.#worker) return
    this.#worker = undefined
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}
