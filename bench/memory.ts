import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { HELP_OPTION, parseOptions, wholeNumber } from '../scripts/arguments.js'
import { runCommand, type Command } from '../scripts/command.js'
import { personAt } from '../scripts/sample-data/person.js'
import { ENVIRONMENT } from '../scripts/start.js'
import { startS3Endpoint, type S3Endpoint } from '../test/support/s3-endpoint.js'

const HELP = `Measures the memory of the server over time with the default settings: a bucket of 100,000 records with two undeclared columns, five
changes a second, eight clients that page through listings and others that send mixed requests. It prints the resident memory
every 15 seconds, and at the end the number of responses by status. Exit code 1: a listing lost its version (410), or memory exceeded the limit.

node dist-test/bench/memory.js [options]

  --minutes N  duration (5)
  --records N  number of records (100000)
  --limit MIB  the resident memory that must not be exceeded (700)
  --server JS  the compiled server (dist-test/server.js)
  --glibc      leave the allocator at its defaults, which \`npm start\` and the container change
  --help       print this help

Linux only. The server gets the settings in the environment.`

const OPTIONS = {
  ...HELP_OPTION,
  minutes: { type: 'string', default: '5' },
  records: { type: 'string', default: '100000' },
  limit: { type: 'string', default: '700' },
  server: { type: 'string', default: fileURLToPath(new URL('../server.js', import.meta.url)) },
  glibc: { type: 'boolean', default: false }
} as const

/** The greatest values of `--minutes`, `--records` and `--limit`. */
const MAX_MINUTES = 10_000
const MAX_RECORDS = 10_000_000
const MAX_LIMIT = 1_000_000

const BUCKET = 'memory'
const CHANGES_PER_SECOND = 5
const PAGING_CLIENTS = 8
const PAGES = 10
/** Pause between pages, in milliseconds: a listing of ten pages takes half a minute. */
const PAGE_PAUSE_MS = 3000
const REPORT_MS = 15_000

const CITIES = ['Lima', 'Oslo', 'Pune', 'Quito', 'Riga', 'Sofia', 'Tunis', 'Ulm']
const keyOf = (record: number) => `source_data/${personAt(1, record).id}.csv`

/** The info file of a record. Seven of eight revisions change an undeclared column, the city; those of even records also change a declared one, the last name. */
function infoFile (record: number, revision: number): string {
  const { firstName, lastName, birthts } = personAt(1, record)
  const field = (text: string) => `"${text.replaceAll('"', '""')}"`
  const name = record % 2 === 0 ? `${lastName} ${revision}` : lastName
  return `first_name,last_name,birthts,city,height\n${field(firstName)},${field(name)},${birthts},${CITIES[(record + revision) % CITIES.length]},${150 + record % 50}\n`
}

function fill (endpoint: S3Endpoint, records: number): void {
  const bucket = endpoint.bucket(BUCKET)
  for (let record = 0; record < records; record++) {
    bucket.put(keyOf(record), infoFile(record, 0))
    if (record % 10 !== 0) bucket.put(keyOf(record).replace(/csv$/, 'png'), 'an image, which is listed and not read')
  }
}

async function startServer (endpoint: S3Endpoint, { server, glibc }: { readonly server: string, readonly glibc: boolean }): Promise<{ readonly pid: number, readonly url: string, readonly stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [server], {
    env: { ...(glibc ? {} : ENVIRONMENT), LAKE_URL: `s3://${BUCKET}`, AWS_ENDPOINT_URL_S3: endpoint.url, ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  process.on('exit', () => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    exit.then(() => reject(new Error('the server ended before it was ready')))
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [address] = /http:\/\/[\d.]+:\d+/.exec(line) ?? []
      if (address !== undefined) resolve(address)
    })
  })
  while ((await fetch(`${url}/readyz`)).status !== 200) await sleep(100)
  return { pid: child.pid!, url, stop: async () => { child.kill('SIGTERM'); await exit } }
}

const statuses = new Map<number, number>()

/** Sends a request and reads the whole response. */
async function request (url: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, { headers })
  await response.arrayBuffer()
  statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
  return response
}

/** What follows `?limit=500` in the queries of the listings. */
const LISTINGS = ['', '&min_age=30', '&image_exists=true', '&sort=-last_name', '&columns=user_id,city,height', '&where=city%3DOslo', '&sort=birthts', '&min_age=20&max_age=60&format=csv']

/** Pages through a listing again and again. The clients start one after the other, so that their listings end at different times. */
async function pageThrough (url: string, client: number, isOver: () => boolean): Promise<void> {
  await sleep(client / PAGING_CLIENTS * PAGES * PAGE_PAUSE_MS)
  while (!isOver()) {
    let next: string | undefined = `/data?limit=500${LISTINGS[client % LISTINGS.length]}`
    for (let page = 0; page < PAGES && next !== undefined && !isOver(); page++) {
      const response: Response = await request(url + next)
      next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
      await sleep(PAGE_PAUSE_MS)
    }
  }
}

/** Sends requests of many kinds, one after the other, with a pause after each. */
async function mixRequests (url: string, records: number, isOver: () => boolean): Promise<void> {
  const paths: readonly ((i: number) => string)[] = [
    (i) => `/stats?min_age=${20 + i % 40}`,
    (i) => `/data/${encodeURIComponent(personAt(1, i * 7919 % records).id)}`,
    (i) => `/data?min_age=${i % 60}&max_age=${i % 60 + 6}`,
    (i) => `/data?limit=100&min_age=${i % 80}`,
    (i) => `/data?format=csv&min_age=${i % 70}&max_age=${i % 70 + 4}&columns=user_id,last_name,city`,
    (i) => `/data?last_name=${'ABCDEFGHKLMNPRST'[i % 16]}*`,
    () => '/data'
  ]
  for (let i = 0; !isOver(); i++) {
    await request(url + paths[i % paths.length]!(i), i % 2 === 0 ? { 'accept-encoding': 'gzip' } : { 'accept-encoding': 'identity' })
    await sleep(100)
  }
}

async function changeRecords (endpoint: S3Endpoint, records: number, isOver: () => boolean): Promise<void> {
  for (let i = 0; !isOver(); i++) {
    const record = i * 104_729 % records
    endpoint.bucket(BUCKET).put(keyOf(record), infoFile(record, i + 1))
    await sleep(1000 / CHANGES_PER_SECOND)
  }
}

function residentMiB (pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

const memory: Command = async (argv, { stdout }) => {
  const options = parseOptions(argv, OPTIONS)
  if (options.help) return HELP
  const minutes = wholeNumber('--minutes', options.minutes, 1, MAX_MINUTES)
  const records = wholeNumber('--records', options.records, 1, MAX_RECORDS)
  const limit = wholeNumber('--limit', options.limit, 1, MAX_LIMIT)
  const endpoint = await startS3Endpoint()
  fill(endpoint, records)
  const server = await startServer(endpoint, options)
  const start = performance.now()
  const isOver = () => performance.now() - start > minutes * 60_000
  const clients = [
    changeRecords(endpoint, records, isOver),
    ...Array.from({ length: PAGING_CLIENTS }, (_, client) => pageThrough(server.url, client, isOver)),
    mixRequests(server.url, records, isOver),
    mixRequests(server.url, records, isOver)
  ]
  let peak = 0
  while (!isOver()) {
    await sleep(REPORT_MS)
    const resident = residentMiB(server.pid)
    peak = Math.max(peak, resident)
    stdout.write(`${((performance.now() - start) / 1000).toFixed(0).padStart(5)} s  ${resident.toFixed(0).padStart(5)} MiB\n`)
  }
  await Promise.all(clients)
  await server.stop()
  await endpoint.stop()
  stdout.write(`peak ${peak.toFixed(0)} MiB; responses by status: ${JSON.stringify(Object.fromEntries(statuses))}\n`)
  return peak > limit || statuses.has(410) ? 1 : 0
}

process.exit(await runCommand(memory, process.argv.slice(2), process))
