import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Connection } from '../../lib/clickhouse/connection.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { drop, engineOptions, noClickHouse } from '../support/clickhouse.js'
import { checkVersions, openCommits, readAll, type Plan } from '../support/commits.js'
import { interleave } from '../support/interleave.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { finish, parseIsShort, print } from './lab.js'

const isShort = parseIsShort(`Lets two or three processes commit changes to one database of ClickHouse, with failures and kills between any two statements, and kills real ones (SIGKILL) at random moments.
Fails if a version that can be read is not exactly one that was committed, or changes. Does nothing unless CLICKHOUSE_TEST_SHARDS and CLICKHOUSE_TEST_CLUSTER are set.

node dist-test/test/lab/commits.js [--short]

  --short  one interleaving and 6 kills instead of 1,000 and 60
`)
if (noClickHouse !== false) {
  print(noClickHouse)
  finish([])
}

const [INTERLEAVINGS, KILLS] = isShort ? [1, 6] : [1000, 60]
/** The processes that commit at the same time. */
const PROCESSES = 2
const failures: string[] = []
const endpoint = await startS3Endpoint()

async function withDatabase (work: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await Connection.open(engineOptions())
  try {
    await work(connection)
  } finally {
    await drop(connection)
    await connection.close()
  }
}

function storeOf (bucket: string): S3Store {
  endpoint.bucket(bucket)
  return new S3Store({ bucket, endpoint: endpoint.url })
}

async function interleavings (): Promise<void> {
  const sums: Record<string, number> = {}
  for (let run = 1; run <= INTERLEAVINGS; run++) {
    const seed = Math.floor(Math.random() * 2 ** 32)
    const store = storeOf(`interleaving-${run}`)
    await withDatabase(async (connection) => {
      const found = await interleave({ connection, store, seed }).catch((error: Error) => { failures.push(`seed ${seed}: ${error.stack}`) })
      for (const [name, count] of Object.entries(found ?? {})) sums[name] = (sums[name] ?? 0) + count
    })
    await store.close()
    if (run % 50 === 0 || run === INTERLEAVINGS) print(`${run} interleavings: ${Object.entries(sums).map(([name, count]) => `${count} ${name}`).join(', ')}; ${failures.length} failures`)
  }
}

/** Starts a process that commits one change after the other, and returns it when it has begun. */
async function start (folder: string, database: string): Promise<ChildProcess> {
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

async function kills (): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'userlake-commits-'))
  const store = storeOf('lake')
  await withDatabase(async (connection) => {
    const seen = new Map<bigint, string>()
    const commits = await openCommits(store, connection)
    const children = await Promise.all(Array.from({ length: PROCESSES }, async () => await start(folder, connection.database)))
    for (let kill = 1; kill <= KILLS; kill++) {
      await sleep(Math.random() * 1500)
      const place = kill % PROCESSES
      const child = children[place]!
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      if (child.signalCode !== 'SIGKILL') failures.push(`a process has ended with the exit code ${child.exitCode}`)
      try {
        // The other process goes on meanwhile.
        await commits.current()
        checkVersions(await readAll(connection), (stage) => planIn(folder, stage), seen)
      } catch (error) {
        failures.push(`after ${kill} kills: ${(error as Error).stack}`)
      }
      children[place] = await start(folder, connection.database)
      if (kill % 20 === 0) await commits.forget(60_000)
    }
    for (const child of children) child.kill('SIGKILL')
    print(`${KILLS} kills of one of ${PROCESSES} processes, ${seen.size} versions; ${failures.length} failures`)
    if (seen.size < KILLS / 4) failures.push(`only ${seen.size} versions were committed`)
  })
  await store.close()
  rmSync(folder, { recursive: true })
}

await kills()
await interleavings()
await endpoint.stop()
finish(failures)
