import { createHash } from 'node:crypto'
import { Jobs } from '../../lib/jobs.js'
import type { DataVersion } from '../../lib/query/data-version.js'
import { MAX_TWICE_MS, budgetMs } from '../../lib/refresh-rule.js'
import { RENEW_MS, TAKEOVER_MS } from '../../lib/share/share-rules.js'
import { EtagCache } from '../../lib/source/etag-cache.js'
import { UserDataTransformer } from '../../lib/transformer.js'
import { InProcessBackend } from '../../lib/worker/in-process-backend.js'
import { SharingBackend } from '../../lib/worker/sharing-backend.js'
import { S3Bucket } from '../support/s3-bucket.js'
import { MemoryStore } from '../support/stores.js'
import { checkData, checkInfoFiles, parseOutput, readRecords, type SeenRecord, type SeenRecords } from './check.js'
import { simulatedStore, UNREADABLE, type Weather } from './faults.js'
import { IDS, imageKey, infoKey } from './ids.js'
import { HALVES, LossJudge, WrongListings } from './large-lake.js'
import { Model, type View } from './model.js'
import type { Random } from './random.js'
import { drawSettings, randomsOf, type Randoms, type Settings } from './settings.js'
import { Timeline } from './timeline.js'

const START = Date.parse('2025-06-15T12:00:00Z')
const BUCKET = 'datalake'
const OUTPUT_KEY = 'processed_data/output.csv'
const SNAPSHOT_KEY = 'processed_data/output.snapshot.arrow'
/** How long faults and changes last, in milliseconds. */
const TROUBLE_MS = 25_000
/** How long the replicas then have to become current, in milliseconds. */
const CALM_MS = 40_000
/**
 * By how many milliseconds the data of several replicas may be older than that of a single one if the leader has to be replaced: the state that a leader has written is up to RENEW_MS older than its
 * data, and the leader counts as dead TAKEOVER_MS after it has written that state.
 */
const MAX_TAKEOVER_DELAY_MS = TAKEOVER_MS + RENEW_MS

/** A number of objects that is too large for a replica to re-check them one by one. */
const FLOOD = 1001

/** The mean time after which a client confirms a held output, if it does, in milliseconds. */
const CONFIRM_MS = 1000

/** The longest pause after a download that has timed out, in milliseconds (see `nextBackoff`). Until it has ended, the data is stale or, if no version of the file is known, there may be no data. */
const MAX_TIMEOUT_PAUSE_MS = 40_000

/** An upper bound of the LIST requests whose budget a replica has spent in advance, at any time of a history. */
const MAX_REQUESTS = 50

/** Lets the library load the modules that it loads with the first snapshot: that takes real time, which would change the order of events. */
async function loadModules (): Promise<void> {
  const store = new MemoryStore(new S3Bucket(() => START))
  for (let i = 0; i < 2; i++) {
    const transformer = new UserDataTransformer({ store, cache: new EtagCache() })
    await transformer.updateOutput()
    await transformer.flush()
    await transformer.close()
  }
}

await loadModules()

/** What a seed has led to. */
export interface Outcome {
  readonly seed: number
  /** Identifies the history: equal histories have equal hashes. */
  readonly hash: string
  /** What was wrong first; `undefined` if nothing was. */
  readonly failure: string | undefined
  readonly responses: number
  /** The number of replaced images that consumers have missed because they went from one replica to another, as decisions 19 and 21 allow. */
  readonly missedImages: number
  /** How many times an output went back because a late PUT met its condition again, which decision 29 allows. */
  readonly lateOutputs: number
}

interface Replica {
  readonly name: string
  /** The number of the replica, from 0. A process that starts in place of one that has ended has the same. */
  readonly place: number
  readonly startedAt: number
  readonly transformer: UserDataTransformer
  readonly jobs: Jobs
  readonly mayWrite: boolean
  /** What its responses have shown. */
  readonly view: View
  isAlive: boolean
}

/** A client that keeps a copy of the records by reading changes, from any replica. */
interface Consumer { position: string, /** The replica that has returned the position. */ server: string, records: Map<string, string> }

/** One random history: replicas of one bucket, whose store has faults, and clients that check every response. */
export class World {
  readonly #seed: number
  readonly #randoms: Randoms
  readonly #timeline = new Timeline()
  readonly #bucket = new S3Bucket(() => START + this.#timeline.now)
  readonly #model: Model
  readonly #replicas: Replica[] = []
  readonly #consumers: readonly Consumer[] = [1, 2].map(() => ({ position: '', server: '', records: new Map() }))
  #outputView: View = new Map()
  readonly #lossJudge = new LossJudge()
  readonly #hash = createHash('sha256')
  readonly #onLine: (line: string) => void
  readonly #settings: Settings
  #weather: Weather
  #failure: string | undefined
  #isCalm = false
  #writes = 0
  #starts = 0
  #responses = 0
  #downloads = 0
  #missedImages = 0
  #lateOutputs = 0
  /** When an output was written last, and when one went back last, in milliseconds. */
  #outputAt = -Infinity
  #lateOutputAt = -Infinity
  /** The durations of the longest complete listing and of the longest reconcile, in milliseconds. */
  #longestListingMs = 0
  #longestReconcileMs = 0
  /** The names of the processes that may have ended without a snapshot of their last state: they were killed, could not write it, or had found a large loss before the output had it. */
  readonly #unsaved = new Set<string>()
  /** The names of the processes that could not read the snapshot at their start. */
  readonly #cold = new Set<string>()

  /** @param onLine receives the lines of the history */
  constructor (seed: number, onLine: (line: string) => void = () => {}) {
    this.#seed = seed
    this.#onLine = onLine
    this.#randoms = randomsOf(seed)
    this.#settings = drawSettings(this.#randoms)
    const { latencyMs, faults, largeLake, otherEtags } = this.#settings
    this.#model = new Model([...IDS, ...largeLake === undefined ? [] : HALVES.flat()], otherEtags !== undefined)
    this.#weather = { latencyMs, faults }
  }

  get #random (): Random {
    return this.#randoms.history
  }

  async run (): Promise<Outcome> {
    const { count, changeMs, readMs, restartMs, events, largeLake } = this.#settings
    this.#log(JSON.stringify(this.#settings))
    for (let i = this.#random.integer(0, IDS.length); i > 0; i--) this.#change()
    if (largeLake !== undefined) this.#changeHalves(HALVES.flat(), true)
    for (let place = 0; place < count; place++) this.#start(place)
    this.#repeat(changeMs, () => this.#change())
    this.#repeat(readMs, () => this.#read(this.#anyReplica()))
    this.#repeat(5000, () => this.#read(this.#anyReplica(), true))
    this.#repeat(5000, () => this.#post(this.#anyReplica()))
    this.#repeat(2000, () => this.#poll(this.#random.pick(this.#consumers)))
    this.#repeat(8000, () => this.#changeWeather())
    if (restartMs !== Infinity) this.#repeat(restartMs, () => this.#restart())
    if (events !== undefined && events.forgeryMs !== Infinity) this.#repeat(events.forgeryMs, () => this.#forge(), this.#randoms.events)
    if (largeLake !== undefined && largeLake.changeMs !== Infinity) this.#repeat(largeLake.changeMs, () => this.#changeLargeLake(), this.#randoms.largeLake)
    await this.#runUntil(TROUBLE_MS)
    this.#isCalm = true
    this.#makeReadable()
    this.#weather = { latencyMs: this.#settings.latencyMs, faults: 0 }
    for (const replica of this.#replicas) this.#readRegularly(replica)
    await this.#runUntil(TROUBLE_MS + CALM_MS)
    await this.#checkEnd()
    return { seed: this.#seed, hash: this.#hash.digest('hex').slice(0, 16), failure: this.#failure, responses: this.#responses, missedImages: this.#missedImages, lateOutputs: this.#lateOutputs }
  }

  async #runUntil (end: number): Promise<void> {
    for (; this.#failure === undefined && this.#timeline.now < end;) await this.#timeline.runUntil(this.#timeline.now + 1000)
  }

  #log (text: string): void {
    const line = `${this.#timeline.now} ${text}`
    this.#hash.update(line + '\n')
    this.#onLine(line)
  }

  #fail (text: string | undefined): void {
    if (text === undefined || this.#failure !== undefined) return
    this.#failure = `at ${this.#timeline.now} ms: ${text}`
    this.#log(`failed: ${text}`)
  }

  /** Does something at random times, until calm begins. */
  #repeat (meanMs: number, work: () => void | Promise<void>, random = this.#random): void {
    this.#timeline.schedule(random.pause(meanMs), () => {
      if (this.#isCalm) return
      this.#do(work)
      this.#repeat(meanMs, work, random)
    })
  }

  #do (work: () => void | Promise<void>): void {
    Promise.resolve().then(work).catch((error: Error) => this.#fail(error.stack))
  }

  #anyReplica (): Replica {
    return this.#random.pick(this.#replicas)
  }

  /** Puts or deletes one object. */
  #change (): void {
    const id = this.#random.pick(IDS)
    const change = this.#random.weighted({ good: 6, bad: 2, unreadable: 1, deleted: 2, image: 3, 'image deleted': 1 })
    this.#put(id, change)
  }

  /** Deletes a half of a large lake or both, by mistake or not, or puts the same objects again. */
  #changeLargeLake (): void {
    const random = this.#randoms.largeLake
    this.#changeHalves(random.pick([...HALVES, HALVES.flat()]), random.chance(0.5))
  }

  #changeHalves (ids: readonly string[], exist: boolean): void {
    for (const id of ids) if ((this.#bucket.get(infoKey(id)) !== undefined) !== exist) this.#put(id, exist ? 'good' : 'deleted', id)
  }

  /** Replaces the info files that cannot be read: if they were half of all files or more, their code would be `download_failed`, and no job would succeed. */
  #makeReadable (): void {
    for (const id of IDS) if (this.#bucket.get(infoKey(id))?.body.toString().startsWith(UNREADABLE)) this.#put(id, 'good')
  }

  #put (id: string, change: 'good' | 'bad' | 'unreadable' | 'deleted' | 'image' | 'image deleted', content = `N${++this.#writes}`): void {
    this.#log(`${change} ${id} ${content}`)
    const { now } = this.#timeline
    const isImage = change === 'image' || change === 'image deleted'
    this.#announce(isImage ? imageKey(id) : infoKey(id))
    if (change === 'image') this.#model.set(imageKey(id), 'good', this.#bucket.put(imageKey(id), content).etag, now)
    else if (change === 'good' || change === 'bad' || change === 'unreadable') {
      this.#bucket.put(infoKey(id), change === 'bad' ? `bad ${content}` : change === 'good' ? `first_name,last_name,birthts\n${content},Lee,0\n` : UNREADABLE + content)
      this.#model.set(infoKey(id), change === 'good' ? change : 'bad', change === 'good' ? content : '', now)
    } else {
      const key = isImage ? imageKey(id) : infoKey(id)
      this.#bucket.delete(key)
      this.#model.set(key, 'gone', '', now)
    }
  }

  /** Sends the event of a change: to some replicas, after some time, perhaps more than once or never, and not in the order of the changes. */
  #announce (key: string): void {
    const { events, count } = this.#settings
    if (events === undefined) return
    const { to, loss, repetition, delayMs } = events
    const places = to === 'first' ? [0] : [...Array(count).keys()]
    for (const place of to === 'any' ? [this.#randoms.events.pick(places)] : places) {
      if (this.#randoms.events.chance(loss)) continue
      const times = this.#randoms.events.chance(repetition) ? 2 : 1
      for (let i = 0; i < times; i++) this.#timeline.schedule(this.#randoms.events.pause(delayMs), () => this.#deliver(place, [key]))
    }
  }

  /** Sends an event of a change that has not happened, or sometimes many of them. */
  #forge (): void {
    const random = this.#randoms.events
    const key = random.pick([infoKey(random.pick(IDS)), imageKey(random.pick(IDS)), infoKey('nobody'), OUTPUT_KEY, 'source_data/../x.csv', ''])
    this.#deliver(random.integer(0, this.#settings.count - 1), random.chance(0.05) ? Array.from({ length: FLOOD }, (_, i) => infoKey(`x${i}`)) : [key])
  }

  #deliver (place: number, keys: readonly string[]): void {
    const { name, transformer } = this.#replicas[place]!
    const { accepted } = transformer.noteChanged(keys.map((key) => ({ bucket: BUCKET, key })))
    this.#log(`${name} event ${keys.length === 1 ? keys[0]! : keys.length}${accepted === 0 ? ', ignored' : ''}`)
  }

  #changeWeather (): void {
    const { latencyMs, faults } = this.#settings
    const weather = this.#random.weighted({ usual: 4, fine: 2, slow: 2, outage: 1 })
    this.#log(`weather: ${weather}`)
    if (weather === 'usual') this.#weather = { latencyMs, faults }
    else if (weather === 'fine') this.#weather = { latencyMs, faults: 0 }
    else if (weather === 'slow') this.#weather = { latencyMs: latencyMs * 20, faults }
    else this.#weather = { latencyMs, faults: faults === 0 ? 0 : 1 }
  }

  /** Starts a process in a place that has no running one. */
  #start (place: number): void {
    const { isSharing, readers, pageSize, isRanged, maxStalenessMs, refreshWaitMs, maxListRequests, otherEtags, skews, largeLake } = this.#settings
    const name = `r${++this.#starts}`
    const offset = 1e6 * this.#starts
    const monotonic = () => this.#timeline.now + offset
    const wallClock = () => START + this.#timeline.now + skews[place]!
    const mayWrite = !readers.includes(place)
    const timer = (ms: number, task: () => void) => this.#timeline.schedule(ms, () => { if (replica.isAlive) task() })
    const store = simulatedStore({
      bucket: this.#bucket,
      timeline: this.#timeline,
      random: this.#random,
      weather: () => this.#weather,
      pageSize,
      isRanged,
      otherEtags,
      onDownload: () => { this.#downloads++ },
      wrongListings: largeLake && new WrongListings({
        share: () => this.#isCalm ? 0 : largeLake.wrongListings,
        random: this.#randoms.largeLake,
        readState: async () => transformer.freshness().ageMs === undefined ? undefined : new Set((await readRecords(transformer.current)).keys()),
        readPublished: () => this.#bucket.get(SNAPSHOT_KEY) === undefined ? new Set(this.#output.keys()) : undefined,
        log: (text) => this.#log(`${name} ${text}`)
      }),
      isAlive: () => replica.isAlive,
      onPut: (key, sentAt, { ifMatch }) => { if (key === OUTPUT_KEY) this.#checkOutput(typeof ifMatch === 'string' && sentAt < this.#outputAt) },
      // A store also denies the GET of a key that does not exist, if the client may not list. So the process assumes that there is no snapshot.
      onGetDenied: (key) => { if (key === SNAPSHOT_KEY) this.#cold.add(name) },
      log: (text) => this.#log(`${name} ${text}`)
    })
    const transformer = new UserDataTransformer({
      store,
      cache: new EtagCache(),
      clock: wallClock,
      monotonic,
      timer,
      waitTimer: timer,
      pause: (ms) => new Promise((resolve) => { timer(ms, resolve) }),
      freshness: { maxStalenessMs, refreshWaitMs, maxListRequests },
      sharing: isSharing ? { mayWrite } : undefined,
      onColdStart: () => { this.#cold.add(name) },
      onSnapshotWritten: (error) => {
        if (error !== undefined) this.#unsaved.add(name)
        else if (replica.isAlive) this.#unsaved.delete(name)
      },
      openBackend: (rules) => {
        const inner = this.#measured(new InProcessBackend(store, monotonic, rules))
        if (rules.sharing === undefined) return inner
        const backend = new SharingBackend(inner, { store, rules, sharing: rules.sharing, clock: monotonic, wallClock, waitTimer: timer, random: this.#random.next, id: name })
        const tick = () => {
          backend.tick()
          timer(1000, tick)
        }
        timer(1000, tick)
        return backend
      }
    })
    const jobs = new Jobs({ work: (options) => transformer.updateOutput(options), instance: name, clock: wallClock, monotonic })
    const replica: Replica = { name, place, startedAt: this.#timeline.now, transformer, jobs, mayWrite, view: new Map(), isAlive: true }
    this.#replicas[place] = replica
    this.#log(`${name} starts in place ${place}`)
  }

  /** A backend whose reconciles are measured. */
  #measured (backend: InProcessBackend): InProcessBackend {
    const reconcile = backend.reconcile.bind(backend)
    backend.reconcile = async (...args) => {
      const start = this.#timeline.now
      const result = await reconcile(...args)
      this.#longestListingMs = Math.max(this.#longestListingMs, result.listingMs)
      this.#longestReconcileMs = Math.max(this.#longestReconcileMs, this.#timeline.now - start)
      return result
    }
    return backend
  }

  /** Ends a process, by a signal or without a warning, and starts another one in its place. */
  async #restart (): Promise<void> {
    const replica = this.#anyReplica()
    const isKilled = this.#random.chance(0.5)
    this.#log(`${replica.name} ${isKilled ? 'is killed' : 'stops'}`)
    if (isKilled) this.#unsaved.add(replica.name)
    else {
      if (replica.mayWrite && !await replica.transformer.flush()) this.#unsaved.add(replica.name)
      await replica.transformer.close()
    }
    if (!replica.isAlive) return // it was killed while it stopped
    replica.isAlive = false
    this.#start(replica.place)
  }

  /** Does what `GET /data` does. */
  async #read (replica: Replica, fresh = false): Promise<void> {
    const { transformer, name, view, startedAt } = replica
    const requestedAt = this.#timeline.now
    const freshness = fresh ? await transformer.ensureFresh({ fresh }) : transformer.currentFreshness() ?? await transformer.ensureFresh()
    const { ageMs, staleReasons } = freshness
    this.#responses++
    if (ageMs === undefined) {
      this.#log(`${name} has no data: ${staleReasons.join()}`)
      // There is no reason while the first reading of the lake has not ended.
      if (staleReasons.length === 0 && this.#timeline.now - startedAt < this.#settings.refreshWaitMs) this.#fail(`${name} has no data, and no reason`)
      return
    }
    const { now } = this.#timeline
    const entries = transformer.quarantine().entries()
    const records = await readRecords(transformer.current)
    this.#log(`${name} ${fresh ? 'fresh ' : ''}data of ${now - ageMs} ${staleReasons.join()} ${describe(records)}`)
    const problem = checkData(this.#model, view, { records, entries, freshness }, { since: now - ageMs - this.#clockError, until: now })
    if (problem !== undefined) return this.#fail(`${name}: ${problem}`)
    if (staleReasons.length > 0) return
    if (fresh && now - ageMs < requestedAt) return this.#fail(`${name}: the listing began before a request that requires a later one`)
    if (ageMs > this.#maxAgeMs) this.#fail(`${name}: the data is ${ageMs} ms old (at most ${this.#maxAgeMs}), and the response does not report that it is stale`)
  }

  /**
   * By how many milliseconds an age may be too low if a replica computes it from the state of another one, and their clocks differ. The replica then knows only that this state was sent after the previous
   * state (`estimateTime`), so the limit is the time between two states, which is longest when a leader is replaced.
   */
  get #clockError (): number {
    return this.#settings.isSharing && this.#settings.skews.some((skew) => skew !== 0) ? MAX_TAKEOVER_DELAY_MS : 0
  }

  /**
   * The greatest age that data without a stale reason may have, in milliseconds. For a single replica, it is the longest of MAX_STALENESS, twice the duration of a listing and the duration of a reconcile, for which a
   * read may have waited, plus the delay by the budget for LIST requests. The durations are the longest ones so far, not the median of the last five. Replicas that share listings may also have been
   * without a leader for some time.
   */
  get #maxAgeMs (): number {
    const { maxStalenessMs, refreshWaitMs, maxListRequests, isSharing } = this.#settings
    if (isSharing) return MAX_TWICE_MS + refreshWaitMs + MAX_TAKEOVER_DELAY_MS
    return Math.max(maxStalenessMs, Math.min(2 * this.#longestListingMs, MAX_TWICE_MS), this.#longestReconcileMs) + budgetMs(MAX_REQUESTS, maxListRequests)
  }

  /** Does what `POST /data` does. */
  async #post (replica: Replica): Promise<void> {
    await this.#runJob(replica, !replica.mayWrite || this.#random.chance(0.1))
  }

  /** @param confirm a data version, if the job confirms one */
  async #runJob (replica: Replica, dryRun: boolean, confirm?: string): Promise<void> {
    const { jobs, name } = replica
    const requestedAt = this.#timeline.now
    const { state, error, result } = await jobs.enqueue('api', { dryRun, confirm }).ended
    this.#log(`${name} job of ${requestedAt} ${confirm === undefined ? '' : 'with a confirmation '}${state} ${error?.code ?? result!.records}`)
    if (state === 'held' && this.#randoms.largeLake.chance(0.5)) {
      this.#lossJudge.confirm(result!.records)
      this.#timeline.schedule(this.#randoms.largeLake.pause(CONFIRM_MS), () => { if (replica.isAlive) this.#do(() => this.#runJob(replica, false, result!.confirm)) })
    }
    if (state !== 'succeeded' || dryRun || this.#lateOutputAt >= requestedAt) return
    this.#fail(checkInfoFiles(this.#model, new Map(this.#outputView), this.#output, { since: requestedAt, until: this.#timeline.now }))
  }

  get #output () {
    const output = this.#bucket.get(OUTPUT_KEY)
    return output === undefined ? new Map<string, SeenRecord>() : parseOutput(output.body.toString())
  }

  /**
   * Checks an output that has just been written: it must not be older than the previous one.
   *
   * @param mayGoBack whether other outputs were written after this PUT was sent, and its condition was met because the last of them had the same bytes as an earlier one. Decision 29 allows that such
   * an output is older: the next job corrects it.
   */
  #checkOutput (mayGoBack: boolean): void {
    const { now } = this.#timeline
    const output = this.#output
    const view = new Map(this.#outputView)
    const problems = [checkInfoFiles(this.#model, view, output, { since: -Infinity, until: now }), this.#lossJudge.check(new Set(output.keys()))]
    const problem = problems.find((found) => found !== undefined)
    this.#outputAt = now
    this.#outputView = view
    if (problem === undefined) return
    if (!mayGoBack) return this.#fail(`the output goes back: ${problem}`)
    this.#log(`the output goes back, as is allowed: ${problem}`)
    this.#lateOutputs++
    this.#lateOutputAt = now
    view.clear()
    this.#fail(checkInfoFiles(this.#model, view, output, { since: -Infinity, until: now }))
  }

  /** Does what `GET /changes` does for a client, on any replica. */
  async #poll (consumer: Consumer): Promise<void> {
    const { transformer, name } = this.#anyReplica()
    await transformer.ensureFresh()
    if (transformer.freshness().ageMs === undefined) return
    const { count, isSharing } = this.#settings
    // If replicas do not share listings, a position is valid only on the replica that has returned it.
    const isValid = isSharing || count === 1 || consumer.server === name
    const since = isValid ? consumer.position : ''
    const changes = since === '' ? undefined : await transformer.findChanges(since)
    if (isValid && since !== consumer.position) return // another poll of this client has ended meanwhile
    const { version, next, keys } = changes ?? { ...transformer.changesSince(undefined)!, keys: undefined }
    const mayMiss = (isSharing || this.#unsaved.has(consumer.server) || this.#cold.has(name)) && consumer.server !== name && !isOwnPosition(since)
    consumer.position = next
    consumer.server = name
    const records = await asJson(version)
    if (keys === undefined) consumer.records = new Map(records)
    else {
      for (const key of keys) {
        const record = records.get(key)
        if (record === undefined) consumer.records.delete(key)
        else consumer.records.set(key, record)
      }
    }
    this.#log(`${name} changes since ${since}: ${keys?.join() ?? 'all'}; next ${next}`)
    for (const id of this.#model.ids) {
      const [copy, record] = [consumer.records.get(id), records.get(id)]
      if (copy === record) continue
      const isImageOnly = copy !== undefined && record !== undefined && nameIn(copy) === nameIn(record)
      // Another replica has found a later image already: this one reports it once it has found it as well.
      if (isImageOnly && this.#model.isLater(imageKey(id), imageIn(copy), imageIn(record))) continue
      // Decision 21: an image may be missed that was replaced between the listings of two replicas, if the first one led when it listed.
      // Decision 19: an image may also be missed after a process has ended without a snapshot of its last state, or if the next process could not read the snapshot.
      if (!isImageOnly || !mayMiss) return this.#fail(`the changes of ${name} since ${since} do not lead to its records: ${id} is ${copy}, not ${record}`)
      this.#log(`${name} changes since ${since} miss the image of ${id}, as is allowed`)
      this.#missedImages++
      consumer.records.set(id, record)
    }
  }

  #readRegularly (replica: Replica): void {
    this.#do(() => this.#read(this.#replicas[replica.place]!))
    this.#timeline.schedule(4000, () => this.#readRegularly(replica))
  }

  /** After some time without faults and changes, each replica is current, and the first one can publish. */
  async #checkEnd (): Promise<void> {
    if (this.#failure !== undefined) return
    const hasFailedDownloads = this.#replicas.some(({ transformer }) => transformer.freshness().staleReasons.includes('download_failed'))
    if (hasFailedDownloads) await this.#timeline.runUntil(this.#timeline.now + MAX_TIMEOUT_PAUSE_MS)
    const { now } = this.#timeline
    const all = this.#replicas.map(({ transformer }) => transformer.ensureFresh())
    await this.#timeline.runUntil(now + 30_000)
    for (const [place, { name, transformer, view }] of this.#replicas.entries()) {
      const freshness = await Promise.race([all[place]!, undefined])
      // Without faults, too, a refresh may take longer than reads wait.
      const isCurrent = freshness?.ageMs !== undefined && freshness.ageMs <= CALM_MS && freshness.staleReasons.every((reason) => reason === 'refresh_slow')
      if (!isCurrent) return this.#fail(`${name} is not current in the end: ${freshness?.staleReasons.join()}`)
      const problem = checkData(this.#model, view, { records: await readRecords(transformer.current), entries: transformer.quarantine().entries(), freshness }, { since: now, until: now })
      if (problem !== undefined) return this.#fail(`${name} in the end: ${problem}`)
    }
    await this.#checkDownloads()
    const { jobs } = this.#replicas[0]!
    const runLastJob = async (confirm?: string) => {
      const job = jobs.enqueue('api', { confirm }).ended
      await this.#timeline.runUntil(this.#timeline.now + 30_000)
      return await Promise.race([job, { state: 'running', error: null, result: null }])
    }
    let { state, error, result } = await runLastJob()
    if (state === 'held') {
      this.#lossJudge.confirm(result!.records)
      ;({ state, error } = await runLastJob(result!.confirm))
    }
    if (state !== 'succeeded') return this.#fail(`the last job is ${state} ${error?.code ?? ''}`)
    this.#fail(checkInfoFiles(this.#model, this.#outputView, this.#output, { since: now, until: now }))
  }

  /** While nothing changes, refreshes download nothing. With events this is not checked: a late one causes a file to be downloaded again. */
  async #checkDownloads (): Promise<void> {
    if (this.#settings.events !== undefined) return
    const before = this.#downloads
    for (const { transformer } of this.#replicas) this.#do(async () => { await transformer.ensureFresh({ fresh: true }) })
    await this.#timeline.runUntil(this.#timeline.now + 30_000)
    if (this.#downloads !== before) this.#fail(`${this.#downloads - before} downloads, although nothing has changed`)
  }
}

/** Whether a replica has reached this position by itself, so that others may not have it. Its name then ends with nine digits: see `randomPosition`. */
function isOwnPosition (position: string): boolean {
  return /~\d{9}$/.test(position)
}

/** Records as text; those of the halves of a large lake only as their number. */
function describe (records: SeenRecords): string {
  const few = IDS.filter((id) => records.has(id))
  return `${few.map((id) => `${id}=${records.get(id)!.name}${records.get(id)!.image === undefined ? '' : '+'}`).join()}${records.size > few.length ? ` and ${records.size - few.length} more` : ''}`
}

function nameIn (record: string): string {
  return (JSON.parse(record) as SeenRecord).name
}

function imageIn (record: string): string {
  return (JSON.parse(record) as SeenRecord).image ?? ''
}

async function asJson (version: DataVersion): Promise<Map<string, string>> {
  return new Map([...await readRecords(version)].map(([id, record]) => [id, JSON.stringify(record)]))
}
