import { setTimeout as sleep } from 'node:timers/promises'
import { REQUIRED_INTERVAL_MS } from '../lib/refresher.js'
import { personAt } from '../scripts/sample-data/person.js'
import { startNode, type Child } from './child-process.js'
import type { Report } from './report.js'
import { median } from './sampling.js'
import { publish, startService, waitForFirstJob, type Service } from './service.js'

/** The number of reads per second. */
const RATE = 20
const RECORDS = 20_000
const LATENCIES_MS = [30, 100]
const MAX_STALENESS_SECONDS = 2

/** What `open-loop.js` reports about the reads in a period. */
interface Reads { readonly requests: number, readonly failed: number, readonly p99: number, readonly slow: number, readonly maxAge: number }

/** A store that is far away: its latency can be set. It contains one lake. */
export interface FarStore {
  /** Added to the name of each figure in the report. */
  readonly suffix: string
  /** The factor by which its limits are greater: a real server has its own load on the same machine. */
  readonly tolerance: number
  /** The settings with which a service uses the lake. */
  readonly settings: Readonly<Record<string, string>>
  /** The number of records that are added at once. */
  readonly addedRecords: number
  /** Adds records to the lake until it has this number of them. */
  fill (records: number): Promise<unknown>
  /** Sets the latency of each request, in milliseconds. Infinity: requests get no response. */
  setLatency (ms: number): Promise<unknown>
}

export interface FarOptions {
  /** For how many milliseconds reads are measured, in each of the states of the store. */
  readonly periodMs: number
}

/** The store of the benchmark's endpoint, with the lake in a bucket of its own. */
export function farEndpoint (endpoint: Child): FarStore {
  return {
    suffix: '',
    tolerance: 1,
    settings: { LAKE_URL: 's3://far', AWS_ENDPOINT_URL_S3: endpoint.firstLine.url as string },
    addedRecords: 100_000,
    fill: (records) => endpoint.request({ fill: 'far', records }),
    setLatency: (latencyMs) => endpoint.request({ limits: { latencyMs } })
  }
}

/**
 * Measures whether reads wait for a store that is far away: while nothing changes, while the store sends no responses, and while many new files are
 * downloaded. The first load is without latency.
 */
export async function measureFar (report: Report, store: FarStore, { periodMs }: FarOptions): Promise<void> {
  await store.fill(RECORDS)
  const service = await startService({ ...store.settings, MAX_STALENESS: `${MAX_STALENESS_SECONDS}s` })
  await waitForFirstJob(service)
  const load = await startNode('./open-loop.js', [recordOf(service), String(RATE)])
  for (const latencyMs of LATENCIES_MS) {
    await store.setLatency(latencyMs)
    await measureSteady(report, service, load, { latencyMs, periodMs, store })
  }
  await store.setLatency(LATENCIES_MS[0]!)
  await refreshSeconds(service) // the data is fresh before the store falls silent
  const silent = await during(load, async () => {
    await store.setLatency(Infinity)
    await sleep(periodMs)
  })
  await store.setLatency(LATENCIES_MS[0]!)
  report.check({ name: `Reads while the store is silent, p99${store.suffix}`, value: silent.p99, max: 20 * store.tolerance, unit: ' ms' })
  report.inform({ name: `Seconds until the data is fresh again${store.suffix}`, value: await secondsUntilFresh(service), unit: ' s' })
  await store.fill(RECORDS + store.addedRecords)
  let seconds = 0
  const busy = await during(load, async () => { seconds = await publish(service) })
  report.inform({ name: `${store.addedRecords} new records at ${LATENCIES_MS[0]} ms, until the output is written${store.suffix}`, value: seconds, unit: ' s' })
  report.check({ name: `Reads during the download of ${store.addedRecords} new records, p99${store.suffix}`, value: busy.p99, max: 20 * store.tolerance, unit: ' ms' })
  await store.setLatency(0)
  await load.stop()
  await service.stop()
}

async function measureSteady (report: Report, service: Service, load: Child, { latencyMs, periodMs, store: { suffix, tolerance } }: { latencyMs: number, periodMs: number, store: FarStore }): Promise<void> {
  const refreshes: number[] = []
  for (let i = 0; i < 5; i++) {
    await sleep(REQUIRED_INTERVAL_MS) // otherwise the service delays the next refresh until then, which would be measured
    refreshes.push(await refreshSeconds(service))
  }
  const { requests, slow, p99, maxAge } = await during(load, () => sleep(periodMs))
  const name = `Reads at ${latencyMs} ms`
  report.inform({ name: `A refresh of ${RECORDS} records at ${latencyMs} ms${suffix}`, value: median(refreshes), unit: ' s' })
  report.check({ name: `${name} that take 0.1 s or longer${suffix}`, value: 100 * slow / requests, max: 0.1, unit: ' %' })
  report.inform({ name: `${name}, p99${suffix}`, value: p99, unit: ' ms' })
  // The limit depends on the slowest of the refreshes above, because their duration varies on a busy machine.
  report.check({ name: `${name}, greatest Age${suffix}`, value: maxAge, max: Math.ceil(tolerance * Math.max(MAX_STALENESS_SECONDS, 2 * Math.max(...refreshes))), unit: ' s' })
}

/** Runs `work` under load. Returns what was measured during that time. */
async function during (load: Child, work: () => Promise<unknown>): Promise<Reads> {
  await load.request({})
  await work()
  const reads = await load.request({}) as Reads
  if (reads.failed > 0) throw new Error(`${reads.failed} requests failed`)
  return reads
}

/** Requests a refresh; returns the duration in seconds. */
async function refreshSeconds (service: Service): Promise<number> {
  const start = performance.now()
  await (await fetch(recordOf(service), { headers: { 'cache-control': 'no-cache' } })).arrayBuffer()
  return (performance.now() - start) / 1000
}

async function secondsUntilFresh (service: Service): Promise<number> {
  const start = performance.now()
  for (;;) {
    const response = await fetch(recordOf(service))
    await response.arrayBuffer()
    if (!response.headers.has('data-stale')) return (performance.now() - start) / 1000
    await sleep(1000 / RATE)
  }
}

function recordOf ({ url }: Service): string {
  return `${url}/data/${encodeURIComponent(personAt(1, 0).id)}`
}
