import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { personAt } from '../scripts/sample-data/person.js'
import { cpuSeconds, memory, type Child } from './child.js'
import { plot, type Series } from './plot.js'
import type { Report } from './report.js'
import { settle, startService, type Service } from './service.js'

const USERS = [100, 1000, 10_000, 100_000, 1_000_000]
/** Each answer is asked for until so much time has gone, and so many times at least. */
const ASKING_MS = 1000
const TIMES = 3

/** Answers, each of them a generator of paths that have not been asked for before where that matters. */
const ANSWERS: Readonly<Record<string, (users: number, i: number) => string>> = {
  'GET /data/{user_id}': () => `/data/${encodeURIComponent(personAt(1, 0).id)}`,
  'GET /data?limit=100': () => '/data?limit=100',
  'GET /stats, by age and image': (_, i) => `/stats?image_exists=true&min_age=30&max_age=60&as_of=2026-01-01T00:00:00.${String(i % 1000).padStart(3, '0')}Z`,
  'GET /data, a tenth, never asked before': (_, i) => `/data?age_basis=exact&min_age=20&max_age=28&as_of=${new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString()}`,
  'GET /data, a tenth, asked again': () => '/data?min_age=20&max_age=27&as_of=2026-01-01T00:00:00Z',
  'GET /data': () => '/data',
  'GET /data?format=csv': () => '/data?format=csv'
}

interface Cost { readonly cpuMs: number, readonly bytes: number }

interface Size {
  readonly users: number
  /** Seconds from the start of the process until it was ready, with nothing known, and with a snapshot. */
  readonly cold: number
  readonly restart: number
  /** Bytes of the process, settled, and at most. */
  readonly now: number
  readonly peak: number
  readonly answers: Readonly<Record<string, Cost>>
}

/** What the service costs from a hundred to a million users: a table, and a picture of it in `file`. */
export async function measureGrowth (report: Report, endpoint: Child, file: string): Promise<void> {
  const sizes: Size[] = []
  const empty = await measureEmpty(endpoint)
  for (const users of USERS) {
    sizes.push(await measureSize(endpoint, users))
    process.stderr.write(`${users} users measured\n`)
  }
  const [before, largest] = [sizes.at(-2)!, sizes.at(-1)!]
  report.check({ name: `Memory, settled, ${largest.users} users, bytes per user`, value: (largest.now - empty) / largest.users, most: 300 })
  report.check({ name: `Memory, at most, ${largest.users} users, of that bar`, value: (largest.peak - empty) / largest.users / 300, most: 3 })
  for (const name of Object.keys(ANSWERS)) {
    const [small, large] = [before.answers[name]!, largest.answers[name]!]
    const growth = (large.cpuMs / small.cpuMs) / Math.max(1, large.bytes / small.bytes)
    report.tell(`${name}: growth of its CPU from ${before.users} to ${largest.users} users, of that of its bytes`, growth)
  }
  report.table('growth', table(sizes, empty))
  writeFileSync(file, plot(series(sizes), { x: 'users', y: 'CPU milliseconds an answer' }))
}

async function measureEmpty (endpoint: Child): Promise<number> {
  await endpoint.ask({ fill: 'empty', users: 0 })
  const service = await startService(lakeOf(endpoint, 'empty'))
  await settle(service)
  const { now } = await settled(service)
  await service.stop()
  return now
}

async function measureSize (endpoint: Child, users: number): Promise<Size> {
  const name = `growth-${users}`
  await endpoint.ask({ fill: name, users })
  const first = await startService(lakeOf(endpoint, name))
  await settle(first)
  const { now, peak } = await settled(first)
  const answers: Record<string, Cost> = {}
  for (const [answer, pathOf] of Object.entries(ANSWERS)) answers[answer] = await costOf(first, (i) => pathOf(users, i))
  await first.stop()
  const again = await startService(lakeOf(endpoint, name))
  await again.stop()
  await endpoint.ask({ drop: name })
  return { users, cold: first.readyAfter, restart: again.readyAfter, now, peak, answers }
}

/** As in the container, glibc gives large pieces of memory back one by one. */
const lakeOf = (endpoint: Child, name: string) => ({ LAKE_URL: `s3://${name}`, AWS_ENDPOINT_URL_S3: endpoint.hello.url as string, MALLOC_MMAP_THRESHOLD_: '1048576' })

/** V8 collects what is left of much work when nothing happens for a while. */
const SETTLING_MS = 25_000

/** Once what was needed to get there has been given back, the snapshot is written, and nothing goes on. */
async function settled ({ pid }: Service): Promise<{ readonly now: number, readonly peak: number }> {
  await sleep(SETTLING_MS)
  return memory(pid)
}

let asked = 0

/** CPU time and bytes of an answer, on average. */
async function costOf ({ pid, url }: Service, pathOf: (i: number) => string): Promise<Cost> {
  const ask = async () => (await (await fetch(url + pathOf(asked++), { headers: { 'accept-encoding': 'identity' } })).arrayBuffer()).byteLength
  let bytes = await ask() // what is made once per version is made now
  const [began, cpu] = [performance.now(), cpuSeconds(pid)]
  let times = 0
  for (; times < TIMES || performance.now() - began < ASKING_MS; times++) bytes = await ask()
  return { cpuMs: (cpuSeconds(pid) - cpu) / times * 1000, bytes }
}

function table (sizes: readonly Size[], empty: number): string[][] {
  const row = (name: string, cell: (size: Size) => string) => [name, ...sizes.map(cell)]
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
  return [
    row('Users', ({ users }) => users.toLocaleString('en')),
    row('Cold start to ready, s', ({ cold }) => cold.toFixed(2)),
    row('Restart to ready, s', ({ restart }) => restart.toFixed(2)),
    row(`Memory, settled, MiB over the ${mib(empty)} of an empty lake`, ({ now }) => mib(now - empty)),
    row('Memory, at most, MiB over that', ({ peak }) => mib(peak - empty)),
    ...Object.keys(ANSWERS).map((name) => row(`${name}, CPU ms (MB)`, ({ answers }) => {
      const { cpuMs, bytes } = answers[name]!
      return `${cpuMs.toPrecision(2)} (${(bytes / 1e6).toPrecision(2)})`
    }))
  ]
}

function series (sizes: readonly Size[]): Series[] {
  return Object.keys(ANSWERS).map((name) => ({ name, points: sizes.map(({ users, answers }) => [users, answers[name]!.cpuMs] as const) }))
}
