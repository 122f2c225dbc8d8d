import type { MessagePort } from 'node:worker_threads'
import { monotonicNow, type Clock, type MonotonicClock } from '../base/clock.js'
import { hintSharedMemory } from '../base/shared-memory.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import type { Quarantine } from '../source/quarantine.js'
import type { Rechecked } from '../source/recheck.js'
import type { SourceState } from '../source/source-state.js'
import { openStore } from '../store/open-store.js'
import '../store/s3/s3-store.js' // most lakes need it: loaded while the main thread loads its modules
import { toReferences } from './array-references.js'
import { forwardEvents } from './forward-events.js'
import { openBackend } from './open-backend.js'
import { toErrorData, type Call, type Reply, type StateReference, type WorkerMessage, type WorkerSettings } from './worker-protocol.js'

/** The minimum of milliseconds between two reports of progress. */
const REPORT_MS = 50

/**
 * Runs a backend, with its own store, for a WorkerBackend. The first message contains the settings; each further message is a call of a
 * method of the backend.
 *
 * @param monotonic for durations; default: the system's monotonic clock
 * @param wallClock default: the system's clock
 */
export function serveBackend (port: MessagePort, monotonic: MonotonicClock = monotonicNow, wallClock: Clock = Date.now): void {
  const post = (message: WorkerMessage) => port.postMessage(message)

  /** The last state. Calls refer to it by its name, so that its rows are not posted with each call. */
  let last: SourceState | undefined
  const find = (state: StateReference | undefined) => typeof state !== 'string' ? state : state === last?.name ? last : undefined

  /** The quarantine that was posted last, which the caller therefore has. */
  let postedQuarantine: Quarantine | undefined

  /** Retains the new state and returns the reply for the caller: names or references for what the caller has already, and everything else in full. */
  const retainState = <T extends Pick<Rechecked, 'state' | 'quarantine'>>(result: T, base: SourceState | undefined) => {
    const { state, quarantine } = result
    const isPosted = quarantine === postedQuarantine
    postedQuarantine = quarantine
    last = state
    for (const data of [state.table, state.rejected, quarantine]) hintSharedMemory(data)
    const posted = state === base ? state.name : base === undefined ? state : toReferences(state, base)
    return { ...result, state: posted, quarantine: isPosted ? quarantine.name : quarantine }
  }

  port.once('message', ({ store: settings, rules, forwardEvents: isForwarding }: WorkerSettings) => {
    const forwarder = isForwarding ? forwardEvents((events) => post({ events })) : undefined
    // What has happened during a call is forwarded before its end.
    const reply = (reply: Reply) => {
      forwarder?.flush()
      post(reply)
    }
    const store = openStore({ ...settings, blocking: true })
    const backend = openBackend(rules, { store, monotonic, wallClock, preload: true })
    const run = async ({ id, method, state, request }: Call): Promise<void> => {
      const base = find(state)
      if (state !== undefined && base === undefined) return reply({ id, missingState: state as string })
      const reports = throttle((progress) => reply({ id, progress }))
      const result: unknown = method === 'orderNumbers' || method === 'outputAgeMs'
        ? await backend[method](request as never)
        : await backend[method](base as never, request as never, reports.report)
      reports.flush()
      if (method === 'close') {
        await store.close()
        forwarder?.stop()
      }
      const hasState = method === 'reconcile' || (method === 'recheck' && result !== undefined)
      reply({ id, result: hasState ? retainState(result as Rechecked, base) : result })
    }
    port.on('message', (call: Call) => {
      run(call).catch((error: unknown) => reply({ id: call.id, error: toErrorData(error) }))
    })
  })
}

/**
 * Limits the reports of progress, of which there may be a million: passes on the first one, the one at the end of the downloads, the one at the beginning of a commit, at most one per REPORT_MS
 * in between and, when `flush` is called, the last one.
 */
function throttle (pass: (progress: ReconcileProgress) => void): { readonly report: (progress: ReconcileProgress) => void, readonly flush: () => void } {
  let passedAt = -Infinity
  let waiting: ReconcileProgress | undefined
  return {
    report: (progress) => {
      const now = performance.now()
      const isEnd = progress.isCommitting === true || (progress.toFetch > 0 && progress.fetched === progress.toFetch)
      waiting = progress
      if (now - passedAt < REPORT_MS && !isEnd) return
      passedAt = now
      waiting = undefined
      pass(progress)
    },
    flush: () => {
      if (waiting !== undefined) pass(waiting)
      waiting = undefined
    }
  }
}
