import type { JobEnd, ReconcileEnd } from '../../lib/base/events.js'
import { PROBLEM_CODES } from '../problems/codes.js'
import { Counts } from './counts.js'
import { LabelledDurations, WORK_BUCKETS } from './durations.js'
import { RequestDurations } from './request-durations.js'

/** What has happened since the start of the process. registry.ts reads it at each scrape. */
export class Recorder {
  /** By route, method and class of the status. */
  readonly requests = new RequestDurations()
  /** By code. */
  readonly problems = new Counts(Object.keys(PROBLEM_CODES))
  /** By operation and outcome. */
  readonly storeOperations = new LabelledDurations(WORK_BUCKETS)
  /** By operation and outcome. */
  readonly engineOperations = new LabelledDurations(WORK_BUCKETS)
  /** By outcome. */
  readonly reconciles = new Counts(['listed', 'followed'])
  /** By phase. */
  readonly phases = new LabelledDurations(WORK_BUCKETS)
  /** By event: objects listed, info files fetched, and info files newly rejected. */
  readonly objects = new Counts(['listed', 'fetched', 'rejected'])
  /** LIST requests of reconciles and re-checks. */
  listRequests = 0
  /** From the arrival of an event to the end of the re-check, by whether the object was checked, or a listing takes the place of the check. */
  readonly eventDelays = new LabelledDurations(WORK_BUCKETS)
  /** By trigger, dry run, and final state. */
  readonly jobs = new LabelledDurations(WORK_BUCKETS)
  /** The state of the last job that was an attempt to publish the output (`isAttempt`); `undefined` before its end. */
  lastJobState: string | undefined
  /** When a job has last succeeded, in milliseconds since 1970-01-01 UTC. */
  lastSuccessAt: number | undefined

  noteReconcile ({ outcome, phases, listed, requests, fetched }: ReconcileEnd): void {
    this.reconciles.add(outcome)
    this.listRequests += requests
    for (const [label, count] of Object.entries({ listed, fetched })) this.objects.add(label, count)
    if (phases === undefined) return
    this.phases.observe(phases.listMs, 'list')
    this.phases.observe(phases.downloadMs, 'download')
    this.phases.observe(phases.buildMs, 'build')
  }

  /** @param now milliseconds since 1970-01-01 UTC */
  noteJob ({ trigger, dryRun, isAttempt, state, durationMs, publishMs }: JobEnd, now: number): void {
    if (publishMs !== undefined) this.phases.observe(publishMs, 'publish')
    this.jobs.observe(durationMs, trigger, String(dryRun), state)
    if (!isAttempt) return
    this.lastJobState = state
    if (state === 'succeeded') this.lastSuccessAt = now
  }
}
