import { setImmediate } from 'node:timers/promises'
// The library loads this module with the first snapshot. Files take real time to load, and the simulation does not wait for real time.
import '../../lib/snapshot/snapshot.js'
import { EtagCache } from '../../lib/source/etag-cache.js'
import { unpackEtag } from '../../lib/store/packed-etag.js'
import type { ObjectStore } from '../../lib/store/object-store.js'
import { TableReader } from '../../lib/table/table.js'
import { UserDataTransformer } from '../../lib/transformer.js'
import { InProcessBackend } from '../../lib/worker/in-process-backend.js'
import { SharingBackend } from '../../lib/worker/sharing-backend.js'
import { S3Bucket } from './s3-bucket.js'
import { MemoryStore, wrapStore } from './stores.js'
import { noPause } from './virtual-time.js'

/** The key of the state object, through which replicas share listings. */
export const STATE_KEY = 'processed_data/output.state.json'
export const SNAPSHOT_KEY = 'processed_data/output.snapshot.arrow'
export const START = Date.parse('2025-06-15T12:00:00Z')
const MAX_STALENESS_MS = 2000
/** The replicas have nothing to do after this number of turns of the event loop without a request. */
const IDLE_TURNS = 10

/** Requests at a bucket. Its listings have one page. */
export interface RequestCounts { readonly LIST: number, readonly GET: number, readonly PUT: number }

/** A process of the simulation. */
export interface SimulatedReplica {
  readonly name: string
  readonly transformer: UserDataTransformer
  readonly cache: EtagCache
  readonly backend: SharingBackend
}

export interface SimulationOptions {
  /** Milliseconds by which the wall clock of each replica is ahead, by the number of the replica. Default: 0. */
  readonly skews?: readonly number[]
  /** The numbers of the replicas that may not write. */
  readonly readers?: readonly number[]
  /** Whether they share their listings. Default: true. */
  readonly sharing?: boolean
  /** The maximum number of LIST requests of each replica a minute. Default: unlimited. */
  readonly maxListRequests?: number
}

/** Replicas of one bucket in virtual time: requests take no time, and time passes only in `advance`. */
export class Simulation {
  readonly bucket = new S3Bucket(() => START + this.now)
  readonly counts = { LIST: 0, GET: 0, PUT: 0 }
  readonly replicas: SimulatedReplica[] = []
  /** Milliseconds since the start. */
  now = 0
  /** Called before a request is executed; may throw a StoreError, and may execute the request later. */
  intercept: (operation: keyof RequestCounts, key: string, execute: () => Promise<unknown>) => void | Promise<void> = () => {}
  readonly #options: SimulationOptions
  readonly #timers = new Set<{ readonly at: number, readonly task: () => void }>()
  #count = 0
  /** The requests that have begun, and those that have not ended. */
  #begun = 0
  #inFlight = 0

  constructor (count: number, options: SimulationOptions = {}) {
    this.#options = options
    for (let i = 0; i < count; i++) this.start(i)
  }

  /** Starts a replica with the number `place`, in place of an earlier one with this number. */
  start (place: number): SimulatedReplica {
    const { skews = [], readers = [], sharing = true, maxListRequests = Infinity } = this.#options
    const name = `r${++this.#count}`
    const cache = new EtagCache()
    // The monotonic clocks of different processes must not be compared, so they differ here.
    const monotonic = () => this.now + 1e6 * place
    const wallClock = () => START + this.now + (skews[place] ?? 0)
    const store = this.#openStore()
    let opened: SharingBackend | undefined
    const transformer = new UserDataTransformer({
      pause: noPause,
      store,
      cache,
      clock: wallClock,
      monotonic,
      timer: (ms, task) => {
        const timer = { at: this.now + ms, task }
        this.#timers.add(timer)
        return () => this.#timers.delete(timer)
      },
      freshness: { maxStalenessMs: MAX_STALENESS_MS, refreshWaitMs: 60_000, maxListRequests },
      sharing: sharing ? { mayWrite: !readers.includes(place) } : undefined,
      openBackend: (rules) => {
        const inner = new InProcessBackend(store, monotonic, rules)
        if (rules.sharing === undefined) return inner
        opened = new SharingBackend(inner, { store, rules, sharing: rules.sharing, clock: monotonic, wallClock, id: name })
        return opened
      }
    })
    const replica = { name, transformer, cache, backend: opened! }
    this.replicas[place] = replica
    return replica
  }

  /** Lets time pass. The timers of the replicas run each second. */
  async advance (ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, (Math.floor(this.now / 1000) + 1) * 1000, ...[...this.#timers].map(({ at }) => Math.max(at, this.now + 1)))
      for (const timer of this.#timers) {
        if (timer.at > this.now) continue
        this.#timers.delete(timer)
        timer.task()
      }
      if (this.now % 1000 === 0) for (const { backend } of this.replicas) backend?.tick()
      await this.settle()
    }
  }

  /** Waits until no replica uses the store, and none does so for IDLE_TURNS turns of the event loop. */
  async settle (): Promise<void> {
    for (let idleTurns = 0; idleTurns < IDLE_TURNS;) {
      const begun = this.#begun
      await setImmediate()
      idleTurns = this.#inFlight === 0 && this.#begun === begun ? idleTurns + 1 : 0
    }
  }

  /** The name of the replica that leads; `undefined` without a state. */
  get leader (): string | undefined {
    const state = this.bucket.get(STATE_KEY)
    return state && (JSON.parse(state.body.toString()) as { state: { leader: string } }).state.leader
  }

  /** The records of a replica, each as JSON with the ETag of its image. */
  recordsOf ({ cache: { state } }: SimulatedReplica): Map<string, string> {
    const table = new TableReader(state.table)
    return new Map(Array.from({ length: table.length }, (_, row) => [table.keys.at(row), JSON.stringify([table.row(row), unpackEtag(state.images[0]!.etags, row)])]))
  }

  #openStore (): ObjectStore {
    const memory = new MemoryStore(this.bucket)
    const request = async <T>(operation: keyof RequestCounts, key: string, execute: () => Promise<T>): Promise<T> => {
      this.counts[operation]++
      this.#begun++
      this.#inFlight++
      try {
        await this.intercept(operation, key, execute)
        return await execute()
      } finally {
        this.#inFlight--
      }
    }
    return wrapStore(memory, {
      list: async function * (prefix, options) {
        yield * await request('LIST', prefix, async () => memory.list(prefix, options))
      },
      get: (key, options) => request('GET', key, () => memory.get(key, options)),
      put: (key, body, options) => request('PUT', key, () => memory.put(key, body, options))
    })
  }
}
