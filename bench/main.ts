import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { HELP_OPTION, parseOptions } from '../scripts/arguments.js'
import { runCommand, UsageError, type Command } from '../scripts/command.js'
import { startNode, type Child } from './child-process.js'
import { measureColdLoad } from './cold-load.js'
import { measureDownloads } from './downloads.js'
import { farEndpoint, measureFar } from './far.js'
import { measureFolder } from './folder.js'
import { measureGrowth } from './growth.js'
import { measurePeers } from './peers.js'
import { measureReading, measureRelisting } from './reading.js'
import { measureFarRealStore, measureRealStore } from './real-store.js'
import { Report } from './report.js'
import { dataGroups, measureResponses, measureShapes, startControl, statsGroups, type Services } from './responses.js'
import { BENCH_KEY, startService, waitForFirstJob, type Service } from './service.js'

const HELP = `Measures the performance that the product promises. Prints a table of all figures, those of responses as ratios to the control (a bare Fastify route that sends
the same bytes, measured in the same run), a second one with ratios to nginx, and tables of the parts that --full adds. The exit code is 1 if a figure is not as required.

npm run bench -- [options]

  --smoke      every row with one repetition, in less than 3 minutes; the figures are rough and do not affect the exit code
  --full       also a store that is far away, up to 1,000,000 records, a folder, ROAPI and Datasette (tools/peers/install.sh), and a real
               S3 server (S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY; S3_TEST_STORE: its name in the tables): about
               40 minutes
  --only PART  only one part: data (GET /data), stats (GET /stats), reading (CPU time of downloads and listings), load (requests during a
               cold load, and restarts); or one that --full adds: far (a store that is far away), downloads (their number at a time), store
               (the real S3 server), folder, peers (ROAPI and Datasette), growth (100 to 1,000,000 records)
  --json FILE  where to write the figures (bench.json)
  --plots DIR  where --full draws its plots, growth.svg and downloads.svg (docs)
  --help       print this help

Defaults are in parentheses. Linux only; about ten minutes. The requests come from wrk and the second table from nginx, if they are installed
(Debian: apt-get install nginx-light wrk); without wrk, autocannon is used, which is slower.`

/** The parts that are measured by default, and those that --full adds. */
const PARTS = ['data', 'stats', 'reading', 'load']
const FULL_PARTS = ['far', 'downloads', 'store', 'folder', 'peers', 'growth']

const OPTIONS = {
  ...HELP_OPTION,
  smoke: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  only: { type: 'string' },
  json: { type: 'string', default: 'bench.json' },
  plots: { type: 'string', default: 'docs' }
} as const

/** Numbers of records. */
const SIZES = [100, 10_000, 100_000]
/** The number of records of the bucket whose objects are downloaded in each round. */
const DOWNLOADED = 5000

/** The numbers of repetitions, and the milliseconds for which the idle service and one with a store that is far away are observed. */
const NORMAL = { rounds: 9, readingRounds: 5, idleMs: 4000, periodMs: 60_000 }
const SMOKE = { rounds: 1, readingRounds: 1, idleMs: 1000, periodMs: 5000 }

const bench: Command = async (argv) => {
  const { smoke, full, only, json, plots, help } = parseOptions(argv, OPTIONS)
  if (help) return HELP
  const allParts = [...PARTS, ...FULL_PARTS]
  if (only !== undefined && !allParts.includes(only)) throw new UsageError(`--only: got '${only}'; must be one of ${allParts.join(', ')}`)
  const parts = only !== undefined ? [only] : full ? allParts : PARTS
  const isSelected = (name: string) => parts.includes(name)
  const { rounds, readingRounds, idleMs, periodMs } = smoke ? SMOKE : NORMAL
  const folder = mkdtempSync(join(tmpdir(), 'userlake-bench-'))
  const report = new Report()
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' })
  const endpoint = await startNode('./endpoint.js', [...SIZES, DOWNLOADED].map(String))
  try {
    if (isSelected('data') || isSelected('stats')) {
      await withServices(endpoint, async (services) => {
        if (isSelected('data')) {
          await measureResponses(report, services.control, dataGroups(services), { rounds, folder })
          await measureShapes(report, services, { rounds, folder })
        }
        if (isSelected('stats')) await measureResponses(report, services.control, await statsGroups(services), { rounds, folder })
      })
    }
    if (isSelected('reading')) {
      await measureReading(report, endpoint.firstLine.url, { rounds: readingRounds, small: `lake-${DOWNLOADED}`, large: 'lake-100000' })
      await measureRelisting(report, { rounds: readingRounds })
    }
    if (isSelected('load')) await measureColdLoad(report, endpoint, { idleMs })
    if (isSelected('far')) {
      await measureFar(report, farEndpoint(endpoint), { periodMs })
      await measureFarRealStore(report, { periodMs })
    }
    if (isSelected('downloads')) await measureDownloads(report, endpoint, join(plots, 'downloads.svg'))
    if (isSelected('store')) await measureRealStore(report, { rounds: readingRounds, folder })
    if (isSelected('folder')) await measureFolder(report, folder)
    if (isSelected('peers')) await measurePeers(report, endpoint, folder)
    if (isSelected('growth')) await measureGrowth(report, endpoint, join(plots, 'growth.svg'))
  } finally {
    await endpoint.stop()
    rmSync(folder, { recursive: true })
  }
  process.stdout.write('\n' + report.toString())
  const machine = { node: process.version, cpus: cpus().map(({ model }) => model), date: new Date().toISOString() }
  writeFileSync(json, JSON.stringify({ ...machine, rows: report.rows, nginx: report.nginx, ...report.tables }, undefined, 2) + '\n')
  if (report.isMet) return 'all figures are as required'
  if (smoke) return 'not all figures are as required; a smoke run does not fail for that'
  throw new Error('not all figures are as required')
}

/** Starts the control, a service on each lake, one with a request log and one with keys and metrics on the largest; stops them after `work`. */
async function withServices (endpoint: Child, work: (services: Services) => Promise<void>): Promise<void> {
  const start = (size: number, env = {}) => startService({ LAKE_URL: `s3://lake-${size}`, AWS_ENDPOINT_URL_S3: endpoint.firstLine.url, ...env })
  const control = await startControl()
  const bySize = new Map<number, Service>()
  for (const size of SIZES) bySize.set(size, await start(size))
  await Promise.all([...bySize.values()].map((service) => waitForFirstJob(service)))
  // Both start from the snapshot that the first service on this lake has written.
  const logging = await start(SIZES.at(-1)!, { LOG_REQUESTS: 'true' })
  const guarded = await start(SIZES.at(-1)!, { API_KEYS: BENCH_KEY.entry })
  await waitForFirstJob(logging)
  await waitForFirstJob(guarded, BENCH_KEY.headers)
  // The metrics of the process begin with the first scrape.
  if (!(await fetch(`${guarded.url}/metrics`, { headers: BENCH_KEY.headers })).ok) throw new Error('GET /metrics failed')
  await work({ control, bySize, logging, guarded })
  await Promise.all([control, ...bySize.values(), logging, guarded].map((child) => child.stop()))
}

process.exit(await runCommand(bench, process.argv.slice(2), process))
