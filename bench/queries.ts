import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SelectQuery, StatisticsQuery } from '../lib/query/data-version.js'
import type { Filter } from '../lib/query/filter.js'
import { TableVersion } from '../lib/query/table-version.js'
import { RowBuilder } from '../lib/source/row-builder.js'
import { buildTable, emptyTable } from '../lib/table/build-table.js'
import { packImageKeys } from '../lib/table/image-keys.js'
import { fromDraft } from '../lib/table/row-source.js'
import type { TableField } from '../lib/table/table-field.js'
import type { Table } from '../lib/table/table.js'
import { sliceAt, takeUtf8, Utf8Builder, type Utf8Column } from '../lib/table/utf8-column.js'
import { HELP_OPTION, parseOptions, wholeNumber } from '../scripts/arguments.js'
import { runCommand, type Command } from '../scripts/command.js'

const HELP = `Measures filters, sorts, statistics and groups of the in-process engine on a table in memory. Prints, in milliseconds, the time of the
first query of each kind, which builds the indexes, the median time and CPU time of later ones, which use them, and the longest delay of the event loop
during each.

node dist-test/bench/queries.js [options]

  --records N  number of records (1000000)
  --help       print this help`

const OPTIONS = { ...HELP_OPTION, records: { type: 'string', default: '1000000' } } as const
const MAX_RECORDS = 10_000_000

const FIELDS: readonly TableField[] = [
  { name: 'id', source: 'key', type: 'string', isBirth: false },
  { name: 'name', source: 'file', type: 'string', isBirth: false },
  { name: 'note', source: 'file', type: 'string', isBirth: false },
  { name: 'height', source: 'file', type: 'number', isBirth: false },
  { name: 'visits', source: 'file', type: 'integer', isBirth: false },
  { name: 'active', source: 'file', type: 'boolean', isBirth: false },
  { name: 'born', source: 'file', type: 'date', isBirth: true },
  { name: 'seen', source: 'file', type: 'datetime', isBirth: false },
  { name: 'photo', source: 'image', type: 'string', isBirth: false }
]

/** Returns a function that returns the next number, in (0, 1), of the pseudo-random sequence of Park and Miller. */
function randoms (): () => number {
  let state = 1
  return () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647
}

function makeTable (records: number): Table {
  const random = randoms()
  const drafts = new RowBuilder(FIELDS, 'UTC')
  const [keys, images] = [new Utf8Builder(records), new Utf8Builder(records)]
  const sources = new Int32Array(records)
  const orNull = (value: number) => random() < 0.1 ? null : value
  for (let i = 0; i < records; i++) {
    const key = String(10_000_000 + i)
    keys.push(key)
    images.push(random() < 0.5 ? `source_data/${key}.png` : '')
    const values = [
      `Name ${Math.floor(random() * 5000)}`, `note ${Math.floor(random() * 1e9).toString(36)} on ${i}`, orNull(140 + random() * 70), orNull(Math.floor(random() * 1e6)),
      random() < 0.3, orNull(Math.floor(random() * 20_000)), orNull(Math.floor(random() * 1.7e12))
    ]
    sources[i] = fromDraft(drafts.add({ values, undeclared: { city: `City ${Math.floor(random() * 300)}` } }, { etag: '', size: 0, racy: false }))
  }
  const columnOf = (builder: Utf8Builder): Utf8Column => takeUtf8(builder.length, (row) => sliceAt(builder, row))
  const imageKeys = packImageKeys(columnOf(images), columnOf(keys), { prefix: 'source_data/', extensions: ['png'] })
  return buildTable(emptyTable(FIELDS), drafts, { keys: columnOf(keys), images: [imageKeys], sources })
}

/** The number of later queries of each kind. */
const LATER_QUERIES = 9

const AS_OF = Date.UTC(2026, 0, 1)

/** The kinds of queries. Queries of one kind differ by the number `n`, so that no result is cached. */
const QUERIES: Readonly<Record<string, (version: TableVersion, n: number) => Promise<unknown>>> = {
  'where height>=': (version, n) => select(version, { filters: [{ column: 'height', op: 'range', value: { min: 200 + n } }], page: { limit: 100 } }),
  'where visits=': (version, n) => select(version, { filters: [{ column: 'visits', op: 'equals', value: [n, n + 1] }], page: { limit: 100 } }),
  'where name!=': (version, n) => select(version, { filters: [{ op: 'not', filter: { column: 'name', op: 'equals', value: `Name ${n}` } }], page: { limit: 100 } }),
  'where seen<': (version, n) => select(version, { filters: [{ column: 'seen', op: 'range', value: { max: 1e12 + n } }], page: { limit: 100 } }),
  'where name^=': (version, n) => select(version, { filters: [{ column: 'name', op: 'prefix', value: `Name ${n}` }], page: { limit: 100 } }),
  'where note~ (a value per record)': (version, n) => select(version, { filters: [{ column: 'note', op: 'contains', value: `${n}a` }], page: { limit: 100 } }),
  'where id~': (version, n) => select(version, { filters: [{ column: 'id', op: 'contains', value: `${77 + n}` }], page: { limit: 100 } }),
  'where age>=': (version, n) => select(version, { filters: [{ column: 'age', op: 'range', value: { min: 30 + n } }], page: { limit: 100 }, asOf: AS_OF }),
  'q, two words': (version, n) => select(version, { filters: [{ op: 'words', value: ['city', `name ${n}`] }], page: { limit: 100 } }),
  'sort by height': (version, n) => select(version, { sort: [{ column: 'height', isReversed: n % 2 === 1 }], page: { limit: 100 } }),
  'sort by city, name, seen': (version, n) => select(version, { sort: [{ column: 'city' }, { column: 'name' }, { column: 'seen' }], page: { limit: 100 + n } }),
  'sort by photo': (version, n) => select(version, { sort: [{ column: 'photo' }], page: { limit: 100 + n } }),
  'statistics of height': (version, n) => statistics(version, { columns: ['height'], bins: 20 + n }),
  'statistics of visits, a half': (version, n) => statistics(version, { columns: ['visits'], filters: half(n) }),
  'statistics of height, a half': (version, n) => statistics(version, { columns: ['height'], filters: half(n) }),
  'group by city, a half': (version, n) => statistics(version, { groupBy: 'city', filters: half(n) }),
  'group by age, a half': (version, n) => statistics(version, { groupBy: 'age', filters: half(n) }),
  'group by city, statistics of height, a half': (version, n) => statistics(version, { groupBy: 'city', columns: ['height'], filters: half(n) }),
  'group by city': (version, n) => statistics(version, { groupBy: 'city', maxGroups: 100 + n }),
  'group by note (a value per record)': (version, n) => statistics(version, { groupBy: 'note', maxGroups: 100 + n }),
  'group by visits (up to a million values)': (version, n) => statistics(version, { groupBy: 'visits', maxGroups: 100 + n }),
  'group by age': (version, n) => statistics(version, { groupBy: 'age', maxGroups: 100 + n }),
  'group by city, statistics of height': (version, n) => statistics(version, { groupBy: 'city', columns: ['height'], maxGroups: 10 + n })
}

/** About half of the records that have a value. */
function half (n: number): Filter[] {
  return [{ column: 'seen', op: 'range', value: { max: 8e11 + n } }]
}

async function select (version: TableVersion, query: SelectQuery): Promise<void> {
  const { batches } = await version.select(query)
  await batches()[Symbol.asyncIterator]().next()
}

async function statistics (version: TableVersion, query: Partial<StatisticsQuery>): Promise<void> {
  await version.statistics({ asOf: AS_OF, binWidth: 10, ...query })
}

async function measure (run: () => Promise<unknown>): Promise<{ readonly ms: number, readonly cpuMs: number, readonly delay: number }> {
  const monitor = monitorEventLoopDelay({ resolution: 1 })
  await sleep(20)
  monitor.enable()
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  await run()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  await sleep(5)
  monitor.disable()
  return { ms, cpuMs: (user + system) / 1000, delay: monitor.max / 1e6 }
}

const queries: Command = async (argv) => {
  const { records, help } = parseOptions(argv, OPTIONS)
  if (help) return HELP
  const version = new TableVersion(makeTable(wholeNumber('--records', records, 1, MAX_RECORDS)), 'UTC')
  const rows: Record<string, unknown> = {}
  for (const [name, query] of Object.entries(QUERIES)) {
    const first = await measure(() => query(version, 1))
    // The first query may have started the building of an index without waiting for it.
    await sleep(500)
    const others = []
    for (let n = 2; n < 2 + LATER_QUERIES; n++) others.push(await measure(() => query(version, n)))
    const round = (ms: number) => Number(ms.toFixed(1))
    const median = (values: readonly number[]) => round(values.toSorted((a, b) => a - b)[LATER_QUERIES >> 1]!)
    rows[name] = {
      first: round(first.ms),
      'delay first': round(first.delay),
      later: median(others.map(({ ms }) => ms)),
      'CPU later': median(others.map(({ cpuMs }) => cpuMs)),
      'delay later': round(Math.max(...others.map(({ delay }) => delay)))
    }
  }
  console.table(rows)
  return 0
}

process.exit(await runCommand(queries, process.argv.slice(2), process))
