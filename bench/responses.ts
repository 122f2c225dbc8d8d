import { writeFileSync } from 'node:fs'
import { request } from 'undici'
import { isInstalled, startNode, type Child } from './child-process.js'
import type { Message, PreparedResponse } from './control.js'
import type { Target } from './load.js'
import { startNginx } from './nginx.js'
import type { Report } from './report.js'
import { compare, micros, sampleInTurn, type Samples } from './sampling.js'
import { addressOf, BENCH_KEY, type Service } from './service.js'

/** A request for about a tenth of the records. */
const TENTH = '/data?min_age=20&max_age=27&as_of=2026-01-01T00:00:00Z'
const STATS = '/stats?image_exists=true&min_age=30&max_age=60&as_of=2026-01-01T00:00:00Z'

export interface Services {
  readonly control: Child
  /** By number of records. */
  readonly bySize: ReadonlyMap<number, Service>
  /** A service on the largest lake that logs every request. */
  readonly logging: Service
  /** A service on the largest lake that checks API keys, and measures its process for `GET /metrics`. */
  readonly guarded: Service
}

/** A request whose response the control and nginx send as well, and the figures of the service that are compared with them. */
interface Group {
  readonly target: Target
  readonly rows: readonly Row[]
}

interface Row {
  readonly name: string
  /** The lowest ratio to the control that is accepted. */
  readonly min: number
  /** What is measured. Default: the target of the group. */
  readonly target?: Target
}

export interface ResponseOptions {
  readonly rounds: number
  readonly folder: string
}

/** The greatest number of groups that are measured together. */
const MAX_GROUPS = 20

/** Starts the control. Must be called before the services are started: a process that has just been started is faster than one that has waited for a while, so a later start would favour the control. */
export const startControl = (): Promise<Child> => startNode('./control.js', [String(MAX_GROUPS)])

/** Compares responses with the control and, for information, with nginx. */
export async function measureResponses (report: Report, control: Child, groups: readonly Group[], { rounds, folder }: ResponseOptions): Promise<void> {
  const responses = await Promise.all(groups.map(({ target }, i) => prepare(target, `${folder}/response-${i}`)))
  await control.request({ responses } satisfies Message)
  const nginx = isInstalled('nginx') ? await startNginx(folder) : undefined
  if (nginx === undefined) report.skip('Ratios to nginx', 'nginx is not installed (Debian: apt-get install nginx-light)')
  for (const [i, { target, rows }] of groups.entries()) {
    const references = [{ ...target, pid: control.pid, url: `${addressOf(control)}/${i}${new URL(target.url).search}` }]
    if (nginx !== undefined) references.push(await nginxTarget(nginx, `/response-${i}`, responses[i]!))
    const samples = await sampleInTurn([...references, ...rows.map((row) => row.target ?? target)], rounds, folder)
    const results = samples.slice(references.length)
    for (const [j, { name, min }] of rows.entries()) {
      report.check({ name, min, ...figures(samples[0]!, results[j]!) })
      if (nginx !== undefined) report.addToNginx({ name, ...figures(samples[1]!, results[j]!) })
    }
  }
  await nginx?.stop()
}

function figures (reference: Samples, target: Samples) {
  const { ratio, ...others } = compare(reference, target)
  return { value: ratio, ...others }
}

/** Requests a response and saves it for the control and nginx. */
async function prepare ({ url, headers = {} }: Target, file: string): Promise<PreparedResponse> {
  const response = await request(url, { headers })
  writeFileSync(file, Buffer.from(await response.body.arrayBuffer()))
  // Node sets these headers itself.
  const { date, connection, 'keep-alive': keepAlive, 'content-length': length, 'transfer-encoding': encoding, ...others } = response.headers as Record<string, string>
  return { status: response.statusCode, headers: others, file }
}

/** nginx serves the body as a file. For a 304 response, the request gets the ETag that nginx has given to the file. */
async function nginxTarget ({ pid, url }: { pid: number, url: string }, path: string, { status }: PreparedResponse): Promise<Target> {
  if (status !== 304) return { pid, url: url + path }
  const { headers } = await request(url + path, { method: 'HEAD' })
  return { pid, url: url + path, headers: { 'if-none-match': String(headers.etag) } }
}

const at = ({ pid, url }: Service, path: string, more: Partial<Target> = {}): Target => ({ pid, url: url + path, ...more })

/** Requests for all records of lakes of each size in each format, and for a tenth of the records of the largest lake. */
export function dataGroups ({ bySize }: Services): Group[] {
  const largest = bySize.get(Math.max(...bySize.keys()))!
  return [
    ...[...bySize].flatMap(([size, service]) => {
      const group = (name: string, path: string, headers: Record<string, string> = {}): Group => ({
        target: at(service, path, { headers }),
        rows: [{ name: `${name}, ${size} records`, min: size < 1000 ? 0.65 : 0.9 }]
      })
      return [
        group('GET /data', '/data'),
        group('GET /data as NDJSON', '/data?format=ndjson'),
        group('GET /data as CSV', '/data?format=csv'),
        group('GET /data, gzip', '/data', { 'accept-encoding': 'gzip' })
      ]
    }),
    {
      target: at(largest, TENTH),
      rows: [
        { name: 'GET /data, a tenth, requested again', min: 0.8 },
        { name: 'GET /data, a tenth, never requested before', min: 0.25, target: at(largest, '/', { paths: () => newTenths() }) }
      ]
    }
  ]
}

/** Requests for statistics of the smallest and the largest lake, and of the largest also with 304 responses, with a log line per request, and with keys and metrics. */
export async function statsGroups ({ bySize, logging, guarded }: Services): Promise<Group[]> {
  const sizes = [...bySize.keys()].sort((a, b) => a - b)
  const ends = [sizes[0]!, sizes.at(-1)!]
  const largest = bySize.get(ends[1]!)!
  const { headers, body } = await request(largest.url + STATS)
  await body.dump()
  return [
    ...ends.map((size) => ({ target: at(bySize.get(size)!, STATS), rows: [{ name: `GET /stats, ${size} records`, min: 0.7 }] })),
    { target: at(largest, STATS, { headers: { 'if-none-match': String(headers.etag) } }), rows: [{ name: 'GET /stats, If-None-Match', min: 0.85 }] },
    { target: at(logging, STATS), rows: [{ name: 'GET /stats, with the request log', min: 0.55 }] },
    { target: at(guarded, STATS, { headers: BENCH_KEY.headers }), rows: [{ name: 'GET /stats, with keys and metrics', min: 0.5 }] }
  ]
}

/** The number of minutes by which `newTenths` has moved its range so far. */
let minutes = 0

/** Paths of requests for about a tenth of the records. No path has been requested before: each moves the range of birth timestamps by a minute. */
function * newTenths (more = ''): Generator<string> {
  for (let i = 0; i < 20_000; i++) {
    const asOf = new Date(Date.UTC(2026, 0, 1) + ++minutes * 60_000).toISOString()
    yield `/data?age_basis=exact&min_age=20&max_age=28&as_of=${asOf}${more}`
  }
}

/** Other forms of the response with a tenth of the records, and the parameters that select them. */
const SHAPES = { 'two columns': '&columns=user_id,birthts', 'by last name': '&sort=-last_name', 'as CSV': '&format=csv' }

/** Measures the CPU time per byte of the forms in SHAPES, relative to the JSON of the same records in the default order. */
export async function measureShapes (report: Report, { bySize }: Services, { rounds, folder }: ResponseOptions): Promise<void> {
  const largest = bySize.get(Math.max(...bySize.keys()))!
  const variants = ['', ...Object.values(SHAPES)]
  const bytes = await Promise.all(variants.map(async (more) => {
    const [path] = newTenths(more)
    return (await (await request(largest.url + path)).body.arrayBuffer()).byteLength
  }))
  const samples = await sampleInTurn(variants.map((more) => at(largest, '/', { paths: () => newTenths(more) })), rounds, folder)
  const cost = samples.map((of, i) => micros(of) / bytes[i]!)
  for (const [i, name] of Object.keys(SHAPES).entries()) {
    report.inform({ name: `CPU per byte of a tenth of the records, ${name}, never requested before: ratio to plain JSON`, value: cost[i + 1]! / cost[0]! })
  }
}
