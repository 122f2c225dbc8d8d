import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { isInstalled, track } from '../../bench/child-process.js'
import { startService, type Service } from '../../bench/service.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { fill, finish, idAt, parseIsShort, print } from './lab.js'

const isShort = parseIsShort(`Restarts three replicas behind haproxy, one after the other, while 32 clients with persistent connections send requests. haproxy probes /readyz
every 500 ms and does not retry. Fails if a request fails. Without haproxy (Debian: apt-get install haproxy) nothing is done.

node dist-test/test/lab/rolling-restart.js [--short]

  --short  one round of restarts, instead of as many as 100,000 requests take
`)

const RECORDS = 1000
const CLIENTS = 32
const MIN_REQUESTS = isShort ? 0 : 100_000
/** haproxy notices after two failed probes. */
const SHUTDOWN_DELAY = '4s'

const PATHS = [
  (i: number) => `/data/${encodeURIComponent(idAt(i * 7919 % RECORDS))}`,
  (i: number) => `/data?limit=20&min_age=${i % 50}`,
  () => '/stats',
  () => '/data'
]

/** Sends requests until `isOver`, at most one at a time on each of the connections. Counts the outcomes in `outcomes`. */
async function sendRequests (url: string, isOver: () => boolean, outcomes: Map<string, number>): Promise<void> {
  const pool = new Pool(url, { connections: CLIENTS, pipelining: 1 })
  const client = async (first: number) => {
    for (let i = first; !isOver(); i += CLIENTS) {
      const outcome = await request(pool, PATHS[i % PATHS.length]!(i))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)))
  await pool.close()
}

async function request (pool: Pool, path: string): Promise<string> {
  try {
    const { statusCode, body } = await pool.request({ path, method: 'GET' })
    const bytes = await body.arrayBuffer()
    return bytes.byteLength > 0 ? String(statusCode) : `${statusCode}, empty`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

async function freePorts (count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Starts haproxy. Returns its URL, and the function that waits until it sends requests to all replicas. */
async function startProxy (folder: string, ports: readonly number[]): Promise<{ readonly url: string, readonly allUp: () => Promise<void>, readonly stop: () => Promise<void> }> {
  const [port, statsPort] = await freePorts(2)
  writeFileSync(`${folder}/haproxy.cfg`, `defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 65s
  timeout server 65s
  timeout http-keep-alive 60s
frontend service
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 500ms fall 2 rise 2
${ports.map((port, i) => `  server replica${i} 127.0.0.1:${port}`).join('\n')}
listen stats
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri /
`)
  const proxy = track(spawn('haproxy', ['-db', '-f', `${folder}/haproxy.cfg`], { stdio: ['ignore', 'ignore', 'inherit'], detached: true }))
  const states = async () => {
    const rows = (await (await fetch(`http://127.0.0.1:${statsPort}/;csv`)).text()).split('\n').map((row) => row.split(','))
    const column = rows[0]!.indexOf('status')
    return rows.filter(([name, server]) => name === 'replicas' && server!.startsWith('replica')).map((row) => row[column])
  }
  const allUp = async () => {
    for (;;) {
      const seen = await states().catch(() => [])
      if (seen.length === ports.length && seen.every((state) => state === 'UP')) return
      await sleep(100)
    }
  }
  return { url: `http://127.0.0.1:${port}`, allUp, stop: proxy.stop }
}

async function main (): Promise<readonly string[]> {
  const folder = mkdtempSync(`${tmpdir()}/userlake-lab-`)
  const endpoint = await startS3Endpoint()
  fill(endpoint.bucket('lake'), RECORDS)
  const ports = await freePorts(3)
  const start = async (port: number) => await startService({ LAKE_URL: 's3://lake', AWS_ENDPOINT_URL_S3: endpoint.url, MAX_STALENESS: '2s', SHUTDOWN_DELAY, PORT: String(port) })
  const replicas: Service[] = []
  for (const port of ports) replicas.push(await start(port))
  const proxy = await startProxy(folder, ports)
  await proxy.allUp()

  const outcomes = new Map<string, number>()
  let restarts = 0
  const total = () => [...outcomes.values()].reduce((sum, count) => sum + count, 0)
  let isOver = false
  const load = sendRequests(proxy.url, () => isOver, outcomes)
  do {
    for (const [i, port] of ports.entries()) {
      await replicas[i]!.stop()
      replicas[i] = await start(port)
      await proxy.allUp()
      restarts++
    }
  } while (total() < MIN_REQUESTS)
  isOver = true
  await load
  print(`${total()} requests during ${restarts} restarts; outcomes: ${JSON.stringify(Object.fromEntries(outcomes))}`)
  await proxy.stop()
  await Promise.all(replicas.map((replica) => replica.stop()))
  await endpoint.stop()
  rmSync(folder, { recursive: true })
  return [...outcomes].filter(([outcome]) => outcome !== '200').map(([outcome, count]) => `${count} requests: ${outcome}`)
}

if (isInstalled('haproxy')) finish(await main())
print('skipped: haproxy is not installed')
