import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { startService } from '../../bench/service.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { fill, finish, idAt, keyAt, parseIsShort, percentile, print } from './lab.js'

const isShort = parseIsShort(`Takes the bucket away from a service under load: for one half of the time its connections are refused, for the other its requests get no
response. A second service with a bucket of its own, which stays, gets the same requests in the same seconds. Fails if a read or a probe is not 200, if an image is neither 200,
nor 404, nor 503 with a code, if POST /data is neither 200 nor 503 with a code, if the p99 of a read or a probe exceeds 1.2 times that of the second service, or if the data is
not fresh 10 s after the return. The p99 is compared in each window of some seconds, and the median of the ratios counts, so that a busy machine slows down both sides.

node dist-test/test/lab/outage.js [--short]

  --short  2 minutes instead of 10
`)

const RECORDS = 10_000
const OUTAGE_MS = isShort ? 120_000 : 600_000
const WINDOW_MS = 5000
const WARM_UP_MS = isShort ? 10_000 : 30_000
const FRESH_WITHIN_MS = 10_000
const MAX_RATIO = 1.2
/** Requests a second of each kind, for reads and probes, and for those that need the bucket. */
const READS_PER_SECOND = 30
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

/** Latencies in milliseconds, by kind of request. */
type Latencies = Map<string, number[]>

const failures: string[] = []
/** Aborted to end the load. */
const loadEnd = new AbortController()

/** One of the two services, its bucket, and its latencies since the window began. */
class Side {
  readonly endpoint
  readonly bucket
  readonly service
  readonly pool
  latencies: Latencies = new Map()

  static async start (): Promise<Side> {
    const endpoint = await startS3Endpoint()
    fill(endpoint.bucket('lake'), RECORDS)
    return new Side(endpoint, await startService({ LAKE_URL: 's3://lake', AWS_ENDPOINT_URL_S3: endpoint.url, MAX_STALENESS: '2s', AGGREGATE_INTERVAL: '10s' }))
  }

  private constructor (endpoint: Awaited<ReturnType<typeof startS3Endpoint>>, service: Awaited<ReturnType<typeof startService>>) {
    this.endpoint = endpoint
    this.bucket = endpoint.bucket('lake')
    this.service = service
    this.pool = new Pool(service.url, { connections: 256, pipelining: 1 })
  }

  async measure (kind: string, path: string, method: 'GET' | 'POST', isAcceptable: (status: number, body: string) => boolean): Promise<void> {
    const start = performance.now()
    const latencies = this.latencies // a request counts in the window in which it began
    try {
      const { statusCode, body } = await this.pool.request({ path, method })
      const text = await body.text()
      if (!isAcceptable(statusCode, text)) failures.push(`${method} ${path}: ${statusCode} ${text.slice(0, 200)}`)
    } catch (error) {
      failures.push(`${method} ${path}: ${String(error)}`)
    }
    const list = latencies.get(kind)
    if (list === undefined) latencies.set(kind, [performance.now() - start])
    else list.push(performance.now() - start)
  }

  /** Sends the load. The kinds of requests begin one after the other. @param place from 0 to 1: where in each interval the requests of this side are sent */
  async load (place: number): Promise<void> {
    const kinds = Object.entries(READS)
    await Promise.all([
      ...kinds.map(([kind, pathOf], k) => sendAtRate(READS_PER_SECOND, (k + place) / kinds.length, async (i) => await this.measure(kind, pathOf(i), 'GET', (status) => status === 200))),
      sendAtRate(STORE_REQUESTS_PER_SECOND, place, async (i) => await this.measure('image', `/data/${encodeURIComponent(idAt(i % 10))}/image`, 'GET', (status, body) => status === 200 || status === 404 || isUnavailable(status, body))),
      sendAtRate(STORE_REQUESTS_PER_SECOND, place, async () => await this.measure('POST /data', '/data', 'POST', (status, body) => status === 200 || isUnavailable(status, body)))
    ])
  }

  async stop (): Promise<void> {
    await this.pool.close()
    await this.service.stop()
    await this.endpoint.stop()
  }
}

/** Sends requests at a constant rate, which does not depend on the responses. @param place from 0 to 1: when in each interval */
async function sendAtRate (perSecond: number, place: number, send: (i: number) => Promise<void>): Promise<void> {
  const start = performance.now()
  const open: Promise<void>[] = []
  for (let i = 0; !loadEnd.signal.aborted; i++) {
    const wait = start + (i + place) * 1000 / perSecond - performance.now()
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

/** The first one loses its bucket; that of the second one stays. */
const sides = [await Side.start(), await Side.start()] as const
const [{ endpoint, bucket, service }] = sides

/** Runs for a while under load. Returns the latencies of both sides in each window. */
async function measureWindows (ms: number): Promise<(readonly [away: Latencies, there: Latencies])[]> {
  const windows: (readonly [Latencies, Latencies])[] = []
  for (let window = 0; window < ms / WINDOW_MS; window++) {
    for (const side of sides) side.latencies = new Map()
    windows.push([sides[0].latencies, sides[1].latencies])
    await sleep(WINDOW_MS)
  }
  return windows
}

function median (values: readonly number[]): number {
  return percentile(values, 0.5)
}

const load = sides.map((side, i) => side.load(i / 2))
await sleep(WARM_UP_MS) // until the code is compiled
for (const [i, name] of ['Refused', 'Silent'].entries()) {
  if (i === 0) await endpoint.stop()
  else endpoint.intercept = () => new Promise(() => {})
  const windows = await measureWindows(OUTAGE_MS / 2)
  bucket.put(keyAt(0), `first_name,last_name,birthts\nAnn,${name},0\n`)
  if (i === 0) await endpoint.start()
  else endpoint.intercept = undefined
  const ms = await waitForName(service.url, name)
  print(`${name}: fresh ${(ms / 1000).toFixed(1)} s after the return of the bucket; load of the machine ${loadavg()[0]!.toFixed(1)}; medians of ${windows.length} windows, in ms, away (there):`)
  if (ms > FRESH_WITHIN_MS) failures.push(`${name}: fresh only ${(ms / 1000).toFixed(1)} s after the return`)
  for (const kind of [...Object.keys(READS), 'image', 'POST /data']) {
    const pairs = windows.map((latencies) => latencies.map((all) => all.get(kind) ?? []) as [number[], number[]])
    const medians = (share: number) => [0, 1].map((side) => median(pairs.map((pair) => percentile(pair[side]!, share))).toFixed(1))
    const columns = [0.5, 0.99].map((share) => medians(share)).map(([away, there]) => `${away!.padStart(9)} (${there})`)
    const ratio = median(pairs.map(([away, there]) => percentile(away, 0.99) / percentile(there, 0.99)))
    const isCompared = kind in READS
    print(`  ${kind.padEnd(16)} p50${columns[0]}  p99${columns[1]}${isCompared ? `  ratio of p99 ${ratio.toFixed(2)}` : ''}`)
    if (isCompared && !(ratio <= MAX_RATIO)) failures.push(`${name}: the p99 of ${kind} is ${ratio.toFixed(2)} times that with a bucket, more than ${MAX_RATIO}`)
  }
}
loadEnd.abort()
await Promise.all(load)
for (const side of sides) await side.stop()
finish(failures)
