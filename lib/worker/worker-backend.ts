import type { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import { FORWARDED } from '../base/events.js'
import { hintSharedMemory } from '../base/shared-memory.js'
import { MAX_WORKER_CLOSE_MS, within } from '../base/timer.js'
import type { Output } from '../output/output.js'
import type { ColumnOrder, StoredNumbers } from '../query/column-order.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import type { Quarantine } from '../source/quarantine.js'
import type { Rechecked } from '../source/recheck.js'
import type { SourceState } from '../source/source-state.js'
import type { StoreSettings } from '../store/open-store.js'
import { fromReferences } from './array-references.js'
import { republish } from './forward-events.js'
import type { LakeRules } from './in-process-backend.js'
import type { BackendReconciled, LakeBackend, OutputReport, PublishRequest, ReconcileRequest } from './lake-backend.js'
import { toError, type Call, type RecheckResult, type ReconcileResult, type WorkerMessage, type WorkerSettings } from './worker-protocol.js'

/** The methods and events of a worker thread that a WorkerBackend uses. The thread must run `serveBackend`. */
export interface BackendThread extends EventEmitter, Pick<Worker, 'postMessage' | 'terminate'> {}

/** Starts a thread that loads its modules and then waits for its settings. */
export function startWorker (): BackendThread {
  return new Worker(new URL('./worker.js', import.meta.url))
}

/** A call whose reply has not been received. */
interface Pending {
  readonly call: Call
  /** The state that the call refers to by name, in case the worker does not have it. */
  readonly state: SourceState | undefined
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
  readonly onProgress: (progress: ReconcileProgress) => void
}

/**
 * Reconciles and publishes in a worker thread, so that responses are not delayed. The worker retains the last state, and calls refer to it by
 * name. If the worker dies, its pending calls reject; the next call starts another worker and sends it the state again.
 */
export class WorkerBackend implements LakeBackend {
  readonly #settings: WorkerSettings
  readonly #pending = new Map<number, Pending>()
  #worker: BackendThread | undefined
  #calls = 0
  #isClosed = false
  /** The quarantine that was received last. */
  #quarantine: Quarantine | undefined

  /** @param worker a new worker, from `startWorker`; it is terminated by `close` */
  constructor (store: StoreSettings, rules: LakeRules, worker = startWorker()) {
    this.#settings = { store, rules, forwardEvents: FORWARDED.some(({ hasSubscribers }) => hasSubscribers) }
    this.#worker = this.#attach(worker)
  }

  async reconcile (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled> {
    const result = await this.#call<ReconcileResult>('reconcile', previous, request, onProgress)
    return { ...result, ...this.#receiveState(result, previous) }
  }

  async recheck (previous: SourceState, objectKeys: readonly string[]): Promise<Rechecked | undefined> {
    const result = await this.#call<RecheckResult | undefined>('recheck', previous, objectKeys)
    return result && { ...result, ...this.#receiveState(result, previous) }
  }

  async publish (state: SourceState, request: PublishRequest): Promise<OutputReport> {
    return await this.#call('publish', state, request)
  }

  async saveSnapshot (state: SourceState): Promise<boolean> {
    return await this.#call('saveSnapshot', state)
  }

  async orderNumbers (column: StoredNumbers): Promise<ColumnOrder> {
    return await this.#call('orderNumbers', undefined, column)
  }

  async outputAgeMs (outputs: readonly Output[]): Promise<number | undefined> {
    return await this.#call('outputAgeMs', undefined, outputs)
  }

  async checkWrites (): Promise<boolean | undefined> {
    return await this.#call('checkWrites')
  }

  /** Waits for a limited time: the worker may be in the middle of a long step, or wait for a server that does not respond. Its calls that have not ended then reject, and what they were writing may be missing, as if the process had been killed. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    const closing = this.#worker === undefined ? Promise.resolve() : this.#call<void>('close')
    this.#isClosed = true
    // If the worker dies or cannot close, nothing remains to be done but to terminate it.
    await within(MAX_WORKER_CLOSE_MS, closing.catch(() => {}))
    await this.#worker?.terminate()
  }

  /** The state and the quarantine of a result, in full. */
  #receiveState ({ state, quarantine }: Pick<RecheckResult, 'state' | 'quarantine'>, previous: SourceState | undefined): Pick<Rechecked, 'state' | 'quarantine'> {
    if (typeof quarantine !== 'string') this.#quarantine = quarantine
    const received = { quarantine: this.#quarantine!, state: typeof state === 'string' ? previous! : fromReferences(state, previous) as SourceState }
    for (const data of [received.quarantine, received.state.rejected]) hintSharedMemory(data)
    return received
  }

  #call<T> (method: Call['method'], state?: SourceState, request?: Call['request'], onProgress: Pending['onProgress'] = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) throw new Error('The worker backend is closed')
      const call = { id: ++this.#calls, method, state: state?.name, request }
      this.#worker ??= this.#attach(startWorker())
      this.#worker.postMessage(call satisfies Call)
      this.#pending.set(call.id, { call, state, resolve, reject, onProgress })
    })
  }

  #attach (worker: BackendThread): BackendThread {
    worker.on('message', (message: WorkerMessage) => this.#receive(worker, message))
    worker.on('error', (error) => this.#fail(worker, error))
    worker.on('exit', (code) => this.#fail(worker, new Error(`The worker exited with code ${code}`)))
    worker.postMessage(this.#settings)
    return worker
  }

  #receive (worker: BackendThread, reply: WorkerMessage): void {
    if ('events' in reply) return republish(reply.events)
    const pending = this.#pending.get(reply.id)
    if (pending === undefined) return
    if ('progress' in reply) return pending.onProgress(reply.progress)
    if ('missingState' in reply) return worker.postMessage({ ...pending.call, state: pending.state } satisfies Call)
    this.#pending.delete(reply.id)
    if ('error' in reply) pending.reject(toError(reply.error))
    else pending.resolve(reply.result as never)
  }

  #fail (worker: BackendThread, error: Error): void {
    // An event of a worker that has failed before and is no longer used.
    if (worker !== this.#worker) return
    this.#worker = undefined
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}
