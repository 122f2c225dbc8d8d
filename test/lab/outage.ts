import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { startService } from '../../bench/service.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { fill, finish, idAt, keyAt, parseIsShort, percentile, print } from './lab.js'

const isShort = parseIsShort(`Takes the bucket away while the service is under load: for one half of the time its connections are refused, for the other its requests get no
response. Fails if a read or a probe is not 200, if an image is neither 200, nor 404, nor 503 with a code, if POST /data is neither 200 nor 503 with a code,
or if the data is not fresh 10 s after the return. Prints the latencies beside those before the outage; they are meaningful only if the machine does nothing else.

node dist-test/test/lab/outage.js [--short]

  --short  20 seconds instead of 10 minutes
`)

const RECORDS = 10_000
const OUTAGE_MS = isShort ? 20_000 : 600_000
/** How long latencies are measured before the outage. */
const BEFORE_MS = isShort ? 10_000 : 60_000
const FRESH_WITHIN_MS = 10_000
/** Requests a second of each kind, for reads and probes, and for those that need the bucket. */
const READS_PER_SECOND = 20
const STORE_REQUESTS_PER_SECOND = 1

const READS: Readonly<Record<string, (i: number) => string>> = {
  '/data': (i) => `/data?limit=100&min_age=${i % 60}`,
  '/data/{user_id}': (i) => `/data/${encodeURIComponent(idAt(i * 7919 % RECORDS))}`,
  '/stats': (i) => `/stats?min_age=${i % 60}`,
  '/changes': () => '/changes',
  '/rejects': () => '/rejects',
  '/livez': () => '/livez',
  '/readyz': () => '/readyz',
  '/startupz': () => '/startupz'
}

const failures: string[] = []
/** Latencies in milliseconds, by kind of request, since the phase began. */
let latencies = new Map<string, number[]>()
/** Aborted at the end of the load. */
const over = new AbortController()

async function measure (pool: Pool, kind: string, path: string, method: 'GET' | 'POST', isAcceptable: (status: number, body: string) => boolean): Promise<void> {
  const start = performance.now()
  const latenciesOfPhase = latencies // a request counts in the phase in which it began
  try {
    const { statusCode, body } = await pool.request({ path, method })
    const text = await body.text()
    if (!isAcceptable(statusCode, text)) failures.push(`${method} ${path}: ${statusCode} ${text.slice(0, 200)}`)
  } catch (error) {
    failures.push(`${method} ${path}: ${String(error)}`)
  }
  const list = latenciesOfPhase.get(kind)
  if (list === undefined) latenciesOfPhase.set(kind, [performance.now() - start])
  else list.push(performance.now() - start)
}

/** Sends requests at a constant rate, which does not depend on the responses. */
async function sendAtRate (perSecond: number, send: (i: number) => Promise<void>): Promise<void> {
  const start = performance.now()
  const open: Promise<void>[] = []
  for (let i = 0; !over.signal.aborted; i++) {
    const wait = start + i * 1000 / perSecond - performance.now()
    if (wait > 0) await sleep(wait)
    open.push(send(i))
    if (open.length === 1000) await open.shift()
  }
  await Promise.all(open)
}

function isUnavailable (status: number, body: string): boolean {
  return status === 503 && typeof JSON.parse(body).code === 'string'
}

/** Waits until a record has this last name; returns the duration in milliseconds. */
async function waitForName (url: string, name: string): Promise<number> {
  const start = performance.now()
  while (performance.now() - start < 60_000) {
    const record = await (await fetch(`${url}/data/${encodeURIComponent(idAt(0))}`)).json() as { last_name: string }
    if (record.last_name === name) break
    await sleep(50)
  }
  return performance.now() - start
}

const endpoint = await startS3Endpoint()
const bucket = endpoint.bucket('lake')
fill(bucket, RECORDS)
const service = await startService({ LAKE_URL: 's3://lake', AWS_ENDPOINT_URL_S3: endpoint.url, MAX_STALENESS: '2s', AGGREGATE_INTERVAL: '10s' })
const pool = new Pool(service.url, { connections: 256, pipelining: 1 })
const load = [
  ...Object.entries(READS).map(([kind, pathOf]) => sendAtRate(READS_PER_SECOND, async (i) => await measure(pool, kind, pathOf(i), 'GET', (status) => status === 200))),
  sendAtRate(STORE_REQUESTS_PER_SECOND, async (i) => await measure(pool, 'image', `/data/${encodeURIComponent(idAt(i % 10))}/image`, 'GET', (status, body) => status === 200 || status === 404 || isUnavailable(status, body))),
  sendAtRate(STORE_REQUESTS_PER_SECOND, async () => await measure(pool, 'POST /data', '/data', 'POST', (status, body) => status === 200 || isUnavailable(status, body)))
]
await sleep(isShort ? 5000 : 30_000) // until the code is compiled

/** Runs for a while under load and returns the latencies. */
async function phase (ms: number): Promise<Map<string, number[]>> {
  latencies = new Map()
  await sleep(ms)
  return latencies
}

const outages = ['Refused', 'Silent']
const before = await phase(BEFORE_MS)
for (const [i, name] of outages.entries()) {
  if (i === 0) await endpoint.stop()
  else endpoint.intercept = () => new Promise(() => {})
  const away = await phase(OUTAGE_MS / 2)
  bucket.put(keyAt(0), `first_name,last_name,birthts\nAnn,${name},0\n`)
  if (i === 0) await endpoint.start()
  else endpoint.intercept = undefined
  const ms = await waitForName(service.url, name)
  print(`${name}: fresh ${(ms / 1000).toFixed(1)} s after the return of the bucket; p50 and p99 in ms, away (before):`)
  if (ms > FRESH_WITHIN_MS) failures.push(`${name}: fresh only ${(ms / 1000).toFixed(1)} s after the return`)
  for (const [kind, values] of away) {
    const valuesBefore = before.get(kind) ?? []
    print(`  ${kind.padEnd(16)} ${[0.5, 0.99].map((share) => `${percentile(values, share).toFixed(1).padStart(8)} (${percentile(valuesBefore, share).toFixed(1)})`).join('')}  ${values.length} requests`)
  }
}
over.abort()
await Promise.all(load)
await pool.close()
await service.stop()
await endpoint.stop()
finish(failures)
