import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand, type Command } from '../scripts/command.js'
import { compareWithBareRoute, compareWithNginx } from './answers.js'
import { measureReading } from './bucket.js'
import { startNode, type Child } from './child.js'
import { measureLoad } from './disturbance.js'
import { measureFolder } from './folder.js'
import { measureGrowth } from './growth.js'
import { measureRealStore } from './real-store.js'
import { Report } from './report.js'
import { settle, startService, type Service } from './service.js'

const HELP = `Measures the bars of the product, each against a reference beside it, and prints a table. Exit code 1: not all are met.

npm run bench -- [options]

  --full       also up to 1,000,000 users, and a real S3 server (S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID,
               S3_TEST_SECRET_ACCESS_KEY): about a quarter of an hour
  --only NAME  data, stats, reading or load; with --full also store, folder or growth
  --json FILE  where the figures are written (bench.json)
  --plot FILE  where --full draws how the cost grows (docs/growth.svg)
  --help

It takes Linux and less than five minutes. nginx is what answers are compared with, and wrk asks for them where it is there
(Debian: apt-get install nginx-light wrk), else autocannon, which is slower.`

/** What is measured by default, and with --full. */
const PARTS = ['data', 'stats', 'reading', 'load']
const FULL_PARTS = [...PARTS, 'store', 'folder', 'growth']

const OPTIONS = {
  full: { type: 'boolean', default: false },
  only: { type: 'string' },
  json: { type: 'string', default: 'bench.json' },
  plot: { type: 'string', default: 'docs/growth.svg' },
  help: { type: 'boolean', default: false }
} as const

const SIZES = [100, 10_000, 100_000]
/** Users of the bucket that is read anew each time. */
const READ = 5000

const bench: Command = async (argv) => {
  const { values: { full, only, json, plot, help } } = parseArgs({ args: [...argv], options: OPTIONS })
  if (help) return HELP
  const parts = full ? FULL_PARTS : PARTS
  if (only !== undefined && !parts.includes(only)) throw new Error(`--only is one of ${parts.join(', ')}${full ? '' : ', or with --full of more'}, not '${only}'`)
  const isAsked = (name: string) => only === undefined ? parts.includes(name) : only === name
  const folder = mkdtempSync(join(tmpdir(), 'userlake-bench-'))
  const report = new Report()
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' })
  const endpoint = await startNode('./endpoint.js', [...SIZES, READ].map(String))
  try {
    if (isAsked('data') || isAsked('stats')) await measureAnswers({ report, folder, endpoint, isAsked })
    if (isAsked('reading')) await measureReading(report, endpoint.hello.url, { small: `users-${READ}`, large: 'users-100000', store: '' })
    if (isAsked('load')) await measureLoad(report, endpoint)
    if (isAsked('store')) await measureRealStore(report, folder)
    if (isAsked('folder')) await measureFolder(report, folder)
    if (isAsked('growth')) await measureGrowth(report, endpoint, plot)
  } finally {
    await endpoint.stop()
    rmSync(folder, { recursive: true })
  }
  process.stdout.write('\n' + report.toString())
  const machine = { node: process.version, cpus: cpus().map(({ model }) => model), date: new Date().toISOString() }
  writeFileSync(json, JSON.stringify({ ...machine, rows: report.rows, ...report.tables }, undefined, 2) + '\n')
  if (!report.isMet) throw new Error('not all bars are met')
  return 'all bars are met'
}

interface Bench { readonly report: Report, readonly folder: string, readonly endpoint: Child, isAsked (name: string): boolean }

async function measureAnswers ({ report, folder, endpoint, isAsked }: Bench): Promise<void> {
  const services = new Map<number, Service>()
  for (const users of SIZES) services.set(users, await startService({ LAKE_URL: `s3://users-${users}`, AWS_ENDPOINT_URL_S3: endpoint.hello.url }))
  await Promise.all([...services.values()].map(settle))
  if (isAsked('data')) await compareWithNginx({ report, folder, services })
  if (isAsked('stats')) await compareWithBareRoute({ report, folder, services })
  await Promise.all([...services.values()].map((service) => service.stop()))
}

process.exit(await runCommand(bench, process.argv.slice(2), process))
