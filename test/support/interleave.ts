import assert from 'node:assert/strict'
import { EngineError } from '../../lib/base/errors.js'
import { applyCommit } from '../../lib/clickhouse/apply.js'
import { CommitConflictError, type Commits, type Committed } from '../../lib/clickhouse/commits.js'
import type { Connection } from '../../lib/clickhouse/connection.js'
import type { Commit } from '../../lib/clickhouse/manifest.js'
import { StoreError, type ObjectStore } from '../../lib/store/object-store.js'
import { Random } from '../simulation/random.js'
import { changeContent, checkVersions, deltaOf, EMPTY, halves, MANIFEST, openCommits, readAll, readShards, type Content, type Plan } from './commits.js'
import { USER_FIELDS } from './user-fields.js'

/** A statement or a request that a process has sent, and that has not been executed. */
interface Pending {
  readonly process: Process
  readonly method: string
  /** Executes it and returns the outcome, which the sender gets by `resolve` or `reject` only. */
  readonly run: () => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

class KilledError extends Error {}

/** The methods that change the tables or the lake, and those that read them. */
const WRITES: ReadonlySet<string> = new Set(['command', 'commandOn', 'insert', 'put'])
const READS: ReadonlySet<string> = new Set(['query', 'queryOn', 'queryNodes', 'queryFirst', 'get'])

/** A process with a connection and a store of its own, which the scheduler can stop before or after any statement. */
class Process {
  isDead = false
  readonly connection: Connection
  readonly store: ObjectStore
  readonly name: string

  constructor (name: string, scheduler: Scheduler, connection: Connection, store: ObjectStore) {
    this.name = name
    const gated = <T extends object>(target: T): T => new Proxy(target, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        if (typeof property === 'symbol' || !(WRITES.has(property) || READS.has(property))) return value.bind(target) as unknown
        return (...args: unknown[]) => scheduler.send(this, property, async () => await (Reflect.apply(value, target, args) as Promise<unknown>))
      }
    })
    this.connection = gated(connection)
    this.store = gated(store)
  }
}

/** Executes one statement of the processes at a time, in a random order that a seed determines: a process may wait for as long as the others need for several commits. */
class Scheduler {
  readonly pending: Pending[] = []
  /** Statements and requests that may be executed later, although their senders have been killed or got an error. */
  readonly late: Pending[] = []

  send (process: Process, method: string, run: () => Promise<unknown>): Promise<unknown> {
    if (process.isDead) return Promise.reject(new KilledError())
    return new Promise((resolve, reject) => this.pending.push({ process, method, run, resolve, reject }))
  }
}

/** How many statements, commits and so on an interleaving had. `failures`: requests or responses that were lost; `late`: those that were executed after their sender had got an error. */
export interface Interleaving { readonly statements: number, readonly commits: number, readonly conflicts: number, readonly kills: number, readonly failures: number, readonly late: number, readonly versions: number }

export interface InterleavingOptions {
  readonly connection: Connection
  readonly store: ObjectStore
  readonly seed: number
  /** The number of changes that each process tries to make. */
  readonly rounds?: number
  /** Receives a line for each statement. */
  readonly trace?: (line: string) => void
}

/**
 * Lets two or three processes commit changes in the database of a connection. A seed determines which statement is next, which ones fail before or after they were executed, and which process is killed: the same seed leads to the same history.
 * After each statement that writes, each version that can be read must be the planned one, and must not have changed.
 */
export async function interleave ({ connection, store, seed, rounds = 3, trace = () => {} }: InterleavingOptions): Promise<Interleaving> {
  const random = new Random(seed)
  const scheduler = new Scheduler()
  /** The content that each stage would lead to, and what it is based on. */
  const planned = new Map<bigint, Plan>()
  const seen = new Map<bigint, string>()
  /** What was committed, by the number of the version. */
  const committedVersions = new Map<bigint, { readonly commit: Commit, readonly records: number }>()
  const counts = { statements: 0, commits: 0, conflicts: 0, kills: 0, failures: 0, late: 0 }
  let value = 0

  const contentOf = (base: Committed | undefined) => base === undefined ? EMPTY : planned.get(base.manifest.commit.stage)!.content

  /** One attempt to change the lake. */
  const attempt = async (commits: Commits): Promise<void> => {
    const base = await commits.current()
    const summary = (content: Content) => ({ records: Object.keys(content.records).length, listedAt: 0, source: { seed } })
    if (random.chance(0.2)) await commits.forget(random.chance(0.5) ? 0 : 3_600_000)
    if (base !== undefined && random.chance(0.15)) {
      await commits.touch(base, summary(contentOf(base)))
      return
    }
    const content = changeContent(contentOf(base), random.next, () => ++value)
    const stage = await commits.begin(base)
    planned.set(stage.id, { number: stage.number, base: stage.base, content })
    const [first, second] = halves(deltaOf(contentOf(base), content))
    await stage.put(first)
    await stage.put(second)
    if (random.chance(0.1)) {
      await stage.drop()
      return
    }
    const committed = await commits.commit(stage, summary(content))
    assert.equal(committed.manifest.commit.stage, stage.id)
    counts.commits++
  }

  const isExpected = (error: unknown) => error instanceof StoreError || (error instanceof EngineError && ['engine_unavailable', 'engine_incomplete'].includes(error.code))

  /** A process that is started again whenever it was killed. */
  const live = async (name: string): Promise<void> => {
    for (let round = 0; round < rounds;) {
      const process = new Process(name, scheduler, connection, store)
      try {
        const commits = await openCommits(process.store, process.connection)
        for (; round < rounds; round++) {
          await attempt(commits).catch((error: unknown) => {
            if (error instanceof CommitConflictError) counts.conflicts++
            else if (!isExpected(error) || process.isDead) throw error
          })
        }
      } catch (error) {
        if (!process.isDead && !isExpected(error)) throw error
        if (process.isDead) round++
      }
    }
  }

  const check = async (): Promise<void> => {
    const last = checkVersions(await readShards(connection), (stage) => planned.get(stage), seen)
    // The manifest is what is committed.
    const object = await store.get(MANIFEST)
    if (typeof object !== 'object') return
    const manifest = JSON.parse(object.body.toString()) as { number: string, base: string | null, stage: string, staged: Commit['staged'], records: number }
    const number = BigInt(manifest.number)
    assert(number === last || number === last + 1n, `version ${number} is committed, and ${last} is the last one that can be read`)
    const known = committedVersions.get(number)
    assert.equal(String(known?.commit.stage ?? manifest.stage), manifest.stage, `version ${number} was committed twice`)
    committedVersions.set(number, { commit: { number, base: manifest.base === null ? null : BigInt(manifest.base), stage: BigInt(manifest.stage), staged: manifest.staged }, records: manifest.records })
  }

  /** Executes a statement, or not, and returns what has happened to it. */
  const execute = async (sent: Pending): Promise<string> => {
    const { run, resolve, reject, process, method } = sent
    counts.statements++
    const isPut = method === 'put'
    const dice = random.next()
    const failure = () => isPut ? new StoreError('timeout', 'The response was lost') : new EngineError('engine_unavailable', 'The connection was lost')
    if (dice < 0.01) {
      // Killed: what it has sent may arrive, or not.
      counts.kills++
      process.isDead = true
      const arrives = random.chance(0.5)
      if (arrives) await run().catch(() => {})
      reject(new KilledError())
      for (const other of scheduler.pending.filter((other) => other.process === process)) {
        scheduler.pending.splice(scheduler.pending.indexOf(other), 1)
        if (random.chance(0.5)) scheduler.late.push(other)
        other.reject(new KilledError())
      }
      return arrives ? 'killed after it' : 'killed before it'
    }
    if (dice < (isPut ? 0.2 : 0.02)) {
      counts.failures++
      const arrives = random.chance(0.6)
      if (arrives) await run().catch(() => {})
      reject(failure())
      return arrives ? 'response lost' : 'request lost'
    }
    if (isPut && dice < 0.35) {
      scheduler.late.push(sent)
      reject(failure())
      return 'late'
    }
    return await run().then((value) => {
      resolve(value)
      return 'executed'
    }, (error: Error) => {
      reject(error)
      return `failed: ${error.name}`
    })
  }

  await openCommits(store, connection)
  const processes = random.integer(2, 3)
  const state: { running: number, error?: unknown } = { running: processes }
  for (let i = 0; i < processes; i++) live(`process ${i}`).catch((error: unknown) => { state.error ??= error }).finally(() => { state.running-- })
  let favourite = ''
  // After this, each process has sent its next statement: it waits for nothing that the scheduler does not execute.
  const settle = () => new Promise(setImmediate)
  for (await settle(); state.error === undefined && scheduler.pending.length + scheduler.late.length > 0; await settle()) {
    // One process may run alone for a while, so that the statements of the others come late.
    if (random.chance(0.05)) favourite = random.chance(0.5) ? '' : `process ${random.integer(0, processes - 1)}`
    const isLate = scheduler.late.length > 0 && (scheduler.pending.length === 0 || random.chance(0.03))
    const preferred = scheduler.pending.filter(({ process }) => favourite === '' || process.name === favourite)
    const from = isLate ? scheduler.late : preferred.length > 0 ? preferred : scheduler.pending
    const next = random.pick(from)
    const queue = isLate ? scheduler.late : scheduler.pending
    queue.splice(queue.indexOf(next), 1)
    if (isLate) {
      counts.late++
      await next.run().catch(() => {})
      trace(`${next.process.name}: ${next.method}, executed late`)
    } else trace(`${next.process.name}: ${next.method}, ${await execute(next)}`)
    if (WRITES.has(next.method)) await check()
  }
  if (state.error !== undefined) throw state.error
  assert.equal(state.running, 0, 'a process waits for something else than its statements')

  // A process that starts now finishes what is left, and applying earlier commits again changes nothing.
  const after = await openCommits(store, connection)
  const last = await after.current()
  await check()
  for (const [number, { commit, records }] of committedVersions) {
    if (number >= (await readShards(connection)).forgottenBelow && number <= (last?.number ?? 0n)) await applyCommit(connection, commit, records, { fields: USER_FIELDS, timeZone: 'UTC' })
  }
  await after.forget(3_600_000)
  await check()
  const readable = await readAll(connection)
  assert.deepEqual(readable, await readShards(connection), 'readers find something else than the shards have')
  const { versions } = readable
  if (last !== undefined) assert.deepEqual(versions.get(last.number)?.content, planned.get(last.manifest.commit.stage)!.content)
  return { ...counts, versions: seen.size }
}
