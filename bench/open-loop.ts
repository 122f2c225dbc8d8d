import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

// Requests a URL at a fixed rate, which does not depend on how fast responses arrive, and measures each latency from the time at which the request
// was due: open-loop.js <url> <requests per second>. The first message starts the load. The second one stops it. Its
// reply is sent when all responses have arrived, and contains their number (`requests`), the number of failures (`failed`), the latencies in milliseconds (`p50`, `p99`,
// `max`), the number of responses that took 100 ms or longer (`slow`), and the greatest Age in seconds (`maxAge`).

const [url, rate] = [process.argv[2]!, Number(process.argv[3])]
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
/** The requests that have not ended. Each promise is fulfilled when its request ends. */
const pending = new Set<Promise<void>>()
let latencies: number[] = []
let failed = 0
let maxAge = 0
let running: AbortController | undefined

function send (due: number): void {
  const request = get(url, { agent }, (response) => {
    response.resume().on('end', () => {
      latencies.push(performance.now() - due)
      maxAge = Math.max(maxAge, Number(response.headers.age ?? 0))
      if (response.statusCode !== 200) failed++
    })
  }).on('error', () => failed++)
  const closed = new Promise<void>((resolve) => request.on('close', resolve)).then(() => { pending.delete(closed) })
  pending.add(closed)
}

async function run (stopped: AbortSignal): Promise<void> {
  const start = performance.now()
  for (let i = 0; !stopped.aborted; i++) {
    const due = start + i * 1000 / rate
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    if (!stopped.aborted) send(due)
  }
}

process.on('message', async () => {
  if (running === undefined) {
    running = new AbortController()
    latencies = []
    failed = 0
    maxAge = 0
    run(running.signal).catch((error) => { throw error })
    process.send!({})
    return
  }
  running.abort()
  running = undefined
  await Promise.all(pending) // the slowest requests are among those that are unfinished now
  const sorted = latencies.sort((a, b) => a - b)
  const percentile = (share: number) => sorted[Math.floor(sorted.length * share)]
  const slow = sorted.filter((ms) => ms >= 100).length
  process.send!({ requests: sorted.length, failed, p50: percentile(0.5), p99: percentile(0.99), max: sorted.at(-1), slow, maxAge })
})
process.stdout.write('{}\n') // reports that the process is ready
