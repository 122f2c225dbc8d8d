import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

// Requests a URL at a fixed rate, which does not depend on how fast responses arrive, and measures each latency from the time at which the request
// was due: open-loop.js <url> <requests per second>. The first message starts the load. The second one stops it; its reply contains the latencies in
// milliseconds, the number of responses that took 100 ms or longer (`slow`), and the greatest Age in seconds.

const [url, rate] = [process.argv[2]!, Number(process.argv[3])]
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
let latencies: number[] = []
let failed = 0
let maxAge = 0
let running: AbortController | undefined

function send (due: number): void {
  get(url, { agent }, (response) => {
    response.resume().on('end', () => {
      latencies.push(performance.now() - due)
      maxAge = Math.max(maxAge, Number(response.headers.age ?? 0))
      if (response.statusCode !== 200) failed++
    })
  }).on('error', () => failed++)
}

async function run (stopped: AbortSignal): Promise<void> {
  const start = performance.now()
  for (let i = 0; !stopped.aborted; i++) {
    const due = start + i * 1000 / rate
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    send(due)
  }
}

process.on('message', () => {
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
  const sorted = latencies.sort((a, b) => a - b)
  const percentile = (share: number) => sorted[Math.floor(sorted.length * share)]
  const slow = sorted.filter((ms) => ms >= 100).length
  process.send!({ requests: sorted.length, failed, p50: percentile(0.5), p99: percentile(0.99), max: sorted.at(-1), slow, maxAge })
})
process.stdout.write('{}\n') // reports that the process is ready
