import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareWithBareRoute, compareWithNginx } from './answers.js'
import { measureReading } from './bucket.js'
import { startNode, type Child } from './child.js'
import { measureLoad } from './disturbance.js'
import { measureFolder } from './folder.js'
import { measureGrowth } from './growth.js'
import { measureRealStore } from './real-store.js'
import { Report } from './report.js'
import { settle, startService, type Service } from './service.js'

const HELP = `Measures the bars of the product, each against a reference beside it, and prints a table. Exit code 1: one is not met.

npm run bench -- [options]

  --full       also up to 1,000,000 users, and a real S3 server (S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID,
               S3_TEST_SECRET_ACCESS_KEY): about half an hour
  --only NAME  data, stats, reading or load; with --full also store, folder or growth
  --json FILE  where the figures are written (bench.json)
  --plot FILE  where --full draws how the cost grows (docs/growth.svg)
  --help

It takes Linux and less than five minutes. nginx is what answers are compared with, and wrk asks for them where it is there
(Debian: apt-get install nginx-light wrk), else autocannon, which is slower.`

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, only: { type: 'string' }, json: { type: 'string', default: 'bench.json' }, plot: { type: 'string', default: 'docs/growth.svg' }, help: { type: 'boolean', default: false } }
})

const SIZES = [100, 10_000, 100_000]
/** Users of the bucket that is read anew each time. */
const READ = 5000

async function main (): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'userlake-bench-'))
  const report = new Report()
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' })
  const isAsked = (name: string) => values.only === undefined || values.only === name
  const endpoint = await startNode('./endpoint.js', [...SIZES, READ].map(String))
  try {
    if (isAsked('data') || isAsked('stats')) await measureAnswers({ report, folder, endpoint, isAsked })
    if (isAsked('reading')) await measureReading(report, endpoint.hello.url, { small: `users-${READ}`, large: 'users-100000', store: '' })
    if (isAsked('load')) await measureLoad(report, endpoint)
    if (values.full && isAsked('store')) await measureRealStore(report, folder)
    if (values.full && isAsked('folder')) await measureFolder(report, folder)
    if (values.full && isAsked('growth')) await measureGrowth(report, endpoint, values.plot)
  } finally {
    await endpoint.stop()
    rmSync(folder, { recursive: true })
  }
  process.stdout.write('\n' + report.toString())
  const machine = { node: process.version, cpus: cpus().map(({ model }) => model), date: new Date().toISOString() }
  writeFileSync(values.json, JSON.stringify({ ...machine, rows: report.rows, ...report.tables }, undefined, 2) + '\n')
  return report.isMet
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

if (values.help) process.stdout.write(HELP + '\n')
else process.exitCode = await main() ? 0 : 1
process.exit()
