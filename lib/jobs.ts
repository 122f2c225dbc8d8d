import type { Clock, MonotonicClock } from './base/clock.js'
import { JOBS } from './base/events.js'
import { ConfirmationMismatchError, IncompleteSourceError, UnreadSourceError } from './base/errors.js'
import { describeFailure, ERROR_CODES, toFailureCode, type FailureCode } from './base/failure-code.js'
import { unlessSilent } from './base/silence.js'
import type { Timer } from './base/timer.js'
import type { TraceContext } from './base/trace-context.js'
import type { ReconcileProgress } from './source/reconcile.js'
import type { UpdateReport } from './transformer.js'

/** What started a job: the schedule, a request, or the start of the process. */
export type JobTrigger = 'schedule' | 'api' | 'startup'

/**
 * The state of one aggregation job. Times are milliseconds since 1970-01-01 UTC. `createdAt` is read from the wall clock; the later times are
 * `createdAt` plus the elapsed monotonic time, so they never precede it.
 */
export interface Job {
  readonly id: string
  /** The name of the process that runs the job. */
  readonly instance: string
  readonly trigger: JobTrigger
  readonly dryRun: boolean
  /** The trace of the request that has created the job; `undefined` if it had none. */
  readonly trace: TraceContext | undefined
  /** `held`: nothing was published, because many records would be lost; `result.confirm` is the data version that a job has to confirm. */
  readonly state: (typeof JOB_STATES)[number]
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly progress: ReconcileProgress
  readonly result: UpdateReport | null
  readonly error: { readonly code: JobErrorCode, readonly detail: string } | null
}

/**
 * Whether a finished job tried to publish the output. Only such a job shows whether publishing works. A dry run does not publish, and a job with a confirmation of
 * another data version is refused because of an error of the client.
 */
export function isAttempt ({ dryRun, error }: Pick<Job, 'dryRun' | 'error'>): boolean {
  return !dryRun && error?.code !== 'confirmation_mismatch'
}

export const UNFINISHED_JOB_STATES = ['waiting', 'running'] as const
export const FINAL_JOB_STATES = ['succeeded', 'held', 'failed'] as const
/** All states of jobs, the final ones last. */
export const JOB_STATES = [...UNFINISHED_JOB_STATES, ...FINAL_JOB_STATES] as const

/** Why a job failed. */
export type JobErrorCode = FailureCode | 'confirmation_mismatch'
export const JOB_ERROR_CODES: readonly JobErrorCode[] = [...ERROR_CODES, 'confirmation_mismatch']

/** What `Jobs` depends on. */
export interface JobsOptions {
  /** Does the work of a job and reports its progress. `confirm` is the data version that the job confirms. Calls `onPublish` when the outputs begin to be compared and written. */
  readonly work: (options: { readonly dryRun: boolean, readonly confirm: string | undefined, readonly trace: TraceContext | undefined, readonly onProgress: (progress: ReconcileProgress) => void, readonly onPublish: () => void }) => Promise<UpdateReport>
  /** The name of this process. Job ids begin with it. */
  readonly instance: string
  readonly clock: Clock
  readonly monotonic: MonotonicClock
  /** Default: the system's timer. */
  readonly timer?: Timer | undefined
}

/** Receives each job that has ended and, if it failed, the error that `work` threw. */
export type JobListener = (job: Job, cause?: unknown) => void

/** A job that was added or joined: see `Jobs.enqueue`. */
export interface EnqueuedJob {
  readonly job: Job
  readonly ended: Promise<Job>
  readonly endedOrSilent: () => Promise<Job | undefined>
}

/** A job of a queue, and its end. */
interface Queued { readonly id: string, readonly ended: Promise<Job> }

/** Jobs that run one after the other. */
interface Queue {
  /** The jobs that wait, by the data version that they confirm; the key `undefined` is for the job that confirms none. */
  readonly waiting: Map<string | undefined, Queued>
  /** The number of jobs that have not ended. */
  length: number
  /** When the running job has last made progress, in milliseconds of the monotonic clock; Infinity while an engine commits and while the job publishes, because writes have limits of their own. */
  progressAt: number
  /** The end of the last job of the queue. */
  idle: Promise<unknown>
}

/** The maximum number of jobs that are retained; beyond it, the oldest job that has ended is removed. */
const MAX_JOBS = 100

/**
 * The aggregation jobs of this process. At most one job runs and one waits, besides those that confirm a data version. While a job waits, further requests join
 * it if they confirm the same: its listing has not begun, so it will include every change that was made before the request. Dry runs, which write nothing, have a separate queue.
 */
export class Jobs {
  readonly #options: JobsOptions
  readonly #jobs = new Map<string, Job>()
  /** The difference between the wall clock and the monotonic clock when each job was created. */
  readonly #offsets = new Map<string, number>()
  readonly #publishing = createQueue()
  readonly #dryRuns = createQueue()
  readonly #listeners = new Set<JobListener>()
  #count = 0

  constructor (options: JobsOptions) {
    this.#options = options
  }

  /** The most recent jobs, at most 100, newest first. */
  list (): readonly Job[] {
    return [...this.#jobs.values()].reverse()
  }

  /** The job with this id; `undefined` if this process has not created it, or no longer retains it. */
  get (id: string): Job | undefined {
    return this.#jobs.get(id)
  }

  /**
   * Adds a job, or joins the waiting one. `ended` never rejects: a failure is in the `state` and `error` of the job. `endedOrSilent` resolves to `undefined`
   * if the store is silent (`unlessSilent`); the job then goes on.
   */
  enqueue (trigger: JobTrigger, { dryRun = false, confirm, trace }: { readonly dryRun?: boolean, readonly confirm?: string | undefined, readonly trace?: TraceContext | undefined } = {}): EnqueuedJob {
    const queue = dryRun ? this.#dryRuns : this.#publishing
    const { monotonic: clock, timer } = this.#options
    const { id, ended } = queue.waiting.get(confirm) ?? this.#append(queue, this.#create(trigger, dryRun, trace), confirm)
    return { job: this.#jobs.get(id)!, ended, endedOrSilent: () => unlessSilent(ended, () => queue.progressAt, { clock, timer }) }
  }

  /** Calls `listener` at the end of each job. */
  onEnd (listener: JobListener): void {
    this.#listeners.add(listener)
  }

  /** Starts a job now, or after all others of its queue. */
  #append (queue: Queue, id: string, confirm: string | undefined): Queued {
    const start = async () => {
      queue.waiting.delete(confirm)
      const job = await this.#run(id, confirm, queue)
      queue.length--
      return job
    }
    const isFirst = queue.length++ === 0
    const ended = isFirst ? start() : queue.idle.then(start)
    queue.idle = ended
    const queued = { id, ended }
    if (!isFirst) queue.waiting.set(confirm, queued)
    return queued
  }

  /** Waits until all jobs that exist now have ended. */
  async idle (): Promise<void> {
    await Promise.all([this.#publishing.idle, this.#dryRuns.idle])
  }

  #create (trigger: JobTrigger, dryRun: boolean, trace: TraceContext | undefined): string {
    const { instance, clock, monotonic } = this.#options
    const id = `${instance}-${++this.#count}`
    const createdAt = clock()
    this.#offsets.set(id, createdAt - monotonic())
    this.#jobs.set(id, {
      id,
      instance,
      trigger,
      dryRun,
      trace,
      state: 'waiting',
      createdAt,
      startedAt: null,
      finishedAt: null,
      progress: { listed: 0, requests: 0, toFetch: 0, fetched: 0 },
      result: null,
      error: null
    })
    if (this.#jobs.size > MAX_JOBS) this.#removeOldest()
    return id
  }

  #removeOldest (): void {
    for (const job of this.#jobs.values()) {
      if (job.finishedAt === null) continue
      this.#jobs.delete(job.id)
      this.#offsets.delete(job.id)
      return
    }
  }

  async #run (id: string, confirm: string | undefined, queue: Queue): Promise<Job> {
    const { work, monotonic } = this.#options
    const now = () => Math.round(this.#offsets.get(id)! + monotonic())
    const { dryRun, trace } = this.#update(id, { state: 'running', startedAt: now() })
    // The start of a job is not progress: otherwise, a caller that has waited for the previous job would wait for the full time again.
    if (queue.progressAt === Infinity) queue.progressAt = monotonic()
    const onProgress = (progress: ReconcileProgress) => {
      queue.progressAt = progress.isCommitting === true ? Infinity : monotonic()
      this.#update(id, { progress })
    }
    const end = (change: Partial<Job>, cause?: unknown) => {
      const job = this.#update(id, { ...change, finishedAt: now() })
      if (JOBS.hasSubscribers) JOBS.publish({ trigger: job.trigger, dryRun, isAttempt: isAttempt(job), state: job.state, durationMs: job.finishedAt! - job.startedAt!, publishMs: job.result?.phases.publishMs })
      for (const listener of this.#listeners) listener(job, cause)
      return job
    }
    try {
      const result = await work({ dryRun, confirm, trace, onProgress, onPublish: () => { queue.progressAt = Infinity } })
      return end({ state: result.confirm === undefined || dryRun ? 'succeeded' : 'held', result })
    } catch (cause) {
      return end({ state: 'failed', error: describeError(cause) }, cause)
    }
  }

  #update (id: string, change: Partial<Job>): Job {
    const job = { ...this.#jobs.get(id)!, ...change }
    this.#jobs.set(id, job)
    return job
  }
}

function createQueue (): Queue {
  return { waiting: new Map(), length: 0, progressAt: 0, idle: Promise.resolve() }
}

/** The public description of a failure. It does not quote the store, whose messages may contain secrets. */
function describeError (cause: unknown): { code: JobErrorCode, detail: string } {
  if (cause instanceof ConfirmationMismatchError) return { code: 'confirmation_mismatch', detail: cause.message }
  const code = toFailureCode(cause)
  if (cause instanceof IncompleteSourceError || cause instanceof UnreadSourceError) return { code, detail: cause.message }
  return { code, detail: describeFailure(code) }
}
