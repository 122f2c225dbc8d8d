import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { personAt } from '../scripts/sample-data/person.js'
import { startS3Endpoint, type S3Endpoint } from '../test/support/s3-endpoint.js'

const HELP = `Measures the memory of the server over time with the default settings: a bucket of 100,000 users with two undeclared columns, five
changes a second, eight clients that page through listings and others that send mixed requests. It prints the resident memory
every 15 seconds, and then the responses by status. Exit code 1: a listing was lost (410), or memory exceeded the limit.

node dist-test/bench/memory.js [options]

  --minutes N  how long (5)
  --users N    how many users (100000)
  --limit MIB  the most memory that is allowed (700)
  --server JS  the compiled server (the one beside this script)
  --glibc      the allocator as it is without \`npm start\` and without the container
  --help

Linux only. Settings in the environment reach the server.`

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    users: { type: 'string', default: '100000' },
    limit: { type: 'string', default: '700' },
    server: { type: 'string', default: fileURLToPath(new URL('../server.js', import.meta.url)) },
    glibc: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

const BUCKET = 'memory'
const CHANGES_PER_SECOND = 5
const PAGING_CLIENTS = 8
const PAGES = 10
/** A listing of ten pages takes half a minute. Milliseconds. */
const PAGE_PAUSE_MS = 3000
const REPORT_MS = 15_000
/** What `npm start` and the container set. */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '1048576' }

const CITIES = ['Lima', 'Oslo', 'Pune', 'Quito', 'Riga', 'Sofia', 'Tunis', 'Ulm']
const keyOf = (user: number) => `source_data/${personAt(1, user).id}.csv`

function infoFile (user: number, revision: number): string {
  const { firstName, lastName, birthts } = personAt(1, user)
  const field = (text: string) => `"${text.replaceAll('"', '""')}"`
  return `first_name,last_name,birthts,city,height\n${field(firstName)},${field(lastName)},${birthts},${CITIES[(user + revision) % CITIES.length]},${150 + (user + revision) % 50}\n`
}

function fill (endpoint: S3Endpoint, users: number): void {
  const bucket = endpoint.bucket(BUCKET)
  for (let user = 0; user < users; user++) {
    bucket.put(keyOf(user), infoFile(user, 0))
    if (user % 10 !== 0) bucket.put(keyOf(user).replace(/csv$/, 'png'), 'an image, which is listed and not read')
  }
}

async function startServer (endpoint: S3Endpoint): Promise<{ readonly pid: number, readonly url: string, readonly stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [options.server], {
    env: { ...(options.glibc ? {} : ALLOCATOR), LAKE_URL: `s3://${BUCKET}`, AWS_ENDPOINT_URL_S3: endpoint.url, ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  process.on('exit', () => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    exit.then(() => reject(new Error('the server has ended')))
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

const LISTINGS = ['', '&min_age=30', '&image_exists=true', '&sort=-last_name', '&columns=user_id,city,height', '&where=city%3DOslo', '&sort=birthts', '&min_age=20&max_age=60&format=csv']

async function pageThrough (url: string, client: number, isOver: () => boolean): Promise<void> {
  await sleep(client * PAGE_PAUSE_MS / PAGING_CLIENTS * 10)
  while (!isOver()) {
    let next: string | undefined = `/data?limit=500${LISTINGS[client % LISTINGS.length]}`
    for (let page = 0; page < PAGES && next !== undefined && !isOver(); page++) {
      const response: Response = await request(url + next)
      next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
      await sleep(PAGE_PAUSE_MS)
    }
  }
}

/** Requests of many kinds, one after the other, each with a pause after it. */
async function mixRequests (url: string, users: number, isOver: () => boolean): Promise<void> {
  const paths: readonly ((i: number) => string)[] = [
    (i) => `/stats?min_age=${20 + i % 40}`,
    (i) => `/data/${encodeURIComponent(personAt(1, i * 7919 % users).id)}`,
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

async function change (endpoint: S3Endpoint, users: number, isOver: () => boolean): Promise<void> {
  for (let i = 0; !isOver(); i++) {
    const user = i * 104_729 % users
    endpoint.bucket(BUCKET).put(keyOf(user), infoFile(user, i + 1))
    await sleep(1000 / CHANGES_PER_SECOND)
  }
}

function residentMiB (pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

async function main (): Promise<number> {
  const users = Number(options.users)
  const endpoint = await startS3Endpoint()
  fill(endpoint, users)
  const server = await startServer(endpoint)
  const began = performance.now()
  const isOver = () => performance.now() - began > Number(options.minutes) * 60_000
  const clients = [
    change(endpoint, users, isOver),
    ...Array.from({ length: PAGING_CLIENTS }, (_, client) => pageThrough(server.url, client, isOver)),
    mixRequests(server.url, users, isOver),
    mixRequests(server.url, users, isOver)
  ]
  let most = 0
  while (!isOver()) {
    await sleep(REPORT_MS)
    const resident = residentMiB(server.pid)
    most = Math.max(most, resident)
    process.stdout.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${resident.toFixed(0).padStart(5)} MiB\n`)
  }
  await Promise.all(clients)
  await server.stop()
  await endpoint.stop()
  process.stdout.write(`most ${most.toFixed(0)} MiB; responses by status: ${JSON.stringify(Object.fromEntries(statuses))}\n`)
  return most > Number(options.limit) || statuses.has(410) ? 1 : 0
}

if (options.help) process.stdout.write(HELP + '\n')
process.exit(options.help ? 0 : await main())
