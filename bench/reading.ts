import { startNode, type Child } from './child-process.js'
import { median } from './sampling.js'
import type { Report } from './report.js'

/** One run of a reader: the number of objects, and the duration and the CPU time in seconds. */
interface Run { readonly objects: number, readonly seconds: number, readonly cpu: number }

export interface ReadingOptions {
  readonly rounds: number
  /** The bucket whose objects are downloaded, and the one that is only listed. */
  readonly small: string
  readonly large: string
  /** Appended to the names of the rows. */
  readonly suffix?: string
}

/** Compares the CPU time and the speed of reading a bucket with those of plain SDK loops: 32 downloads at a time, while the service adapts its number (from 128). */
export async function measureReading (report: Report, endpoint: string, { rounds, small, large, suffix = '' }: ReadingOptions): Promise<void> {
  const load = await alternate(endpoint, small, 'load', 'sdkLoad', rounds)
  report.check({ name: `Cold load, CPU per object, ratio to an SDK loop${suffix}`, value: ratio(load, ({ cpu, objects }) => cpu / objects), max: 0.2 })
  report.inform({ name: `Cold load, objects a second${suffix}`, value: median(load.map(([{ objects, seconds }]) => objects / seconds)) })
  report.inform({ name: `Cold load, objects a second, ratio to an SDK loop${suffix}`, value: ratio(load, ({ seconds, objects }) => objects / seconds) })
  const again = await alternate(endpoint, large, 'relist', 'sdkList', rounds)
  report.check({ name: `Reconcile, nothing changed, CPU, ratio to an SDK listing loop${suffix}`, value: ratio(again, ({ cpu }) => cpu), max: 0.25 })
}

const LATENCY_MS = 30

/**
 * Compares the duration of a listing by the service, of a store that is far away, with that of a listing that requests one page after the other. The service knows the keys at which the pages of its
 * previous listing ended, so that it requests several pages at a time.
 */
export async function measureRelisting (report: Report, { rounds }: { readonly rounds: number }): Promise<void> {
  const endpoint = await startNode('./endpoint.js', ['--latency', String(LATENCY_MS), '100000'])
  const pairs = await alternate(endpoint.firstLine.url, 'lake-100000', 'list', 'listSequentially', rounds)
  await endpoint.stop()
  const name = `Re-listing of 100000 records with images at ${LATENCY_MS} ms`
  report.check({ name: `${name}, time, ratio to a sequential listing`, value: ratio(pairs, ({ seconds }) => seconds), max: 1 / 8 })
  report.inform({ name, value: median(pairs.map(([{ seconds }]) => seconds)), unit: ' s' })
}

/** Runs two readers alternately. The first two runs of each are discarded, because V8 compiles the code during them. */
async function alternate (endpoint: string, bucket: string, ours: string, reference: string, rounds: number): Promise<[Run, Run][]> {
  const readers = await Promise.all([ours, reference].map((task) => startNode('./reader.js', [endpoint, bucket, task])))
  const pairs: [Run, Run][] = []
  for (let round = -2; round < rounds; round++) {
    const pair = [await readers[0]!.request({}), await readers[1]!.request({})] as [Run, Run]
    if (round >= 0) pairs.push(pair)
  }
  await Promise.all(readers.map((reader: Child) => reader.stop()))
  return pairs
}

function ratio (pairs: readonly [Run, Run][], figure: (run: Run) => number): number {
  return median(pairs.map(([ours, reference]) => figure(ours) / figure(reference)))
}
