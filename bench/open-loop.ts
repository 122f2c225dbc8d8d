import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

// Asks a URL at a fixed rate, whatever the answers do, and tells how long they took from the moment at which they were due:
// open-loop.js <url> <requests a second>. It begins when it gets a message, and ends when it gets another one.

const [url, rate] = [process.argv[2]!, Number(process.argv[3])]
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
let times: number[] = []
let failed = 0
let running: AbortController | undefined

function ask (due: number): void {
  get(url, { agent }, (response) => {
    response.resume().on('end', () => {
      times.push(performance.now() - due)
      if (response.statusCode !== 200) failed++
    })
  }).on('error', () => failed++)
}

async function run (ended: AbortSignal): Promise<void> {
  const began = performance.now()
  for (let i = 0; !ended.aborted; i++) {
    const due = began + i * 1000 / rate
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    ask(due)
  }
}

process.on('message', () => {
  if (running === undefined) {
    running = new AbortController()
    times = []
    failed = 0
    run(running.signal).catch((error) => { throw error })
    process.send!({})
    return
  }
  running.abort()
  running = undefined
  const sorted = times.sort((a, b) => a - b)
  process.send!({ requests: sorted.length, failed, p50: sorted[Math.floor(sorted.length * 0.5)], p99: sorted[Math.floor(sorted.length * 0.99)], max: sorted.at(-1) })
})
process.stdout.write('{}\n')
