import { setImmediate } from 'node:timers/promises'
import { parseDuration } from '../lib/base/duration.js'
import { DEFAULTS } from '../lib/base/defaults.js'
import { Refresher, type Refreshed } from '../lib/refresher.js'
import { RangedLister } from '../lib/store/s3/ranged-lister.js'
import { ListedKeys } from '../test/support/listed-keys.js'
import { VirtualTime } from '../test/support/virtual-time.js'

// Prints the table of docs/costs.md: the LIST requests of one hour of virtual time, in which reads arrive all the time, and what they cost on AWS.

const HOUR_MS = 3_600_000
/** Dollars for 1,000 LIST requests: the price of S3 Standard in us-east-1. */
const PRICE = 0.005
const HOURS_A_MONTH = 730
/** Milliseconds between two reads. */
const READ_INTERVAL_MS = 500
/** `AGGREGATE_INTERVAL`. */
const JOB_INTERVAL_MS = 300_000
/** Milliseconds of CPU time for a page, in the listing thread. */
const PAGE_CPU_MS = 1.5
/** Numbers of records. Each has an info file and an image. */
const SIZES = [1000, 10_000, 100_000, 1_000_000]
const SETTINGS = [
  { latencyMs: 30, staleness: '2s', limit: Infinity },
  { latencyMs: 30, staleness: '2s', limit: 600 },
  { latencyMs: 100, staleness: '2s', limit: 600 },
  { latencyMs: 30, staleness: '1m', limit: 600 },
  { latencyMs: 30, staleness: '2s', limit: 60 }
] as const

/** `rounds`: how many round trips follow one after the other, because a request depends on the response to another one. */
interface Listing { readonly requests: number, readonly rounds: number }

/** Lists keys twice, and measures the second listing, whose ranges are known from the first one. */
async function relist (keys: readonly string[]): Promise<Listing> {
  const bucket = new ListedKeys(keys)
  const lister = new RangedLister({ url: 's3://lake', pagesOf: (prefix, range) => bucket.pagesOf(prefix, range), farMs: 0 }) // lists in ranges whatever the latency
  let [requests, rounds] = [0, 0]
  for (let listing = 0; listing < 2; listing++) {
    [requests, rounds] = [0, 0]
    const progress = { isOver: false }
    const reading = readAll(lister.list('')).finally(() => { progress.isOver = true })
    while (!progress.isOver) {
      await setImmediate()
      if (bucket.waiting === 0) continue
      rounds++
      requests += bucket.waiting
      bucket.executeAll()
    }
    await reading
  }
  return { requests, rounds }
}

/** Reads all pages of a listing. */
async function readAll (pages: AsyncIterator<unknown>): Promise<void> {
  while (!(await pages.next()).done);
}

/** What was measured in an hour: the number of LIST requests, the greatest age of the data, and the duration of a listing. */
interface Hour { readonly lists: number, readonly maxAgeMs: number, readonly listingMs: number }

/** Simulates one replica for the time between two jobs, and then for an hour, which is measured. */
async function simulate ({ requests, rounds }: Listing, { latencyMs, staleness, limit }: (typeof SETTINGS)[number]): Promise<Hour> {
  const time = new VirtualTime()
  const listingMs = Math.max(rounds * latencyMs, requests * PAGE_CPU_MS)
  let [lists, maxAgeMs] = [0, 0]
  const refresher = new Refresher<Refreshed>(async () => {
    const listedAt = time.clock()
    lists += requests
    await time.sleep(listingMs)
    return { listedAt, listingMs, requests, failed: [] }
  }, {
    clock: time.clock,
    timer: time.timer,
    pause: (ms) => time.sleep(ms),
    rules: { maxStalenessMs: parseDuration(staleness)!, refreshWaitMs: parseDuration(DEFAULTS.refreshWait)!, maxStaleIfErrorMs: Infinity, maxListRequests: limit }
  })
  for (let now = 0; now < HOUR_MS + JOB_INTERVAL_MS; now += READ_INTERVAL_MS) {
    if (now === JOB_INTERVAL_MS) [lists, maxAgeMs] = [0, 0]
    if (now % JOB_INTERVAL_MS === 0) refresher.refresh({ fresh: true })
    refresher.ensure()
    maxAgeMs = Math.max(maxAgeMs, refresher.freshness().ageMs ?? 0)
    await time.advance(READ_INTERVAL_MS)
  }
  return { lists, maxAgeMs, listingMs }
}

function formatDuration (ms: number): string {
  if (ms < 100) return `${ms} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}

const dollars = (lists: number) => `$${Math.round(lists * HOURS_A_MONTH * PRICE / 1000).toLocaleString('en')}`

const rows = [
  '| Records with images | Pages | Latency | MAX_STALENESS | MAX_LIST_REQUESTS | A listing | Oldest data | LIST an hour | A month |',
  '| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |'
]
for (const records of SIZES) {
  const keys = Array.from({ length: records * 2 }, (_, i) => `${String(i >> 1).padStart(7, '0')}.${i % 2 === 0 ? 'csv' : 'png'}`)
  const listing = await relist(keys)
  for (const settings of SETTINGS) {
    const { latencyMs, staleness, limit } = settings
    const { lists, maxAgeMs, listingMs } = await simulate(listing, settings)
    const counts = [records.toLocaleString('en'), listing.requests.toLocaleString('en')]
    const times = [formatDuration(listingMs), formatDuration(maxAgeMs)]
    rows.push(`| ${[...counts, `${latencyMs} ms`, staleness, limit === Infinity ? 'unlimited' : limit, ...times, lists.toLocaleString('en'), dollars(lists)].join(' | ')} |`)
  }
}
process.stdout.write(rows.join('\n') + '\n')
