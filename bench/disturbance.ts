import { setTimeout as sleep } from 'node:timers/promises'
import { startNode, type Child } from './child.js'
import type { Report } from './report.js'
import { settle, startService, type Service } from './service.js'

const RATE = 200
const IDLE_MS = 4000
const USERS = 100_000

/** How a cold load disturbs the answers, what a change costs, and how quickly the service is back after a restart. */
export async function measureLoad (report: Report, endpoint: Child): Promise<void> {
  const lake = { LAKE_URL: 's3://growing', AWS_ENDPOINT_URL_S3: endpoint.hello.url as string }
  await endpoint.ask({ fill: 'growing', users: 100 })
  const service = await startService(lake)
  await settle(service)
  const loop = await startNode('./open-loop.js', [`${service.url}/stats?image_exists=true&min_age=30`, String(RATE)])
  const idle = await during(loop, () => sleep(IDLE_MS))
  await endpoint.ask({ fill: 'growing', users: USERS })
  await service.ask({})
  let seconds = 0
  const busy = await during(loop, async () => { seconds = await publish(service) })
  const { p999 } = await service.ask({})
  report.tell(`Cold load of ${USERS} users, published`, seconds, ' s')
  report.tell('GET /stats at 200/s, idle, p99', idle.p99, ' ms')
  report.check({ name: `GET /stats at 200/s, during a cold load of ${USERS} users, p99`, value: busy.p99, most: Math.max(3 * idle.p99, 10), unit: ' ms' })
  report.check({ name: 'Its event loop delay, p99.9', value: p999, most: 50, unit: ' ms' })
  await loop.stop()
  await countGets(report, endpoint, service)
  await restart(report, endpoint, service, lake)
}

async function during (loop: Child, work: () => Promise<unknown>): Promise<{ readonly p99: number }> {
  await loop.ask({})
  await work()
  const result = await loop.ask({})
  if (result.failed > 0) throw new Error(`${result.failed} requests have failed`)
  return result
}

/** Brings the output up to date; answers the seconds that it took. */
async function publish ({ url }: Service): Promise<number> {
  const began = performance.now()
  const response = await fetch(`${url}/data`, { method: 'POST' })
  if (!response.ok) throw new Error(`POST /data: ${await response.text()}`)
  return (performance.now() - began) / 1000
}

async function countGets (report: Report, endpoint: Child, { url }: Service): Promise<void> {
  const read = () => fetch(`${url}/stats`, { headers: { 'cache-control': 'no-cache' } })
  await endpoint.ask({})
  await read()
  report.check({ name: 'Reconcile, nothing changed: GETs', value: (await endpoint.ask({})).sourceGets, most: 0 })
  await endpoint.ask({ touch: 'growing', users: 17 })
  await endpoint.ask({})
  await read()
  report.check({ name: 'Reconcile, 17 changed: GETs', value: (await endpoint.ask({})).sourceGets, least: 17, most: 17 })
}

async function restart (report: Report, endpoint: Child, service: Service, lake: Record<string, string>): Promise<void> {
  await service.stop()
  const reader = await startNode('./reader.js', [endpoint.hello.url, 'growing', 'list'])
  await reader.ask({})
  const { seconds } = await reader.ask({})
  await reader.stop()
  await endpoint.ask({})
  const again = await startService(lake)
  report.tell(`A bare listing of ${USERS} users`, seconds, ' s')
  report.check({ name: `Restart to ready, ${USERS} users`, value: again.readyAfter, most: 1 + seconds, unit: ' s' })
  report.check({ name: 'Restart: GETs of source objects', value: (await endpoint.ask({})).sourceGets, most: 0 })
  await again.stop()
}
