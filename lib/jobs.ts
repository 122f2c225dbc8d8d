import type { Clock, MonotonicClock } from './base/clock.js'
import { IncompleteSourceError } from './base/errors.js'
import { describeFailure, toFailureCode, type FailureCode } from './base/failure-code.js'
import { SingleFlight } from './base/single-flight.js'
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
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed'
  readonly createdAt: number
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly progress: ReconcileProgress
  readonly result: UpdateReport | null
  readonly error: { readonly code: FailureCode, readonly detail: string } | null
}

/** What `Jobs` depends on. */
export interface JobsOptions {
  /** Does the work of a job and reports its progress. */
  readonly work: (options: { readonly dryRun: boolean, readonly onProgress: (progress: ReconcileProgress) => void }) => Promise<UpdateReport>
  /** The name of this process. Job ids begin with it. */
  readonly instance: string
  readonly clock: Clock
  readonly monotonic: MonotonicClock
  /** Receives each job that has ended and, if it failed, the error that `work` threw. */
  readonly onEnd?: (job: Job, cause?: unknown) => void
}

interface Queue {
  readonly flight: SingleFlight<Job>
  /** The id of the job that starts after the running one. */
  waiting: string | undefined
  /** The end of the last job of the queue. */
  idle: Promise<unknown>
}

/** The maximum number of jobs that are retained; beyond it, the oldest job that has ended is removed. */
const MAX_JOBS = 100

/**
 * The aggregation jobs of this process. At most one job runs and one waits. While a job waits, further requests join it: its listing has not
 * begun, so it will include every change that was made before the request. Dry runs, which write nothing, have a separate queue.
 */
export class Jobs {
  readonly #options: JobsOptions
  readonly #jobs = new Map<string, Job>()
  /** The difference between the wall clock and the monotonic clock when each job was created. */
  readonly #offsets = new Map<string, number>()
  readonly #publishing = this.#createQueue()
  readonly #dryRuns = this.#createQueue()
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

  /** Adds a job, or joins the waiting one. `ended` never rejects: a failure is in the `state` and `error` of the job. */
  enqueue (trigger: JobTrigger, { dryRun = false } = {}): { readonly job: Job, readonly ended: Promise<Job> } {
    const queue = dryRun ? this.#dryRuns : this.#publishing
    const id = queue.waiting ??= this.#create(trigger, dryRun)
    const ended = queue.flight.fresh()
    queue.idle = ended
    return { job: this.#jobs.get(id)!, ended }
  }

  /** Waits until all jobs that exist now have ended. */
  async idle (): Promise<void> {
    await Promise.all([this.#publishing.idle, this.#dryRuns.idle])
  }

  #createQueue (): Queue {
    const queue: Queue = {
      flight: new SingleFlight(async () => {
        const id = queue.waiting!
        queue.waiting = undefined
        return await this.#run(id)
      }),
      waiting: undefined,
      idle: Promise.resolve()
    }
    return queue
  }

  #create (trigger: JobTrigger, dryRun: boolean): string {
    const { instance, clock, monotonic } = this.#options
    const id = `${instance}-${++this.#count}`
    const createdAt = clock()
    this.#offsets.set(id, createdAt - monotonic())
    this.#jobs.set(id, {
      id,
      instance,
      trigger,
      dryRun,
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

  async #run (id: string): Promise<Job> {
    const { work, monotonic, onEnd = () => {} } = this.#options
    const now = () => Math.round(this.#offsets.get(id)! + monotonic())
    const { dryRun } = this.#update(id, { state: 'running', startedAt: now() })
    try {
      const result = await work({ dryRun, onProgress: (progress) => this.#update(id, { progress }) })
      const job = this.#update(id, { state: 'succeeded', finishedAt: now(), result })
      onEnd(job)
      return job
    } catch (cause) {
      const job = this.#update(id, { state: 'failed', finishedAt: now(), error: describeError(cause) })
      onEnd(job, cause)
      return job
    }
  }

  #update (id: string, change: Partial<Job>): Job {
    const job = { ...this.#jobs.get(id)!, ...change }
    this.#jobs.set(id, job)
    return job
  }
}

/** The public description of a failure. It does not quote the store, whose messages may contain secrets. */
function describeError (cause: unknown): { code: FailureCode, detail: string } {
  if (cause instanceof IncompleteSourceError) return { code: 'download_failed', detail: cause.message }
  const code = toFailureCode(cause)
  return { code, detail: describeFailure(code) }
}
