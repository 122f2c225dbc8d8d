import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Publisher } from '../../lib/output/publisher.js'
import { render } from '../../lib/output/render.js'
import type { FilterQuery, SelectQuery, StatisticsQuery } from '../../lib/query/data-version.js'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { readPreconditions, type Precondition } from '../../lib/store/precondition.js'
import { HELP_OPTION, parseOptions, wholeNumber } from '../../scripts/arguments.js'
import { runCommand, type Command } from '../../scripts/command.js'
import { noClickHouse } from '../support/clickhouse.js'
import { GeneratedLake } from './generated-lake.js'
import { print } from './lab.js'
import type { LakeEngine } from './lake-engines.js'

const HELP = `Reads a generated lake into ClickHouse, runs each kind of query, publishes its output to a folder, reconciles it without a change and with 1,000 changes, and publishes the changed output.
Prints the time, the CPU time of this process and of the engine, and the resident memory of this process, also over time. Ends with exit code 1 if a listing finds other records than the lake has, the
report of an output counts other changes than were made, or, without --in-process, this process has had more than 300 MiB. The lake is computed in this process, without a network, so that the engine and this process are what is measured.
Without --in-process, it does nothing unless CLICKHOUSE_TEST_SHARDS and CLICKHOUSE_TEST_CLUSTER are set.

node --max-old-space-size=160 dist-test/test/lab/large-lake.js [--records N] [--in-process] [--short]

  --records N   the number of records (default: 5000000)
  --in-process  the records are in the memory of this process, which may then be larger (run it without --max-old-space-size)
  --short       the default of --records is 100000
  --help        print this help`
const OPTIONS = { ...HELP_OPTION, records: { type: 'string' }, 'in-process': { type: 'boolean', default: false }, short: { type: 'boolean', default: false } } as const
const MAX_RECORDS = 100_000_000

const CHANGES = 1000
/** The maximum resident memory of a process whose records are in ClickHouse. */
const MAX_MIB = 300
const SAMPLE_MS = 50
const MIB = 1024 * 1024
/** How many times each kind of query is run, with other values each time, so that no result is cached. */
const QUERIES = 5
const OUTPUT_KEY = 'out.csv'
const AS_OF = Date.parse('2026-01-01T00:00:00Z')

/** Measures steps, and remembers what has failed. */
class Measurement {
  readonly failures: string[] = []
  readonly #engine: LakeEngine
  #samples: number[] = []
  readonly #sampler = setInterval(() => { this.#samples.push(process.memoryUsage().rss) }, SAMPLE_MS)

  constructor (engine: LakeEngine) {
    this.#engine = engine
  }

  /** Runs a step, and prints its times, its memory and the text that it returns. */
  async step (name: string, work: () => Promise<string>): Promise<void> {
    this.#samples = [process.memoryUsage().rss]
    const { ms, cpuMs, engineCpuMs, result } = await this.#time(work)
    this.#samples.push(process.memoryUsage().rss)
    const peak = Math.round(Math.max(...this.#samples) / MIB)
    print(`${name}: ${Math.round(ms)} ms; CPU ${Math.round(cpuMs)} ms, of the engine ${Math.round(engineCpuMs)} ms; at most ${peak} MiB (${this.#overTime()}); ${result}`)
    if (this.#engine.isRemote && peak > MAX_MIB) this.failures.push(`${name}: ${peak} MiB; at most ${MAX_MIB} are allowed`)
  }

  /** Runs a query several times, and prints the first time and the median of the others. */
  async query (name: string, run: (n: number) => Promise<number>): Promise<void> {
    const runs: Timed<number>[] = []
    for (let n = 0; n < QUERIES; n++) runs.push(await this.#time(async () => await run(n)))
    const [first, ...others] = runs
    const median = (of: (run: Timed<number>) => number) => others.map(of).sort((a, b) => a - b)[Math.floor(others.length / 2)]!.toFixed(1)
    print(`${name}: ${median(({ ms }) => ms)} ms (the first ${first!.ms.toFixed(1)}); CPU ${median(({ cpuMs }) => cpuMs)} ms, of the engine ${median(({ engineCpuMs }) => engineCpuMs)} ms; ${others.at(-1)!.result}`)
    if (runs.some(({ result }) => result === 0)) this.failures.push(`${name}: a query has found nothing`)
  }

  check (what: string, found: unknown, expected: unknown): void {
    if (!isDeepStrictEqual(found, expected)) this.failures.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
  }

  end (): void {
    clearInterval(this.#sampler)
  }

  async #time<T> (work: () => Promise<T>): Promise<Timed<T>> {
    const engineStart = await this.#engine.cpuMs()
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    const result = await work()
    const ms = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    return { ms, cpuMs: (user + system) / 1000, engineCpuMs: await this.#engine.cpuMs() - engineStart, result }
  }

  /** The most memory in each tenth of the time. */
  #overTime (): string {
    const tenths = Math.min(10, this.#samples.length)
    const at = (tenth: number) => Math.floor(tenth * this.#samples.length / tenths)
    return Array.from({ length: tenths }, (_, tenth) => Math.round(Math.max(...this.#samples.slice(at(tenth), at(tenth + 1))) / MIB)).join(', ')
  }
}

interface Timed<T> { readonly ms: number, readonly cpuMs: number, readonly engineCpuMs: number, readonly result: T }

async function measure (lake: GeneratedLake, engine: LakeEngine, folder: string): Promise<readonly string[]> {
  const measurement = new Measurement(engine)
  const outputs = new FolderStore(folder)
  const { records } = lake

  const reconcile = async (name: string, touched: number | undefined) => await measurement.step(name, async () => {
    const { listingMs, touched: found } = await engine.reconcile()
    measurement.check(`${name}: records`, engine.records, records)
    measurement.check(`${name}: touched records`, found, touched)
    return `the listing took ${Math.round(listingMs)} ms`
  })
  /** Publishes the output, as a process that has not seen the previous one. */
  const publish = async (name: string, expected: object) => await measurement.step(name, async () => {
    const precondition = (await readPreconditions(outputs, [OUTPUT_KEY])).get(OUTPUT_KEY) as Precondition
    const rendered = await engine.renderOutput({ format: 'csv', key: OUTPUT_KEY })
    const { added, changed, removed, skipped, bytes } = await new Publisher(outputs).publish({ key: OUTPUT_KEY, precondition, dryRun: false, ...rendered })
    measurement.check(name, { added, changed, removed, skipped }, expected)
    return `${Math.round(bytes / MIB)} MiB`
  })
  const ages = (min: number, max: number) => ({ asOf: AS_OF, filters: [{ column: 'age', op: 'range', value: { min, max } }] }) satisfies FilterQuery
  const select = async (query: SelectQuery): Promise<number> => {
    const text = render(await engine.version.select(query), 'json')
    if (Buffer.isBuffer(text)) return text.length
    let bytes = 0
    for await (const chunk of text) bytes += Buffer.byteLength(chunk)
    return bytes
  }
  const count = async (query: Partial<StatisticsQuery>) => (await engine.version.statistics({ asOf: AS_OF, binWidth: 10, ...query })).count

  await reconcile(`${records} records`, undefined)
  await measurement.query('one record, bytes', async (n) => await select({ filters: [{ column: 'user_id', op: 'equals', value: [lake.idAt(records - 1 - n)] }] }))
  await measurement.query('a page of 100 by key, bytes', async (n) => await select({ page: { limit: 100, after: { id: lake.idAt(Math.floor(records / (n + 2))), values: [] } } }))
  await measurement.query('a page of 100 by last name, bytes', async (n) => await select({ sort: [{ column: 'last_name', isReversed: n % 2 === 1 }], page: { limit: 100 + n } }))
  await measurement.query('statistics of the ages from 30 to 40, records', async (n) => await count(ages(30 + n, 40 + n)))
  await measurement.query('2,000 groups by last name, records', async (n) => await count({ groupBy: 'last_name', maxGroups: 100 + n }))
  await measurement.query('a tenth by age as JSON, bytes', async (n) => await select(ages(30 + n, 37 + n)))
  await publish('the first output', { added: records, changed: 0, removed: 0, skipped: false })
  await publish('the same output', { added: 0, changed: 0, removed: 0, skipped: true })
  await reconcile('no change', 0)
  lake.change(CHANGES)
  await reconcile(`${CHANGES} changes`, CHANGES)
  await publish('the changed output', { added: 0, changed: CHANGES, removed: 0, skipped: false })
  await outputs.close()
  measurement.end()
  return measurement.failures
}

const largeLake: Command = async (argv) => {
  const options = parseOptions(argv, OPTIONS)
  if (options.help) return HELP
  const records = wholeNumber('--records', options.records ?? (options.short ? '100000' : '5000000'), CHANGES, MAX_RECORDS)
  const isInProcess = options['in-process']
  if (!isInProcess && noClickHouse !== false) return noClickHouse

  // Loaded only when it is needed, because tests that start this program would count as loading all modules of the engine.
  const { openClickHouse, openInProcess } = await import('./lake-engines.js')
  const lake = new GeneratedLake(records)
  const engine = await (isInProcess ? openInProcess : openClickHouse)(lake)
  const folder = await mkdtemp(join(tmpdir(), 'userlake-lab-'))
  try {
    const failures = await measure(lake, engine, folder)
    for (const failure of failures) print(`failed: ${failure}`)
    print(failures.length === 0 ? 'passed' : `${failures.length} failures`)
    return failures.length === 0 ? 0 : 1
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
}

process.exit(await runCommand(largeLake, process.argv.slice(2), process, 'large-lake'))
