import { setTimeout as sleep } from 'node:timers/promises'
import { ENVIRONMENT } from '../scripts/start.js'
import { bearer, entryOf, keyOf } from '../test/support/api-keys.js'
import { pathOf, startNode, type Child } from './child-process.js'

/** Settings without listings and log lines while responses are measured, because the references have neither. */
const STEADY = { MAX_STALENESS: '1h', AGGREGATE_INTERVAL: '1h', SHUTDOWN_TIMEOUT: '30s', LOG_REQUESTS: 'false' }

/** An API key that may do everything that is measured: its entry in API_KEYS, and the headers of a request. */
export const BENCH_KEY = { entry: entryOf('read', 'metrics'), headers: bearer(keyOf('read', 'metrics')) }

export interface Service extends Child {
  readonly url: string
  /** Seconds from the start of the process until it was ready. */
  readonly readyAfterSeconds: number
}

/**
 * Starts the service on a lake, as `npm start` does, and waits until it is ready.
 *
 * @param isMonitored whether the service replies to each message with the delays of its event loop (`monitor.ts`), which takes CPU time
 */
export async function startService (env: Record<string, string>, { isMonitored = false } = {}): Promise<Service> {
  const start = performance.now()
  const child = await startNode('../server.js', [], {
    env: { PORT: '0', ...ENVIRONMENT, ...STEADY, ...env }, execArgv: isMonitored ? ['--import', pathOf('./monitor.js')] : []
  })
  const url = addressOf(child)
  while ((await fetch(`${url}/readyz`)).status !== 200) await sleep(20)
  return { ...child, url, readyAfterSeconds: (performance.now() - start) / 1000 }
}

/** Returns the address that a Fastify server listens on, from the first line that it logs. */
export function addressOf ({ firstLine }: Child): string {
  return /http:\S+/.exec(firstLine.msg)![0]
}

/** Waits until the first job has succeeded, so that it does not disturb the measurement. @throws Error if it has failed or is held */
export async function waitForFirstJob ({ url }: Service, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  for (;;) {
    const { jobs } = await (await fetch(`${url}/jobs`, { headers })).json() as { jobs: { state: string, error: { detail: string } | null }[] }
    const failed = jobs.find(({ state }) => state === 'failed' || state === 'held')
    if (failed !== undefined) throw new Error(`the first job is ${failed.state}: ${failed.error?.detail ?? 'it would lose many records'}`)
    if (jobs.length > 0 && jobs.every(({ state }) => state === 'succeeded')) return
    await sleep(20)
  }
}

/** Brings the output up to date; returns the duration in seconds. */
export async function publish ({ url }: Service): Promise<number> {
  const start = performance.now()
  const response = await fetch(`${url}/data`, { method: 'POST' })
  if (!response.ok) throw new Error(`POST /data: ${await response.text()}`)
  return (performance.now() - start) / 1000
}
