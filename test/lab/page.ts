import { startService } from '../../bench/service.js'
import { closeBrowser, openPage, untilShown, type Page } from '../support/browser.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { fill, finish, parseIsShort, percentile, print } from './lab.js'

const isShort = parseIsShort(`Opens the web page in Chromium on a lake of 100,000 and of 1,000,000 records, on this machine, and scrolls its table over many pages. Prints how
long it takes until the first rows are visible, the times between frames while the table is scrolled, how long a jump to the last record takes, and the memory of scripts. Fails if the first rows of 100,000 records take 1 s or more,
or if one frame in a hundred takes more than 50 ms. Needs Chromium and tools/browser: tools/install.sh browser.

node dist-test/test/lab/page.js [--short]

  --short  1,000 records only, and 2 seconds of scrolling instead of 20
`)

const LAKES = isShort ? [1000] : [100_000, 1_000_000]
const LOADS = isShort ? 2 : 7
const SCROLL_MS = isShort ? 2000 : 20_000
const ROW_HEIGHT = 44
const PIXELS_PER_FRAME = 10 * ROW_HEIGHT
/** A request for the cursor of a distant page skips this number of records: MAX_SKIPPED pages in web/record-pages.ts. */
const SKIPPED_RECORDS = 10_000
const FIRST_ROWS_WITHIN_MS = 1000
const FRAME_WITHIN_MS = 50

/** Sets the milliseconds from the start of the navigation until the first rows are painted. */
const OBSERVE_FIRST_ROWS = `new MutationObserver((_, observer) => {
  if (document.querySelector('#table-body tr[data-key]') === null) return
  observer.disconnect()
  requestAnimationFrame(() => setTimeout(() => { window.firstRowsMs = performance.now() }))
}).observe(document, { childList: true, subtree: true })`

/** Scrolls the table for SCROLL_MS; resolves with what `Scrolling` has. The last row in the document is a spacer. */
const SCROLL = `new Promise((resolve) => {
  const scroller = document.getElementById('table-scroller')
  const tasks = []
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ entryTypes: ['longtask'] })
  const frames = []
  let blank = 0
  let last
  const start = performance.now()
  const step = (now) => {
    if (last !== undefined) frames.push(now - last)
    last = now
    const row = document.querySelector('#table-body tr:nth-last-child(2)')
    if (scroller.scrollTop + scroller.clientHeight < scroller.scrollHeight && row.getBoundingClientRect().bottom < scroller.getBoundingClientRect().bottom - 1) blank++
    scroller.scrollTop += ${PIXELS_PER_FRAME}
    if (now < start + ${SCROLL_MS}) return requestAnimationFrame(step)
    resolve({ frames, tasks, blank, rows: Math.round(scroller.scrollTop / ${ROW_HEIGHT}) })
  }
  requestAnimationFrame(step)
})`

/** Jumps to the end of the table; resolves with the milliseconds until its last row is there, the number of requests, and the bytes of scripts. */
const JUMP = `new Promise((resolve) => {
  const scroller = document.getElementById('table-scroller')
  const end = document.getElementById('table').getAttribute('aria-rowcount')
  performance.setResourceTimingBufferSize(1e5)
  performance.clearResourceTimings()
  const start = performance.now()
  scroller.scrollTop = scroller.scrollHeight
  const look = () => {
    if (document.querySelector('#table-body tr[aria-rowindex="' + end + '"]') === null) return requestAnimationFrame(look)
    const requests = performance.getEntriesByType('resource').filter(({ name }) => name.includes('cursor=')).length
    resolve({ ms: performance.now() - start, requests, bytes: performance.memory.usedJSHeapSize })
  }
  look()
})`

interface Scrolling {
  /** Milliseconds between frames, and those of tasks of 50 ms or more. */
  readonly frames: readonly number[]
  readonly tasks: readonly number[]
  /** The number of frames in which a row in view was missing. */
  readonly blank: number
  /** The number of rows that were scrolled over. */
  readonly rows: number
}

const failures: string[] = []

async function firstRowsMs (page: Page, url: string): Promise<number> {
  await page.goto(url)
  await untilShown(async () => await page.evaluate<boolean>('window.firstRowsMs !== undefined'))
  return await page.evaluate<number>('window.firstRowsMs')
}

for (const records of LAKES) {
  const endpoint = await startS3Endpoint()
  fill(endpoint.bucket('lake'), records)
  const service = await startService({ LAKE_URL: 's3://lake', AWS_ENDPOINT_URL_S3: endpoint.url, PUBLISH: 'false' })
  const teardowns: (() => Promise<void>)[] = []
  const page = await openPage({ teardown: (end) => { teardowns.push(end) } })
  await page.addInitScript(OBSERVE_FIRST_ROWS)
  const loads: number[] = []
  for (let i = 0; i < LOADS; i++) loads.push(await firstRowsMs(page, `${service.url}/`))
  await untilShown(async () => await page.evaluate<boolean>("document.querySelector('[aria-busy]') === null"))
  const { frames, tasks, blank, rows } = await page.evaluate<Scrolling>(SCROLL)
  const jump = await page.evaluate<{ readonly ms: number, readonly requests: number, readonly bytes: number }>(JUMP)
  const [first, ...others] = loads
  const median = percentile(loads, 0.5)
  const frame = percentile(frames, 0.99)
  print(`${records.toLocaleString('en')} records: first rows after ${first!.toFixed(0)} ms (first load), ${percentile(others, 0.5).toFixed(0)} ms (median of ${others.length} loads)`)
  print(`  scrolled over ${rows.toLocaleString('en')} rows in ${SCROLL_MS / 1000} s: frames p50 ${percentile(frames, 0.5).toFixed(1)} ms, p99 ${frame.toFixed(1)} ms, longest ${Math.max(...frames).toFixed(1)} ms; ${tasks.length} tasks of 50 ms or more; rows were missing in ${(100 * blank / frames.length).toFixed(1)} % of the frames`)
  print(`  jump to the last record: ${jump.ms.toFixed(0)} ms, ${jump.requests} requests; scripts have ${(jump.bytes / 2 ** 20).toFixed(1)} MiB`)
  // Twice the requests that skip records, and ten for the pages at the end.
  if (jump.requests > 2 * records / SKIPPED_RECORDS + 10) failures.push(`${records} records: a jump to the last one took ${jump.requests} requests`)
  if (records <= 100_000 && median >= FIRST_ROWS_WITHIN_MS) failures.push(`${records} records: first rows only after ${median.toFixed(0)} ms`)
  if (frame > FRAME_WITHIN_MS) failures.push(`${records} records: one frame in a hundred takes ${frame.toFixed(0)} ms or more`)
  for (const end of teardowns) await end()
  await service.stop()
  await endpoint.stop()
}
await closeBrowser()
finish(failures)
