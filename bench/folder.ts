import { createWriteStream, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { pathToFileURL } from 'node:url'
import { memory } from './child-process.js'
import { lakeObjects } from './lake-objects.js'
import type { Report } from './report.js'
import { startService, waitForFirstJob, type Service } from './service.js'

const RECORDS = 1_000_000

/** Measures start, responses and memory of a service on a folder with a million records. */
export async function measureFolder (report: Report, folder: string): Promise<void> {
  const root = join(folder, 'million')
  mkdirSync(join(root, 'source_data'), { recursive: true })
  for (const [key, body] of lakeObjects(RECORDS)) writeFileSync(join(root, key), body)
  process.stderr.write(`${RECORDS} records are in ${root}\n`)
  const lake = { LAKE_URL: pathToFileURL(root).href }
  const start = performance.now()
  const first = await startService(lake)
  await waitForFirstJob(first)
  const rows = [
    ['A folder with 1,000,000 records', ''],
    ['Cold start to ready', seconds(first.readyAfterSeconds * 1000)],
    ['Cold start until output.csv is written', seconds(performance.now() - start)],
    ['Peak memory until then', mib(memory(first.pid).peak)],
    ...await measureRequests(first, folder),
    ['Memory after that', mib(memory(first.pid).now)]
  ]
  await first.stop()
  const restarted = await startService(lake)
  rows.push(['Restart to ready', seconds(restarted.readyAfterSeconds * 1000)])
  await waitForFirstJob(restarted)
  rows.push(['Peak memory of the restart', mib(memory(restarted.pid).peak)])
  await restarted.stop()
  report.table('million', rows)
  rmSync(root, { recursive: true })
}

async function measureRequests ({ url }: Service, folder: string): Promise<string[][]> {
  const time = async (name: string, path: string) => {
    const start = performance.now()
    await (await fetch(url + path)).arrayBuffer()
    return [name, `${(performance.now() - start).toFixed(1)} ms`]
  }
  const stats = '/stats?image_exists=true&min_age=30&max_age=60'
  const page = '/data?image_exists=true&min_age=30&max_age=60&sort=-last_name&limit=100'
  return [
    await time('GET /stats by age and image, the first', stats),
    await time('GET /stats by age and image, another one', `${stats}&as_of=2026-01-01T00:00:00Z`),
    await time('100 of those by last name, descending, the first', page),
    await time('100 of those by last name, descending, again', page),
    ['GET /data into a file', await download(`${url}/data`, join(folder, 'all.json'))],
    ['GET /data?format=csv into a file', await download(`${url}/data?format=csv`, join(folder, 'all.csv'))]
  ]
}

async function download (url: string, file: string): Promise<string> {
  const start = performance.now()
  const { body } = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  await pipeline(Readable.fromWeb(body as ReadableStream), createWriteStream(file))
  return `${seconds(performance.now() - start)}, ${mib(statSync(file).size)}`
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
