import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf, startNode, type Child } from './child.js'

/** No listing while answers are measured: the file that they are compared with does not change either. */
const STEADY = { MAX_STALENESS: '1h', AGGREGATE_INTERVAL: '1h', SHUTDOWN_TIMEOUT: '30s', LOG_REQUESTS: 'false' }

export interface Service extends Child {
  readonly url: string
  /** Seconds from the start of the process until it was ready. */
  readonly readyAfter: number
}

/** Starts the service on a bucket and waits until it is ready. */
export async function startService (env: Record<string, string>, onStart: (url: string) => void = () => {}): Promise<Service> {
  const began = performance.now()
  const child = await startNode('../server.js', [], {
    env: { PORT: '0', LOG_LEVEL: 'info', ...STEADY, ...env }, execArgv: ['--import', pathOf('./monitor.js')]
  })
  const url = addressOf(child)
  onStart(url)
  while ((await fetch(`${url}/readyz`)).status !== 200) await sleep(5)
  return { ...child, url, readyAfter: (performance.now() - began) / 1000 }
}

/** Where a Fastify server listens: the first thing that it logs. */
export function addressOf ({ hello }: Child): string {
  return /http:\S+/.exec(hello.msg)![0]
}

/** Waits until the first job has ended, so that it does not disturb what is measured. */
export async function settle ({ url }: Service): Promise<void> {
  for (;;) {
    const { jobs } = await (await fetch(`${url}/jobs`)).json() as { jobs: { state: string }[] }
    if (jobs.length > 0 && jobs.every(({ state }) => state === 'succeeded')) return
    await sleep(20)
  }
}
