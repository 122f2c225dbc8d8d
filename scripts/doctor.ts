import { randomUUID } from 'node:crypto'
import { DEFAULTS } from '../lib/base/defaults.js'
import type { Inspector } from '../lib/store/inspector.js'
import { StoreError, type ObjectStore } from '../lib/store/object-store.js'
import { openInspector, openStore } from '../lib/store/open-store.js'
import { HELP_OPTION, parseOptions, sourceOf } from './arguments.js'
import { CommandError, runCommand, writeStdout, type Command, type CommandIo } from './command.js'
import { all, attempt, describe, lacksRight, no, notApplicable, notNeeded, notTested, yes, type Finding } from './doctor/finding.js'
import { measure, type Latency } from './doctor/latency.js'
import { checkReads, LISTING_FAILED, type ReadFindings } from './doctor/read-checks.js'
import { checkWrites, Scratch, type WriteFindings } from './doctor/write-checks.js'
import { nameOptions } from './option-names.js'

const HELP = `Checks what a lake supports: rights, region, clock, conditional writes, listings, ranges and latency. Prints a verdict for each feature of the service.

userlake doctor [options]

  --lake URL        s3://bucket or file:folder (LAKE_URL)
  --prefix PREFIX   prefix of the keys of info files, ending in / (SOURCE_PREFIX, or else ${DEFAULTS.sourcePrefix})
  --output-key KEY  key of the output (OUTPUT_KEY, or else ${DEFAULTS.outputKey})
  -h, --help        print this help

It writes about 20 objects, some of them several times, beside the output, and removes them; if the credentials do not allow that, it only sends one
write whose condition is not met, and with PUBLISH=false it writes nothing. Source objects are only read. The exit code is 1 if a check has failed.

Defaults are in parentheses. S3 settings are read from AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and the other standard variables.`

const OPTIONS = {
  lake: { type: 'string' },
  prefix: { type: 'string' },
  'output-key': { type: 'string' },
  ...HELP_OPTION
} as const

/** How many requests of each kind are timed. */
const READS = 50
const LISTS = 20
const WRITES = 20

type Section = readonly (readonly [name: string, finding: Finding])[]
type NamedLatency = readonly [name: string, latency: Latency]

const doctor: Command = async (argv, io) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const outputKey = values['output-key'] ?? io.env['OUTPUT_KEY'] ?? DEFAULTS.outputKey
  const { url, prefix } = sourceOf(values, io.env)
  const inspector = await openInspector({ url, env: io.env })
  try {
    const { text: findings, isHealthy } = await examine({ url, inspector, prefix, scratchPrefix: `${outputKey.slice(0, outputKey.lastIndexOf('/') + 1)}doctor-${randomUUID()}/`, env: io.env })
    const text = nameOptions(findings, argv)
    if (isHealthy) return text
    await writeStdout(io.stdout, [text + '\n'])
    throw new CommandError('some checks have failed; see above')
  } finally {
    await inspector.close()
  }
}

interface Examination {
  readonly url: string
  readonly inspector: Inspector
  readonly prefix: string
  /** The prefix of the objects that are written. */
  readonly scratchPrefix: string
  readonly env: CommandIo['env']
}

async function examine ({ url, inspector, prefix, scratchPrefix, env }: Examination): Promise<{ text: string, isHealthy: boolean }> {
  const store = openStore({ url, env })
  const scratch = new Scratch(store, scratchPrefix)
  let reads: ReadFindings
  let writes: WriteFindings | Finding
  let latencies: readonly NamedLatency[]
  let removed: Finding
  try {
    reads = await checkReads(url, store, inspector, prefix, `${scratchPrefix}missing`)
    writes = env['PUBLISH'] === 'false'
      ? notNeeded('PUBLISH=false')
      : reads.list.verdict === 'yes' ? await tryWrites(store, inspector, scratch, scratchPrefix) : notTested(LISTING_FAILED)
    latencies = await measureAll(store, inspector, reads, writes, scratch, prefix)
  } finally {
    await store.close()
    removed = await attempt(async () => {
      if (scratch.keys.size > 0) await inspector.remove(scratchPrefix, [...scratch.keys])
      return yes()
    })
  }
  const outputPrefix = scratchPrefix.slice(0, scratchPrefix.lastIndexOf('doctor-'))
  const names = { list: `list ${prefix}`, get: `read ${prefix}*`, put: `write ${outputPrefix}*` }
  const sections: ReadonlyArray<readonly [string, Section]> = [
    ['Rights and clock', [
      [names.list, reads.list], [names.get, reads.get], ['a missing object', reads.missing], [names.put, 'put' in writes ? writes.put : writes],
      ['clock', reads.clock], ...removed.verdict === 'yes' ? [] : [['remove what was written', removed] as const]
    ]],
    ['The store', [['listings begin after a key', reads.startAfter], ...checksOf(reads, writes)]],
    ['The service', featuresOf(url, reads, writes, names)]
  ]
  const lines = sections.flatMap(([title, section]) => ['', title, ...section.map(([name, { verdict, detail }]) => `  ${name.padEnd(34)} ${verdict}${detail === '' ? '' : `: ${detail}`}`)])
  const times = latencies.map(([name, { p50, p90, p99 }]) => `  ${name.padEnd(34)} ${[p50, p90, p99].map((ms) => ms.toFixed(1)).join(' / ')} ms`)
  const isHealthy = sections.every(([, section]) => section.every(([, { verdict }]) => verdict !== 'no'))
  const heading = times.length === 0 ? [] : ['', 'Latency: half, 90 % and 99 % of the requests within']
  return { text: [`${url}: ${inspector.server}`, ...lines, ...heading, ...times].join('\n'), isHealthy }
}

/** Returns one finding for all checks if they would leave objects behind. */
async function tryWrites (store: ObjectStore, inspector: Inspector, scratch: Scratch, scratchPrefix: string): Promise<WriteFindings | Finding> {
  const removable = await attempt(async () => {
    const reason = await inspector.whyNotRemovable(scratchPrefix)
    return reason === undefined ? yes() : notTested(`what the test writes could not be removed: ${reason}`)
  })
  if (removable.verdict === 'yes') return await checkWrites(store, scratch)
  return removable.verdict === 'not tested' ? await tryRight(store, `${scratchPrefix}never`, removable.detail) : removable
}

/** Whether writing is allowed, by a write that cannot succeed: its condition is an ETag of an object that does not exist. @param why why no more is tested */
async function tryRight (store: ObjectStore, key: string, why: string): Promise<Finding> {
  try {
    await store.put(key, Buffer.alloc(0), { ifMatch: '00000000000000000000000000000000' })
    return no(`If-Match is ignored, so that the object ${key} was written: delete it`)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'precondition_failed') return yes(`a write whose condition cannot be met failed by its condition only, so writing is allowed; no more is tested, because ${why} (see docs/stores.md)`)
    return no(lacksRight(error) ? `${describe(error)}: allow s3:PutObject, or set PUBLISH=false` : describe(error))
  }
}

function checksOf (reads: ReadFindings, writes: WriteFindings | Finding): Section {
  if (!('put' in writes)) return [['a write is seen at once', notTested('nothing was written')], ['ranges, and GET with If-Match', reads.ranges]]
  return [
    ['conditional writes', writes.conditional], ['concurrent conditional writes', writes.atomic], ['a write is seen at once', writes.current],
    ['ranges, and GET with If-Match', writes.ranges], ['GET with If-None-Match', writes.ifNoneMatch], ['unusual keys', writes.unusualKeys]
  ]
}

function featuresOf (url: string, reads: ReadFindings, writes: WriteFindings | Finding, names: Readonly<Record<'list' | 'get' | 'put', string>>): Section {
  const [list, get] = [{ [names.list]: reads.list }, { [names.get]: reads.get }]
  const put = { [names.put]: 'put' in writes ? writes.put : writes }
  const needs = (named: Readonly<Record<string, Finding>>, ...checks: readonly string[]) =>
    all({ ...named, ...Object.fromEntries(checksOf(reads, writes).filter(([name]) => checks.includes(name))) })
  const isFolder = url.startsWith('file:')
  // Several writers depend on conditional writes, which a single write that is not refused does not prove.
  const concurrent = 'put' in writes || writes.verdict !== 'yes' ? needs(put, 'conditional writes', 'concurrent conditional writes', 'GET with If-None-Match') : notTested(`see ${names.put}`)
  return [
    ['records are served', all({ ...list, ...get })],
    ['changes are found', needs(list, 'a write is seen at once')],
    ['images', needs(get, 'ranges, and GET with If-Match')],
    ['output and snapshot', 'put' in writes ? needs(put, 'conditional writes', 'a write is seen at once') : all(put)],
    ['several replicas write', isFolder ? notApplicable('one process writes to a folder; others serve it read-only') : concurrent],
    ['large lakes are listed in parts', all({ 'listings begin after a key': reads.startAfter })]
  ]
}

async function measureAll (
  store: ObjectStore, inspector: Inspector, { sample, list }: ReadFindings, writes: WriteFindings | Finding, scratch: Scratch, prefix: string
): Promise<readonly NamedLatency[]> {
  const times: NamedLatency[] = []
  const add = async (name: string, count: number, run: (i: number) => Promise<unknown>) => {
    const finding = await attempt(async () => {
      times.push([name, await measure(count, run)])
      return yes()
    })
    if (finding.verdict === 'no') times.push([`${name} (failed)`, { p50: NaN, p90: NaN, p99: NaN }])
  }
  if (sample !== undefined) await add('read a small object', READS, async () => await store.get(sample.key))
  const listPage = async () => await inspector.keysAfter(prefix, undefined, 1)
  if (list.verdict === 'yes' && await listPage() !== undefined) await add('list a page', LISTS, listPage)
  if ('put' in writes) await add('write a small object', WRITES, async (i) => await scratch.put('latency', String(i)))
  return times
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(doctor, argv, io)
}
