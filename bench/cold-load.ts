import { setTimeout as sleep } from 'node:timers/promises'
import { startNode, type Child } from './child-process.js'
import type { Report } from './report.js'
import { publish, startService, waitForFirstJob, type Service } from './service.js'

/** Requests a second. */
const RATE = 200
const RECORDS = 100_000

/** Measures how much a cold load delays responses, how many objects are downloaded after a change, and how long a restart takes. */
export async function measureColdLoad (report: Report, endpoint: Child, { idleMs }: { readonly idleMs: number }): Promise<void> {
  const lake = { LAKE_URL: 's3://growing', AWS_ENDPOINT_URL_S3: endpoint.firstLine.url as string }
  await endpoint.request({ fill: 'growing', records: 100 })
  const service = await startService(lake, { isMonitored: true })
  await waitForFirstJob(service)
  const load = await startNode('./open-loop.js', [`${service.url}/stats?image_exists=true&min_age=30`, String(RATE)])
  const idle = await during(load, () => sleep(idleMs))
  await endpoint.request({ fill: 'growing', records: RECORDS })
  await service.request({}) // discards the delays of the event loop that were measured so far
  let publishSeconds = 0
  const busy = await during(load, async () => { publishSeconds = await publish(service) })
  const { p999 } = await service.request({})
  report.inform({ name: `Cold load of ${RECORDS} records, until the output is written`, value: publishSeconds, unit: ' s' })
  report.inform({ name: 'GET /stats at 200/s, idle, p99', value: idle.p99, unit: ' ms' })
  report.check({ name: `GET /stats at 200/s, during a cold load of ${RECORDS} records, p99`, value: busy.p99, max: Math.max(3 * idle.p99, 10), unit: ' ms' })
  report.check({ name: 'Event loop delay during that load, p99.9', value: p999, max: 50, unit: ' ms' })
  await load.stop()
  await countGets(report, endpoint, service)
  await measureRestart(report, endpoint, service, lake)
}

/** Runs `work` under load. Returns what `open-loop.js` measured during that time; latencies are in milliseconds. */
async function during (load: Child, work: () => Promise<unknown>): Promise<{ readonly p99: number }> {
  await load.request({})
  await work()
  const result = await load.request({})
  if (result.failed > 0) throw new Error(`${result.failed} requests failed`)
  return result
}

/** Counts the info files that are downloaded by a reconcile. A message without properties only resets the counters of the endpoint. */
async function countGets (report: Report, endpoint: Child, { url }: Service): Promise<void> {
  const refresh = () => fetch(`${url}/stats`, { headers: { 'cache-control': 'no-cache' } })
  await endpoint.request({})
  await refresh()
  report.check({ name: 'Reconcile, nothing changed: GETs', value: (await endpoint.request({})).sourceGets, max: 0 })
  await endpoint.request({ touch: 'growing', records: 17 })
  await endpoint.request({})
  await refresh()
  report.check({ name: 'Reconcile, 17 changed: GETs', value: (await endpoint.request({})).sourceGets, min: 17, max: 17 })
}

async function measureRestart (report: Report, endpoint: Child, service: Service, lake: Record<string, string>): Promise<void> {
  await service.stop()
  const reader = await startNode('./reader.js', [endpoint.firstLine.url, 'growing', 'list'])
  await reader.request({}) // a warm-up, in which V8 compiles the code
  const { seconds } = await reader.request({})
  await reader.stop()
  await endpoint.request({})
  const restarted = await startService(lake)
  report.inform({ name: `A bare listing of ${RECORDS} records`, value: seconds, unit: ' s' })
  report.check({ name: `Restart to ready, ${RECORDS} records`, value: restarted.readyAfterSeconds, max: 1 + seconds, unit: ' s' })
  report.check({ name: 'Restart: GETs of objects under source_data/', value: (await endpoint.request({})).sourceGets, max: 0 })
  await restarted.stop()
}
