import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client'
import { FAILURE_CODES } from '../../lib/base/failure-code.js'
import { version } from '../../lib/base/package-info.js'
import { FINAL_JOB_STATES, UNFINISHED_JOB_STATES } from '../../lib/jobs.js'
import type { Series } from './durations.js'

/** One value of a metric. */
interface Sample {
  /** The name, if it is not that of the metric: those of buckets, sums and counts. */
  readonly metricName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

interface Definition {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Returns the values at the time of a scrape. */
  readonly read: () => Iterable<Sample>
}

/** The metrics of prom-client about the process, from the first scrape on. There is one set of them, because their observers cannot be stopped. */
let processMetrics: Registry | undefined

/** The metrics of a service, with those of its process. */
export function createRegistry (fastify: FastifyInstance): Registry {
  if (processMetrics === undefined) collectDefaultMetrics({ register: processMetrics = new Registry() })
  const registry = new Registry()
  for (const definition of definitionsOf(fastify)) registry.registerMetric(toMetric(definition))
  return Registry.merge([registry, processMetrics])
}

/** prom-client asks a metric for its values with `get`. Its own classes are for values that are written when they change, which costs more. */
function toMetric ({ read, ...description }: Definition): Metric {
  return { ...description, get: async () => ({ ...description, values: [...read()] }) } as unknown as Metric
}

/** All metrics. Docs, the dashboard and the alert rules use these names; test/monitoring.test.ts compares them. */
function definitionsOf (fastify: FastifyInstance): readonly Definition[] {
  const { metrics, transformer, jobs, config } = fastify
  const holdings = () => transformer.holdings()
  return [
    gauge('userlake_build_info', 'The version of the program; always 1', () => [{ labels: { version, build: config.BUILD, node: process.versions.node }, value: 1 }]),
    histogram('userlake_http_request_duration_seconds', 'Time from the arrival of a request to the end of its response, by URL pattern of the route (none: no route has the URL), method, and class of the status (aborted: the client has closed the connection before the end)',
      ['route', 'method', 'status'], metrics.requests),
    counter('userlake_problems_total', 'Error responses, by the code of the problem: refused requests are unauthorized, insufficient_scope, forbidden (origin), misdirected_request (host), too_many_requests (rate limit), overloaded, and others',
      () => labelled('code', metrics.problems)),
    histogram('userlake_store_operation_duration_seconds', 'Time of operations on the lake, with their retries, by operation and outcome (ok, missing, unchanged, or a failure code)', ['operation', 'outcome'], metrics.storeOperations),
    histogram('userlake_engine_operation_duration_seconds', 'Time of queries (read) and statements (write) on the cluster of ENGINE_URL, by outcome (ok, aborted, or an engine code)', ['operation', 'outcome'], metrics.engineOperations),
    counter('userlake_reconciles_total', 'Reconciles (a listing of the lake with the downloads of what has changed), by outcome: listed by this process, followed (taken over from another replica), or a failure code', () => labelled('outcome', metrics.reconciles)),
    histogram('userlake_phase_duration_seconds', 'Time of the phases of reconciles (list, download, build of the table of records) and of jobs (publish)', ['phase'], metrics.phases),
    counter('userlake_objects_total', 'Objects listed, info files fetched, and info files newly rejected', () => labelled('event', metrics.objects)),
    counter('userlake_list_requests_total', 'LIST requests', () => [{ value: metrics.listRequests }]),
    gauge('userlake_refresh_interval_seconds', 'Time between two refreshes that MAX_LIST_REQUESTS requires; 0 if it delays no refresh', () => [{ value: (transformer.budgetIntervalMs ?? 0) / 1000 }]),
    histogram('userlake_event_delay_seconds', 'Time from the arrival of an event (POST /events/s3) to the end of the check of its object, by outcome: checked, or listing, which takes the place of the check',
      ['outcome'], metrics.eventDelays),
    histogram('userlake_job_duration_seconds', 'Time of jobs that have ended, by trigger, dry run, and final state', ['trigger', 'dry_run', 'state'], metrics.jobs),
    gauge('userlake_jobs', 'Jobs that wait or run', unfinishedJobs),
    gauge('userlake_last_job_state', '1 for the final state of the last job that was no dry run, and had no wrong confirmation',
      () => metrics.lastJobState === undefined ? [] : FINAL_JOB_STATES.map((state) => ({ labels: { state }, value: Number(state === metrics.lastJobState) }))),
    gauge('userlake_last_job_success_timestamp_seconds', 'When a job has last succeeded, in seconds since 1970', () => optional(metrics.lastSuccessAt, 1 / 1000)),
    gauge('userlake_data_age_seconds', 'Age of the data: time since the beginning of the listing that it comes from', () => optional(transformer.freshness().ageMs, 1 / 1000)),
    gauge('userlake_data_stale', '1 for each reason why the data may be outdated (Data-Stale)', () => {
      const { staleReasons } = transformer.freshness()
      return FAILURE_CODES.map((reason) => ({ labels: { reason }, value: Number(staleReasons.includes(reason)) }))
    }),
    gauge('userlake_warnings', '1 for each warning about the lake or the API keys', () => [...transformer.warnings(), ...fastify.accessWarnings()].map(({ code }) => ({ labels: { code }, value: 1 }))),
    gauge('userlake_records', 'Records of the current data version', () => optional(holdings()?.records)),
    gauge('userlake_unserved_objects', 'Objects of the lake that are not part of a record, by kind', () => labelled('kind', Object.entries(holdings()?.unserved ?? {}))),
    gauge('userlake_data_bytes', 'Memory of the current data version', () => optional(holdings()?.dataBytes)),
    gauge('userlake_former_versions', 'Previous data versions that are retained', () => optional(holdings()?.formerVersions)),
    gauge('userlake_former_version_bytes', 'Memory of previous data versions, without what they share with the current one', () => optional(holdings()?.formerVersionBytes)),
    gauge('userlake_response_bytes', 'Memory of responses that clients have not read yet', () => optional(holdings()?.responseBytes))
  ]

  function unfinishedJobs (): Sample[] {
    const unfinished = jobs.list().filter(({ finishedAt }) => finishedAt === null)
    return UNFINISHED_JOB_STATES.map((state) => ({ labels: { state }, value: unfinished.filter((job) => job.state === state).length }))
  }
}

function counter (name: string, help: string, read: Definition['read']): Definition {
  return { name, help, type: 'counter', read }
}

function gauge (name: string, help: string, read: Definition['read']): Definition {
  return { name, help, type: 'gauge', read }
}

function histogram (name: string, help: string, labelNames: readonly string[], series: Iterable<Series>): Definition {
  const read = function * (): Generator<Sample> {
    for (const { labels: values, durations: { bounds, counts, sum } } of series) {
      const labels = Object.fromEntries(labelNames.map((label, i) => [label, values[i]!]))
      let count = 0
      for (const [i, inBucket] of counts.entries()) {
        count += inBucket
        yield { metricName: `${name}_bucket`, labels: { ...labels, le: i < bounds.length ? String(bounds[i]) : '+Inf' }, value: count }
      }
      yield { metricName: `${name}_sum`, labels, value: sum }
      yield { metricName: `${name}_count`, labels, value: count }
    }
  }
  return { name, help, type: 'histogram', read }
}

function labelled (label: string, counts: Iterable<readonly [string, number]>): Sample[] {
  return [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }))
}

/** No sample if the value is not known. @param unit the factor from the value to the unit of the metric */
function optional (value: number | undefined, unit = 1): Sample[] {
  return value === undefined ? [] : [{ value: value * unit }]
}
