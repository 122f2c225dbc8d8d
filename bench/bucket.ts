import { startNode, type Child } from './child.js'
import { median } from './pairs.js'
import type { Report } from './report.js'

const ROUNDS = 5
const WARM_UP = 2

interface Read { readonly objects: number, readonly seconds: number, readonly cpu: number }

/** What reading a bucket costs, against plain loops with the SDK at equal concurrency. */
export async function measureReading (report: Report, endpoint: string, { small, large, store }: { small: string, large: string, store: string }): Promise<void> {
  const load = await alternate(endpoint, small, 'load', 'sdkLoad')
  report.check({ name: `Cold load, CPU per object, of an SDK loop${store}`, value: ratio(load, ({ cpu, objects }) => cpu / objects), most: 0.2 })
  report.tell(`Cold load, objects a second${store}`, median(load.map(([{ objects, seconds }]) => objects / seconds)))
  report.check({ name: `Cold load, objects a second, of an SDK loop${store}`, value: ratio(load, ({ seconds, objects }) => objects / seconds), least: store === '' ? 5 : 2 })
  const again = await alternate(endpoint, large, 'again', 'sdkList')
  report.check({ name: `Reconcile, nothing changed, CPU of an SDK listing loop${store}`, value: ratio(again, ({ cpu }) => cpu), most: 0.25 })
}

/** Pairs of what two ways of reading cost. */
async function alternate (endpoint: string, bucket: string, ours: string, theirs: string): Promise<[Read, Read][]> {
  const readers = await Promise.all([ours, theirs].map((way) => startNode('./reader.js', [endpoint, bucket, way])))
  const pairs: [Read, Read][] = []
  const run = async () => [await readers[0]!.ask({}), await readers[1]!.ask({})] as [Read, Read]
  for (let i = 0; i < WARM_UP; i++) await run() // what runs for the first time is compiled while it runs
  for (let round = 0; round < ROUNDS; round++) pairs.push(await run())
  await Promise.all(readers.map((reader: Child) => reader.stop()))
  return pairs
}

function ratio (pairs: readonly [Read, Read][], figure: (read: Read) => number): number {
  return median(pairs.map(([ours, theirs]) => figure(ours) / figure(theirs)))
}
