import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { personAt } from '../scripts/sample-data/person.js'
import { cpuSeconds, memory, type Child } from './child-process.js'
import { plot, type Series } from './plot.js'
import type { Report } from './report.js'
import { startService, waitForFirstJob, type Service } from './service.js'

/** Numbers of records. */
const SIZES = [100, 1000, 10_000, 100_000, 1_000_000]
/** The memory of a settled service, beyond that of an empty lake, is required to be at most this number of bytes a record. */
const MAX_BYTES_A_RECORD = 310
/** Each request is repeated for at least this number of milliseconds, and at least this number of times. */
const REPEAT_MS = 1000
const MIN_REPEATS = 3

/** The requests that are measured: for each, its path in repetition `i`. A request that must not have been made before has a new path each time. */
const REQUESTS: Readonly<Record<string, (i: number) => string>> = {
  'GET /data/{user_id}': () => `/data/${encodeURIComponent(personAt(1, 0).id)}`,
  'GET /data?limit=100': () => '/data?limit=100',
  'GET /stats, by age and image': (i) => `/stats?image_exists=true&min_age=30&max_age=60&as_of=${new Date(Date.UTC(2026, 0, 1) + i).toISOString()}`,
  'GET /data, a tenth, never requested before': (i) => `/data?age_basis=exact&min_age=20&max_age=28&as_of=${new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString()}`,
  'GET /data, a tenth, requested again': () => '/data?min_age=20&max_age=27&as_of=2026-01-01T00:00:00Z',
  'GET /data': () => '/data',
  'GET /data?format=csv': () => '/data?format=csv'
}

/** The mean CPU time of a response, and its size. */
interface Cost { readonly cpuMs: number, readonly bytes: number }

interface Measurement {
  readonly size: number
  /** Seconds from the start of the process until it was ready: `cold` without a snapshot, `restart` with one. */
  readonly cold: number
  readonly restart: number
  /** Resident bytes of the process: `now` when it has been idle for a while, and the peak until then. */
  readonly now: number
  readonly peak: number
  readonly costs: Readonly<Record<string, Cost>>
}

/** Measures the service with 100 to 1,000,000 records. Adds a table to the report, and draws the CPU times into the SVG file `file`. */
export async function measureGrowth (report: Report, endpoint: Child, file: string): Promise<void> {
  const measurements: Measurement[] = []
  const empty = await measureEmpty(endpoint)
  for (const size of SIZES) {
    measurements.push(await measureSize(endpoint, size))
    process.stderr.write(`${size} records measured\n`)
  }
  const [before, largest] = [measurements.at(-2)!, measurements.at(-1)!]
  const settled = (largest.now - empty) / largest.size
  report.check({ name: `Memory, settled, ${largest.size} records, bytes a record`, value: settled, max: MAX_BYTES_A_RECORD })
  report.check({ name: `Memory, peak, ${largest.size} records, bytes a record`, value: (largest.peak - empty) / largest.size, max: 3 * MAX_BYTES_A_RECORD })
  for (const name of Object.keys(REQUESTS)) {
    const [small, large] = [before.costs[name]!, largest.costs[name]!]
    const growth = (large.cpuMs / small.cpuMs) / Math.max(1, large.bytes / small.bytes)
    report.inform({ name: `${name}: growth of CPU from ${before.size} to ${largest.size} records, relative to the growth of the response`, value: growth })
  }
  report.table('growth', table(measurements, empty))
  writeFileSync(file, plot(series(measurements), { x: 'records', y: 'CPU milliseconds a response' }))
}

async function measureEmpty (endpoint: Child): Promise<number> {
  await endpoint.request({ fill: 'empty', records: 0 })
  const service = await startService(lakeOf(endpoint, 'empty'))
  await waitForFirstJob(service)
  const { now } = await settledMemory(service)
  await service.stop()
  return now
}

async function measureSize (endpoint: Child, size: number): Promise<Measurement> {
  const name = `growth-${size}`
  await endpoint.request({ fill: name, records: size })
  const first = await startService(lakeOf(endpoint, name))
  await waitForFirstJob(first)
  const { now, peak } = await settledMemory(first)
  const costs: Record<string, Cost> = {}
  for (const [request, pathOf] of Object.entries(REQUESTS)) costs[request] = await measureCost(first, pathOf)
  await first.stop()
  const restarted = await startService(lakeOf(endpoint, name))
  await restarted.stop()
  await endpoint.request({ empty: name })
  return { size, cold: first.readyAfterSeconds, restart: restarted.readyAfterSeconds, now, peak, costs }
}

const lakeOf = (endpoint: Child, name: string) => ({ LAKE_URL: `s3://${name}`, AWS_ENDPOINT_URL_S3: endpoint.firstLine.url as string })

/** Milliseconds. V8 collects the garbage of a large load only after the process has been idle for a while. */
const SETTLE_MS = 25_000

async function settledMemory ({ pid }: Service): Promise<{ readonly now: number, readonly peak: number }> {
  await sleep(SETTLE_MS)
  return memory(pid)
}

let repetition = 0

/** Mean CPU time and size of a response. */
async function measureCost ({ pid, url }: Service, pathOf: (i: number) => string): Promise<Cost> {
  const get = async () => (await (await fetch(url + pathOf(repetition++), { headers: { 'accept-encoding': 'identity' } })).arrayBuffer()).byteLength
  let bytes = await get() // the first request computes what is cached per data version
  const [start, cpu] = [performance.now(), cpuSeconds(pid)]
  let times = 0
  for (; times < MIN_REPEATS || performance.now() - start < REPEAT_MS; times++) bytes = await get()
  return { cpuMs: (cpuSeconds(pid) - cpu) / times * 1000, bytes }
}

function table (measurements: readonly Measurement[], empty: number): string[][] {
  const row = (name: string, cell: (measurement: Measurement) => string) => [name, ...measurements.map(cell)]
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
  return [
    row('Records', ({ size }) => size.toLocaleString('en')),
    row('Cold start to ready, s', ({ cold }) => cold.toFixed(2)),
    row('Restart to ready, s', ({ restart }) => restart.toFixed(2)),
    row(`Memory, settled, MiB above the ${mib(empty)} of an empty lake`, ({ now }) => mib(now - empty)),
    row('Memory, peak, MiB above that', ({ peak }) => mib(peak - empty)),
    ...Object.keys(REQUESTS).map((name) => row(`${name}, CPU ms (MB)`, ({ costs }) => {
      const { cpuMs, bytes } = costs[name]!
      return `${withTwoDigits(cpuMs)} (${withTwoDigits(bytes / 1e6)})`
    }))
  ]
}

function series (measurements: readonly Measurement[]): Series[] {
  return Object.keys(REQUESTS).map((name) => ({ name, points: measurements.map(({ size, costs }) => [size, costs[name]!.cpuMs] as const) }))
}

/** The number with two significant digits, and without an exponent if it is large. */
function withTwoDigits (number: number): string {
  return number < 100 ? number.toPrecision(2) : String(Number(number.toPrecision(2)))
}
