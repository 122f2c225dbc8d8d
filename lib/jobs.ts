import type { Clock, MonotonicClock } from './base/clock.js'
import { IncompleteSourceError } from './base/errors.js'
import { describeFailure, toFailureCode, type FailureCode } from './base/failure-code.js'
import { SingleFlight } from './base/single-flight.js'
import type { ReconcileProgress } from './source/reconcile.js'
import type { UpdateReport } from './transformer.js'

/** What made a job: the schedule, a request, or the start of the process. */
export type JobTrigger = 'schedule' | 'api' | 'startup'

/** One aggregation job as it is now. Times are milliseconds since 1970-01-01 UTC, counted from `createdAt` by the monotonic clock. */
export interface Job {
  readonly id: string
  /** The process that runs it. */
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

export interface JobsOptions {
  /** What a job does; it reports its progress while it does so. */
  readonly work: (options: { readonly dryRun: boolean, readonly onProgress: (progress: ReconcileProgress) => void }) => Promise<UpdateReport>
  /** Names this process; job ids begin with it. */
  readonly instance: string
  readonly clock: Clock
  readonly monotonic: MonotonicClock
  /** Told of each job that has ended, and what made it fail. */
  readonly onEnd?: (job: Job, cause?: unknown) => void
}

interface Queue {
  readonly flight: SingleFlight<Job>
  /** The job that starts when the running one has ended. */
  waiting: string | undefined
  /** Settles when all jobs of the lane have ended. */
  idle: Promise<unknown>
}

/** How many jobs are remembered. */
const MAX_REMEMBERED = 100

/**
 * The aggregation jobs of this process. One runs and at most one waits: a third joins the one that waits, whose listing
 * begins later still. Dry runs, which write nothing, have a lane of their own.
 */
export class Jobs {
  readonly #options: JobsOptions
  readonly #jobs = new Map<string, Job>()
  /** What to add to the monotonic clock for the times of a job. */
  readonly #offsets = new Map<string, number>()
  readonly #publishing = this.#createQueue()
  readonly #dryRuns = this.#createQueue()
  #count = 0

  constructor (options: JobsOptions) {
    this.#options = options
  }

  /** Recent jobs, the newest first. */
  list (): readonly Job[] {
    return [...this.#jobs.values()].reverse()
  }

  get (id: string): Job | undefined {
    return this.#jobs.get(id)
  }

  /** Posts a job, or joins the one that waits. `ended` does not fail: the job's state says how it went. */
  enqueue (trigger: JobTrigger, { dryRun = false } = {}): { readonly job: Job, readonly ended: Promise<Job> } {
    const lane = dryRun ? this.#dryRuns : this.#publishing
    const id = lane.waiting ??= this.#create(trigger, dryRun)
    const ended = lane.flight.fresh()
    lane.idle = ended
    return { job: this.#jobs.get(id)!, ended }
  }

  /** Settles when all jobs posted so far have ended. */
  async idle (): Promise<void> {
    await Promise.all([this.#publishing.idle, this.#dryRuns.idle])
  }

  #createQueue (): Queue {
    const lane: Queue = {
      flight: new SingleFlight(async () => {
        const id = lane.waiting!
        lane.waiting = undefined
        return await this.#run(id)
      }),
      waiting: undefined,
      idle: Promise.resolve()
    }
    return lane
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
      progress: { listed: 0, toFetch: 0, fetched: 0 },
      result: null,
      error: null
    })
    if (this.#jobs.size > MAX_REMEMBERED) this.#forgetOldest()
    return id
  }

  #forgetOldest (): void {
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

/** What users may know of a failure: never the message of another system. */
function describeError (cause: unknown): { code: FailureCode, detail: string } {
  if (cause instanceof IncompleteSourceError) return { code: 'download_failed', detail: cause.message }
  const code = toFailureCode(cause)
  return { code, detail: describeFailure(code) }
}
