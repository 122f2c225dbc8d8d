import { readdirSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { memory, startNode } from '../../bench/child-process.js'
import { median } from '../../bench/sampling.js'
import { startService } from '../../bench/service.js'
import { finish, idAt, parseIsShort, print } from './lab.js'

const isShort = parseIsShort(`Constant load with changes of the bucket, aborted requests, slow readers, pipelining, images and event streams. Fails if the memory of the service
in the last third is more than 10 % above that in the second third, or if sockets or descriptors are left after the load. Linux only.

node dist-test/test/lab/soak.js [--short]

  --short  90 seconds instead of 30 minutes, and memory is not checked, because it has not reached its level yet
`)

const RECORDS = 20_000
const DURATION_MS = isShort ? 90_000 : 1_800_000
const SAMPLES = 60
const CHANGES_PER_SECOND = 5
/** Descriptors that may differ between two idle times, such as connections to the bucket that are still open. */
const TOLERANCE = 8

/** Aborted at the end of the load. */
const over = new AbortController()
const counts = new Map<string, number>()
const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)

interface Descriptors {
  readonly all: number
  readonly sockets: number
}

function descriptors (pid: number): Descriptors {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)]
    } catch {
      return [] // closed meanwhile
    }
  })
  return { all: links.length, sockets: links.filter((link) => link.startsWith('socket:')).length }
}

/** Repeats a task until the end of the load. */
async function repeat (pauseMs: number, task: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; !over.signal.aborted; i++) {
    await task(i)
    await sleep(pauseMs)
  }
}

async function get (url: string, headers: Record<string, string> = {}): Promise<void> {
  try {
    const response = await fetch(url, { headers })
    await response.arrayBuffer()
    count(String(response.status))
  } catch (error) {
    count(`broken off: ${String((error as Error).cause)}`)
  }
}

const ALL_RECORDS = 'GET /data HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Requests all records and leaves before the response, or within its body. */
async function abort (url: string, afterMs: number): Promise<void> {
  await exchange(url, ALL_RECORDS, { pauseMs: 0, totalMs: afterMs, isDone: () => false })
  count('aborted')
}

/** Sends bytes on a connection of its own, reads with a pause after each piece, and closes it after some time. */
async function exchange (url: string, text: string, { pauseMs, totalMs, isDone }: { readonly pauseMs: number, readonly totalMs: number, readonly isDone: (received: string) => boolean }): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  return await new Promise((resolve) => {
    let received = ''
    const end = (isComplete: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(isComplete)
    }
    const timer = setTimeout(() => end(false), totalMs)
    socket.on('error', () => end(false)).on('close', () => end(false))
    socket.on('data', (data) => {
      received = pauseMs > 0 ? '' : received + data.toString('latin1')
      if (isDone(received)) return end(true)
      if (pauseMs === 0) return
      socket.pause()
      setTimeout(() => socket.resume(), pauseMs)
    })
    socket.write(text)
  })
}

async function readSlowly (url: string): Promise<void> {
  await exchange(url, ALL_RECORDS, { pauseMs: 200, totalMs: 4000, isDone: () => false })
  count('slow readers')
}

async function pipeline (url: string, i: number): Promise<void> {
  const requests = Array.from({ length: 20 }, (_, n) => `GET /data/${encodeURIComponent(idAt((20 * i + n) % RECORDS))} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const isComplete = await exchange(url, requests.join(''), { pauseMs: 0, totalMs: 30_000, isDone: (received) => received.split('HTTP/1.1 200').length === 21 && received.endsWith('}\n') })
  count(isComplete ? 'pipelines' : 'incomplete pipelines')
}

async function listenForAWhile (url: string): Promise<void> {
  await exchange(url, 'GET /changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n', { pauseMs: 0, totalMs: 2000, isDone: () => false })
  count('event streams')
}

const endpoint = await startNode('./endpoint.js', [String(RECORDS)], { env: { AWS_ACCESS_KEY_ID: 'lab', AWS_SECRET_ACCESS_KEY: 'lab' } })
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'lab', AWS_SECRET_ACCESS_KEY: 'lab' })
const service = await startService({ LAKE_URL: `s3://lake-${RECORDS}`, AWS_ENDPOINT_URL_S3: endpoint.firstLine.url, MAX_STALENESS: '2s', AGGREGATE_INTERVAL: '30s' })
const { url, pid } = service

/** Waits until connections without use are closed: those to the bucket after some seconds. Returns what is open then. */
async function settle (): Promise<Descriptors> {
  let open = descriptors(pid)
  for (let i = 0; i < 20; i++) {
    await sleep(1000)
    const { all, sockets } = descriptors(pid)
    if (all < open.all) open = { all, sockets }
  }
  return open
}

for (let i = 0; i < 20; i++) await get(`${url}/data?min_age=${i}`) // both sides have opened what they keep open
const before = await settle()
const start = performance.now()
const load = [
  repeat(1000, async (i) => { await endpoint.request({ touch: `lake-${RECORDS}`, records: CHANGES_PER_SECOND, from: CHANGES_PER_SECOND * i % RECORDS }) }),
  repeat(50, (i) => get(`${url}/stats?min_age=${i % 50}`)),
  repeat(50, (i) => get(`${url}/data?limit=100&min_age=${i % 60}`, i % 2 === 0 ? { 'accept-encoding': 'gzip' } : {})),
  repeat(200, (i) => get(`${url}/data?min_age=${i % 60}&max_age=${i % 60 + 5}&format=csv`)),
  repeat(200, (i) => get(`${url}/data/${encodeURIComponent(idAt(i % RECORDS))}/image`)),
  repeat(200, (i) => abort(url, i % 20)),
  ...Array.from({ length: 4 }, () => repeat(100, () => readSlowly(url))),
  repeat(200, (i) => pipeline(url, i)),
  ...Array.from({ length: 4 }, () => repeat(100, () => listenForAWhile(url)))
]
const resident: number[] = []
for (let i = 1; i <= SAMPLES; i++) {
  await sleep(start + i * DURATION_MS / SAMPLES - performance.now())
  resident.push(memory(pid).now / 2 ** 20)
  const { all, sockets } = descriptors(pid)
  if (i % 5 === 0) print(`${(i * DURATION_MS / SAMPLES / 1000).toFixed(0).padStart(5)} s  ${resident.at(-1)!.toFixed(0)} MiB  ${all} descriptors, ${sockets} sockets`)
}
over.abort()
await Promise.all(load)
const after = await settle()
const third = (n: number) => median(resident.slice(n * SAMPLES / 3, (n + 1) * SAMPLES / 3))
print(`memory by thirds of the time: ${[0, 1, 2].map((n) => third(n).toFixed(0)).join(', ')} MiB; descriptors before the load ${before.all}, after ${after.all}; sockets ${before.sockets}, ${after.sockets}`)
print(JSON.stringify(Object.fromEntries(counts)))
await service.stop()
await endpoint.stop()
const failures: string[] = []
if (!isShort && third(2) > 1.1 * third(1)) failures.push('memory grows')
if (after.all > before.all + TOLERANCE || after.sockets > before.sockets + TOLERANCE) failures.push('descriptors or sockets are left')
for (const [outcome, number] of counts) if (/^5|incomplete|broken/.test(outcome)) failures.push(`${number} times: ${outcome}`)
finish(failures)
