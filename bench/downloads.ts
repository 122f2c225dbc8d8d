import { writeFileSync } from 'node:fs'
import { startNode, type Child } from './child-process.js'
import { plot, type Series } from './plot.js'
import type { Report } from './report.js'
import { median } from './sampling.js'

const BUCKET = 'downloads'
const RECORDS = 20_000
const LATENCIES_MS = [30, 100]
/** The constant numbers of downloads at a time with which the adaptive one is compared. */
const CONSTANT = [32, 64, 128, 256, 512]
/** Requests a second above which the store refuses, and its latency then in milliseconds. */
const RATE = 1000
const LATENCY_MS = 30

/** How many times the adaptive number and the best constant one are measured, in turn. One load takes a few seconds only, so that a single one is noise. */
const ROUNDS = 3

interface Run { readonly objects: number, readonly seconds: number }

/**
 * Measures cold loads of a bucket that is far away, with a number of downloads that adapts and with constant ones; then one from a store that
 * refuses requests above a rate. Draws the loads to `plotFile`. The constant number that is best in a first load is then measured in
 * turn with the adaptive one. The readers are warmed up by a load without latency, and then start with idle connections closed.
 */
export async function measureDownloads (report: Report, endpoint: Child, plotFile: string): Promise<void> {
  const start = async (...downloads: string[]) => {
    const reader = await startNode('./reader.js', [endpoint.firstLine.url, BUCKET, 'load', ...downloads])
    await reader.request({})
    return reader
  }
  const perSecond = async (reader: Child) => {
    const { objects, seconds } = await reader.request({}) as Run
    return objects / seconds
  }
  await endpoint.request({ fill: BUCKET, records: RECORDS, limits: {} })
  const constant = await Promise.all(CONSTANT.map(async (number) => await start(String(number))))
  const adaptive = await start()
  const rows = [['Objects a second, cold load', ...CONSTANT.map((number) => `${number} at a time`), 'adaptive']]
  const series: Series[] = []
  for (const latencyMs of LATENCIES_MS) {
    await endpoint.request({ limits: { latencyMs } })
    const figures: number[] = []
    for (const reader of constant) figures.push(await perSecond(reader))
    const best = figures.indexOf(Math.max(...figures))
    const pairs: { readonly own: number, readonly reference: number }[] = []
    for (let round = 0; round < ROUNDS; round++) pairs.push({ own: await perSecond(adaptive), reference: await perSecond(constant[best]!) })
    const own = median(pairs.map((pair) => pair.own))
    figures[best] = median(pairs.map(({ reference }) => reference))
    series.push(
      { name: `${latencyMs} ms, constant number`, points: CONSTANT.map((number, i) => [number, figures[i]!]) },
      { name: `${latencyMs} ms, adaptive`, points: CONSTANT.map((number) => [number, own]) }
    )
    rows.push([`${latencyMs} ms`, ...[...figures, own].map((figure) => figure.toFixed(0))])
    report.check({ name: `Cold load at ${latencyMs} ms, relative to the best constant number of downloads`, value: median(pairs.map(({ own, reference }) => own / reference)), min: 0.9 })
  }
  await endpoint.request({ limits: { latencyMs: LATENCY_MS, requestsPerSecond: RATE } })
  const limited = await perSecond(adaptive)
  const { GET: gets, refused } = await endpoint.request({ limits: {} })
  report.check({ name: `Cold load of a store that refuses above ${RATE}/s, relative to that rate`, value: limited / RATE, min: 0.85 })
  report.check({ name: 'The same, refused requests', value: refused.GET / gets * 100, max: 5, unit: ' %' })
  report.table('downloads', rows)
  writeFileSync(plotFile, plot(series, { x: 'downloads at a time', y: 'objects a second' }))
  await Promise.all([...constant, adaptive].map((reader) => reader.stop()))
}
