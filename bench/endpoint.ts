import { parseArgs } from 'node:util'
import { startS3Endpoint, type StoreLimits } from '../test/support/s3-endpoint.js'
import { lakeObjects } from './lake-objects.js'

// The S3 endpoint of the tests, in a separate process. It starts with one bucket for each number of records, such as `lake-100`:
// endpoint.js [--latency <milliseconds>] [--parallelism <requests served at a time>] [--rate <requests a second>] <number of records>...

/**
 * A message of the benchmark to the endpoint. Every reply contains the numbers of S3 requests since the previous message: by operation, of source
 * objects (`sourceGets`), refused ones by operation (`refused`), and at most in flight at a time (`mostInFlight`).
 */
interface Message {
  /** Fills this bucket with a lake of `records` records. */
  readonly fill?: string
  /** Deletes all objects of this bucket. */
  readonly empty?: string
  /** Replaces `records` info files of this bucket, starting at `from`. */
  readonly touch?: string
  readonly records?: number
  readonly from?: number
  /** Replaces the latency and the limits of the command line. */
  readonly limits?: StoreLimits
}

const OPTIONS = { latency: { type: 'string' }, parallelism: { type: 'string' }, rate: { type: 'string' } } as const
const { values: { latency, parallelism, rate }, positionals: sizes } = parseArgs({ options: OPTIONS, allowPositionals: true })
const numberOf = (text: string | undefined) => text === undefined ? undefined : Number(text)
const endpoint = await startS3Endpoint({ latencyMs: numberOf(latency), parallelism: numberOf(parallelism), requestsPerSecond: numberOf(rate) })

function fill (name: string, records: number): void {
  const bucket = endpoint.bucket(name)
  for (const [key, body] of lakeObjects(records)) bucket.put(key, body)
}

for (const records of sizes) fill(`lake-${records}`, Number(records))

process.on('message', ({ fill: filled, empty, touch, records = 0, from = 0, limits }: Message) => {
  if (filled !== undefined) fill(filled, records)
  if (empty !== undefined) for (const key of endpoint.bucket(empty).keys()) endpoint.bucket(empty).delete(key)
  if (touch !== undefined) {
    const infoFiles = endpoint.bucket(touch).keys().filter((key) => /^source_data\/.*\.csv$/.test(key))
    for (const key of infoFiles.slice(from, from + records)) endpoint.bucket(touch).put(key, `first_name,last_name,birthts\nChanged,At ${Date.now()},0\n`)
  }
  if (limits !== undefined) endpoint.limit(limits)
  const { counts, gets, refused, mostInFlight } = endpoint
  process.send!({ ...counts, sourceGets: gets.filter((key) => key.startsWith('source_data/')).length, refused, mostInFlight })
  endpoint.reset()
})
process.stdout.write(JSON.stringify({ url: endpoint.url }) + '\n')
