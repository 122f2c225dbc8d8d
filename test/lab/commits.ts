import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { monotonicNow } from '../../lib/base/clock.js'
import { Connection } from '../../lib/clickhouse/connection.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { HELP_OPTION, parseOptions, wholeNumber } from '../../scripts/arguments.js'
import { runCommand, type Command } from '../../scripts/command.js'
import { Progress } from '../../scripts/progress.js'
import { drop, engineOptions, noClickHouse } from '../support/clickhouse.js'
import { checkVersions, openCommits, readAll, type Plan } from '../support/commits.js'
import { interleave, type Interleaving } from '../support/interleave.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { print } from './lab.js'

const HELP = `Kills real processes (SIGKILL) that commit changes to one database of ClickHouse, at random moments. Then lets two or three simulated processes commit, with failures, late writes
and kills between any two statements. After each kill and each simulated statement that writes, each version that can be read must be exactly one that was committed, and must not have
changed: otherwise the exit code is 1. Does nothing unless CLICKHOUSE_TEST_SHARDS and CLICKHOUSE_TEST_CLUSTER are set.

node dist-test/test/lab/commits.js [--interleavings N] [--kills N] [--seed S] [--jobs N] [--trace] [--short]

  --interleavings N  the number of interleavings of statements (default: 1000)
  --kills N          the number of real processes that are killed (default: 60)
  --seed S           the seed of the first interleaving (default: a random one); the others follow. A seed determines the order of the statements, and what happens to each
  --jobs N           the number of interleavings at the same time, each in a database of its own (default: 4)
  --trace            print each statement of the interleavings, one interleaving at a time
  --short            the defaults are 1 interleaving and 6 kills
  --help             print this help`
const MAX_SEED = 2 ** 32 - 1
const MAX_COUNT = 1_000_000
const MAX_JOBS = 64
/** The processes that commit at the same time, of which one is killed. */
const PROCESSES = 2

const OPTIONS = {
  ...HELP_OPTION,
  interleavings: { type: 'string' },
  kills: { type: 'string' },
  seed: { type: 'string' },
  jobs: { type: 'string', default: '4' },
  trace: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false }
} as const

type Endpoint = Awaited<ReturnType<typeof startS3Endpoint>>

/** Runs work with a bucket and a database of its own, which is removed at the end. If both fail, the failure of the work is thrown. */
async function withLake<T> (endpoint: Endpoint, bucket: string, work: (store: S3Store, connection: Connection) => Promise<T>): Promise<T> {
  endpoint.bucket(bucket)
  const store = new S3Store({ bucket, endpoint: endpoint.url })
  const connection = await Connection.open(engineOptions())
  const outcome = await work(store, connection).then((value) => ({ value }), (error: unknown) => ({ error }))
  const dropped = await drop(connection).then(() => outcome, (error: unknown) => ({ error }))
  await connection.close()
  await store.close()
  if ('error' in outcome) throw outcome.error
  if ('error' in dropped) throw dropped.error
  return outcome.value
}

/** Starts a process that commits one change after the other, and returns it when it has begun. */
async function start (endpoint: Endpoint, folder: string, { database }: Connection): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('commits-child.js', import.meta.url)), [endpoint.url, folder, database], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  return child
}

function planIn (folder: string, stage: bigint): Plan | undefined {
  const path = join(folder, String(stage))
  if (!existsSync(path)) return undefined
  const { number, base, content } = JSON.parse(readFileSync(path, 'utf8')) as { number: string, base: string | null, content: Plan['content'] }
  return { number: BigInt(number), base: base === null ? null : BigInt(base), content }
}

/** Kills processes that commit, one at a time. Returns how many failures there were. */
async function killProcesses (endpoint: Endpoint, kills: number): Promise<number> {
  let failed = 0
  const fail = (failure: string) => {
    failed++
    print(`failed: ${failure}`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'userlake-commits-'))
  await withLake(endpoint, 'lake', async (store, connection) => {
    const seen = new Map<bigint, string>()
    const commits = await openCommits(store, connection)
    const children = await Promise.all(Array.from({ length: PROCESSES }, async () => await start(endpoint, folder, connection)))
    for (let kill = 1; kill <= kills; kill++) {
      await sleep(Math.random() * 1500)
      const place = kill % PROCESSES
      const child = children[place]!
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      if (child.signalCode !== 'SIGKILL') fail(`a process has ended with the exit code ${child.exitCode}`)
      try {
        // The other process goes on meanwhile.
        await commits.current()
        checkVersions(await readAll(connection), (stage) => planIn(folder, stage), seen)
      } catch (error) {
        fail(`after ${kill} kills, ${(error as Error).stack}`)
      }
      children[place] = await start(endpoint, folder, connection)
      if (kill % 20 === 0) await commits.forget(60_000)
    }
    for (const child of children) child.kill('SIGKILL')
    if (seen.size < kills / 4) fail(`only ${seen.size} versions were committed`)
    print(`${kills} kills of one of ${PROCESSES} processes, ${seen.size} versions, ${failed} failed`)
  })
  rmSync(folder, { recursive: true })
  return failed
}

const commits: Command = async (argv, { stderr }) => {
  const options = parseOptions(argv, OPTIONS)
  if (options.help) return HELP
  const [defaultInterleavings, defaultKills] = options.short ? ['1', '6'] : ['1000', '60']
  const interleavings = wholeNumber('--interleavings', options.interleavings ?? defaultInterleavings, 0, MAX_COUNT)
  const kills = wholeNumber('--kills', options.kills ?? defaultKills, 0, MAX_COUNT)
  const first = options.seed === undefined ? Math.floor(Math.random() * (MAX_SEED + 1)) : wholeNumber('--seed', options.seed, 0, MAX_SEED)
  const jobs = wholeNumber('--jobs', options.jobs, 1, MAX_JOBS)
  if (noClickHouse !== false) return noClickHouse

  const endpoint = await startS3Endpoint()
  try {
    const failed = kills === 0 ? 0 : await killProcesses(endpoint, kills)
    return failed + await interleaveAll(endpoint, { interleavings, first, jobs: options.trace ? 1 : jobs, stderr, isTraced: options.trace }) === 0 ? 0 : 1
  } finally {
    await endpoint.stop()
  }
}

interface RunOptions { readonly interleavings: number, readonly first: number, readonly jobs: number, readonly isTraced: boolean, readonly stderr: Parameters<Command>[1]['stderr'] }

/** Runs interleavings, some at a time. Returns how many have failed. */
async function interleaveAll (endpoint: Endpoint, { interleavings, first, jobs, isTraced, stderr }: RunOptions): Promise<number> {
  const startedAt = monotonicNow()
  const sums = new Map<string, number>()
  let [begun, failed] = [0, 0]
  const progress = new Progress(interleavings, stderr, monotonicNow, () => `interleavings, ${failed} failed`)
  const runOne = async (seed: number): Promise<Interleaving> => await withLake(endpoint, `interleaving-${seed}`, async (store, connection) => await interleave({ connection, store, seed, ...isTraced && { trace: print } }))
  const work = async (): Promise<void> => {
    while (begun < interleavings) {
      const seed = (first + begun++) % (MAX_SEED + 1)
      try {
        for (const [name, count] of Object.entries(await runOne(seed))) sums.set(name, (sums.get(name) ?? 0) + count)
      } catch (error) {
        failed++
        print(`failed: seed ${seed}, ${(error as Error).stack} (replay: node dist-test/test/lab/commits.js --kills 0 --interleavings 1 --seed ${seed} --trace)`)
      }
      progress.step()
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  progress.end()
  const seconds = (monotonicNow() - startedAt) / 1000
  print(`${interleavings} interleavings from seed ${first} on: ${[...sums].map(([name, count]) => `${count} ${name}`).join(', ')}, ${failed} failed (${(interleavings / seconds).toFixed(2)} a second)`)
  return failed
}

// What has failed may have left connections open.
process.exit(await runCommand(commits, process.argv.slice(2), process))
