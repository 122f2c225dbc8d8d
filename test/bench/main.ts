import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareWithBareRoute, compareWithNginx } from './answers.js'
import { measureReading } from './bucket.js'
import { startNode } from './child.js'
import { measureLoad } from './disturbance.js'
import { Report } from './report.js'
import { settle, startService, type Service } from './service.js'

const HELP = `Measures the bars of the product, each against a reference beside it, and prints a table. Exit code 1: one is not met.

npm run bench -- [options]

  --full       with 1,000,000 users too, and a real S3 server (S3_TEST_ENDPOINT and its credentials)
  --only NAME  data, stats, reading or load
  --json FILE  where the figures are written (bench.json)
  --help

It takes Linux, nginx and wrk (Debian: apt-get install nginx-light wrk) and about five minutes.`

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, only: { type: 'string' }, json: { type: 'string', default: 'bench.json' }, help: { type: 'boolean', default: false } }
})

async function main (): Promise<boolean> {
  for (const command of ['nginx', 'wrk']) {
    try {
      execFileSync('which', [command])
    } catch {
      throw new Error(`${command} is missing; on Debian: apt-get install nginx-light wrk`)
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'userlake-bench-'))
  const report = new Report()
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' })
  const sizes = [100, 10_000, 100_000]
  const endpoint = await startNode('./endpoint.js', sizes.map(String))
  const lake = (users: number) => ({ LAKE_URL: `s3://users-${users}`, AWS_ENDPOINT_URL_S3: endpoint.hello.url as string })
  try {
    const isAsked = (name: string) => values.only === undefined || values.only === name
    if (isAsked('data') || isAsked('stats')) {
      const services = new Map<number, Service>()
      for (const users of sizes) services.set(users, await startService(lake(users)))
      await Promise.all([...services.values()].map(settle))
      if (isAsked('data')) await compareWithNginx({ report, folder, services })
      if (isAsked('stats')) await compareWithBareRoute({ report, folder, services })
      await Promise.all([...services.values()].map((service) => service.stop()))
    }
    if (isAsked('reading')) await measureReading(report, endpoint.hello.url, { small: 'users-10000', large: 'users-100000', store: '' })
    if (isAsked('load')) await measureLoad(report, endpoint)
  } finally {
    await endpoint.stop()
    rmSync(folder, { recursive: true })
  }
  process.stdout.write('\n' + report.toString())
  writeFileSync(values.json, JSON.stringify(report.rows, undefined, 2) + '\n')
  return report.isMet
}

if (values.help) process.stdout.write(HELP + '\n')
else process.exitCode = await main() ? 0 : 1
process.exit()
