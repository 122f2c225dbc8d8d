import { channel, type Channel } from 'node:diagnostics_channel'
import type { EngineErrorCode } from './errors.js'
import type { FailureCode } from './failure-code.js'

/**
 * A typed channel of `node:diagnostics_channel`, on which lib/ publishes what happens, for metrics. A message is made only if the channel has subscribers.
 * The worker thread forwards its messages to the main thread (lib/worker/forward-events.ts), so messages are plain data. They contain no object keys, because metrics only count.
 */
export class EventChannel<T> {
  readonly name: string
  readonly #channel: Channel

  constructor (name: string) {
    this.name = name
    this.#channel = channel(name)
  }

  get hasSubscribers (): boolean {
    return this.#channel.hasSubscribers
  }

  publish (message: T): void {
    this.#channel.publish(message)
  }

  /** Returns the function that removes the subscriber. */
  subscribe (subscriber: (message: T) => void): () => void {
    const onMessage = (message: unknown) => subscriber(message as T)
    this.#channel.subscribe(onMessage)
    return () => { this.#channel.unsubscribe(onMessage) }
  }
}

/** The end of an operation of a store, with its retries. */
export interface StoreOperation {
  readonly operation: 'list' | 'get' | 'stream' | 'head' | 'put'
  /** `missing`: there is no such object; `unchanged`: it has the ETag of the request; otherwise a failure code. */
  readonly outcome: 'ok' | 'missing' | 'unchanged' | FailureCode
  /** Of a listing, until its end; of a stream, until it is open, before its body is read. */
  readonly durationMs: number
}

/** The end of a query or a statement on the cluster that stores the records. */
export interface EngineOperation {
  readonly operation: 'read' | 'write'
  /** `aborted`: the caller has stopped it, or stopped reading its rows. */
  readonly outcome: 'ok' | 'aborted' | EngineErrorCode
  /** Until the caller has all rows. A caller that reads them slowly makes it longer. */
  readonly durationMs: number
}

/** How long the phases of a reconcile took, in milliseconds. */
export interface ReconcilePhases {
  readonly listMs: number
  readonly downloadMs: number
  readonly buildMs: number
}

/** The end of a reconcile. */
export interface ReconcileEnd {
  /** `listed` by this process; `followed`: taken over from another replica; otherwise a failure code. */
  readonly outcome: 'listed' | 'followed' | FailureCode
  /** Present only if this process has listed the lake. */
  readonly phases?: ReconcilePhases | undefined
  /** Objects listed, LIST requests, and info files downloaded. */
  readonly listed: number
  readonly requests: number
  readonly fetched: number
}

/** The end of a re-check of objects that events have reported as changed. */
export interface RecheckEnd {
  /** Whether the objects were checked; if not, a listing takes the place of the check. */
  readonly isChecked: boolean
  /** How long ago each object was reported, in milliseconds. */
  readonly delaysMs: readonly number[]
}

/** The LIST requests of a re-check, which are counted even if it fails. */
export interface RecheckListing { readonly requests: number }

/** The end of a job. */
export interface JobEnd {
  readonly trigger: string
  readonly dryRun: boolean
  /** Whether it was an attempt to publish the output: see `isAttempt` in lib/jobs.ts. */
  readonly isAttempt: boolean
  readonly state: string
  readonly durationMs: number
  /** The time from the end of the reconcile, in which the outputs are rendered, compared and written; `undefined` if the job has failed. */
  readonly publishMs: number | undefined
}

export const STORE_OPERATIONS = new EventChannel<StoreOperation>('userlake:store')
export const ENGINE_OPERATIONS = new EventChannel<EngineOperation>('userlake:engine')
export const RECONCILES = new EventChannel<ReconcileEnd>('userlake:reconcile')
export const RECHECKS = new EventChannel<RecheckEnd>('userlake:recheck')
export const RECHECK_LISTINGS = new EventChannel<RecheckListing>('userlake:recheck-listing')
export const JOBS = new EventChannel<JobEnd>('userlake:job')

/** The channels whose messages the worker thread forwards. Messages on the other channels are published in the main thread. */
export const FORWARDED: readonly EventChannel<unknown>[] = [STORE_OPERATIONS, ENGINE_OPERATIONS, RECHECK_LISTINGS]
