import type { Clock, MonotonicClock } from '../base/clock.js'
import { MAX_CLOSE_WAIT_MS, within, type Timer } from '../base/timer.js'
import { outputName, type Output } from '../output/output.js'
import type { ColumnOrder, StoredNumbers } from '../query/column-order.js'
import { budgetMs } from '../refresh-rule.js'
import { decideAction, decideRenewal, isAbandoned, isClaimDue, isIdleAfter, isLed, isRenewed, isStateDue, type Action, type KnownState } from '../share/share-rules.js'
import { continueLog, logEntriesOf, withPosition, type LogEntry } from '../share/shared-log.js'
import { appendStep, MAX_FAILED, stepsSince, type SharedState, type Step } from '../share/shared-state.js'
import { StateFile, type KnownFile, type StateContent } from '../share/state-file.js'
import { stateWarnings } from '../share/state-warnings.js'
import { StateWrites } from '../share/state-writes.js'
import { applyChange, combineChanges, fingerprint, isNoChange, touchedIds, viewChange, type View, type ViewChange } from '../source/view-change.js'
import { lakeIdentity } from '../snapshot/snapshot-file.js'
import { lastPosition } from '../source/change-log.js'
import { ALL_READ, isCovered } from '../source/coverage.js'
import { recheck, type Rechecked } from '../source/recheck.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import type { SourceRules } from '../source/rules.js'
import { nextStateName, type SourceState } from '../source/source-state.js'
import type { ObjectStore } from '../store/object-store.js'
import type { BackendReconciled, LakeBackend, OutputReport, PublishRequest, ReconcileRequest } from './lake-backend.js'

/** How a replica shares its listings. Plain data. */
export interface SharingRules {
  /** The object key of the state. */
  readonly stateKey: string
  /** Whether this replica may write the state. If not, it never leads: it follows the leader, and lists for itself while no replica leads. */
  readonly mayWrite: boolean
  /** The age above which data is refreshed, in milliseconds. */
  readonly maxStalenessMs: number
  /** The maximum number of requests a minute for listings that no client has required; may be Infinity. */
  readonly maxListRequests: number
}

/** What a `SharingBackend` depends on. */
export interface SharingOptions {
  readonly store: ObjectStore
  readonly rules: SourceRules
  readonly sharing: SharingRules
  readonly clock: MonotonicClock
  /** The wall clock, which is compared with those of other replicas. */
  readonly wallClock: Clock
  /** Limits how long `close` and, after a failure to write the state, `reconcile` wait for a write. Default: one of the system that keeps the process alive. */
  readonly waitTimer?: Timer | undefined
  /** The name of this replica in the state. Default: a random one. */
  readonly id?: string
  /** Names replicas, views and positions, so that no two have the same name: returns a number from 0 up to, not including, 1. Default: `Math.random`. */
  readonly random?: () => number
}

/** The interval at which the leader checks whether it has to renew the state, in milliseconds. */
const TICK_MS = 1000

/** How long a reconcile waits for a write of the state after an earlier one has failed, in milliseconds. */
const MAX_WRITE_WAIT_MS = 1000

/** The maximum number of entries of the leader's log that are remembered after a listing of this replica. Its own log has their changes, so that the older ones are not needed. */
const MAX_ENTRIES = 100

/** The view of this replica to which the steps of later states are applied. */
interface Base {
  readonly id: string
  readonly view: View
  /** Whether it may differ from the view that has this id in the state: it then comes from a listing that began after that view was read. */
  readonly isAssumed: boolean
}

/** The state object as it was last read or written, if it can be followed, and when it was written. */
interface Head extends KnownFile { readonly state: SharedState }

/** The names of outputs that were made from one listing, and when that began, in milliseconds of the monotonic clock; -Infinity if no output was made. */
interface MadeOutputs { readonly at: number, readonly outputs: readonly string[] }

/**
 * Shares listings with the other replicas of a lake through a state object: reconciles by taking over what the leader has found, or by a listing
 * of its own whose result the others then take over. The rules are in lib/share/share-rules.ts. If the state cannot be read or written, each
 * replica lists the lake for itself.
 *
 * In the comments of this class, *the state* is the content of that object (`SharedState`), not a `SourceState`.
 */
export class SharingBackend implements LakeBackend {
  readonly #inner: LakeBackend
  readonly #options: SharingOptions
  readonly #id: string
  readonly #random: () => number
  readonly #file: StateFile
  readonly #writes: StateWrites
  #base: Base | undefined
  /** The entries of the leader's log that led to the base. The next result that is taken from the state adds them to the log of this replica. */
  #entries: readonly LogEntry[] = []
  /** What this replica has last found by itself, by a listing or a re-check, until the state describes a later listing. */
  #ownListing: BackendReconciled | undefined
  /** When that listing or re-check, with its downloads, ended: a file may be newer than the listing. */
  #ownUntil = -Infinity
  /** A base that is older than everything in `#ownListing`. A later base may contain what another replica has found, and a re-check has not looked at. */
  #newerThan: Base | undefined
  /** Whether this replica has found something that the state did not describe. */
  #isDiverged = false
  /** The last result of `reconcile`, without the warnings about the state. */
  #lastResult: BackendReconciled | undefined
  /** When the last listing of this replica began. */
  #listedAt = -Infinity
  /** The listing of the last result certainly began after this time. If another replica has listed, it may have begun later. */
  #listedAfter = -Infinity
  /** The id of the view of the state that the last listing without a difference from it has confirmed, and when that listing began. */
  #confirmed: { readonly view: string, readonly at: number } | undefined
  /** The outputs that this replica last made, or that were made before it wrote the state. */
  #made: MadeOutputs = { at: -Infinity, outputs: [] }
  /** When the last refresh began. */
  #refreshedAt = -Infinity
  #isRefreshing = false
  /** Whether this replica had too few requests to lead when the last refresh began. */
  #isIdle = true
  #readError: unknown
  #lastDiff: { readonly previous: View, readonly next: View, readonly change: ViewChange } | undefined
  #preloaded: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (inner: LakeBackend, options: SharingOptions) {
    const { store, rules, sharing, clock, wallClock, random = Math.random, id } = options
    this.#inner = inner
    this.#options = options
    this.#random = random
    this.#id = id ?? this.#newId()
    this.#file = new StateFile({ store, key: sharing.stateKey, identity: lakeIdentity(store.url, rules), clock, wallClock })
    this.#writes = new StateWrites(clock, sharing.mayWrite)
  }

  async reconcile (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled> {
    const now = this.#options.clock()
    this.#isIdle = isIdleAfter(now - this.#refreshedAt, this.#maxStalenessMs, this.#lastResult?.listingMs ?? 0)
    this.#refreshedAt = now
    this.#isRefreshing = true
    try {
      const isReadable = await this.#read()
      const head = previous === undefined ? undefined : this.#advance()
      const known = this.#knownState()
      const action = isReadable ? await this.#decide(request.isRequired, head) : 'list'
      const followed = action === 'follow' && head !== undefined ? this.#follow(head, now) : undefined
      this.#lastResult = followed ?? await this.#list(previous, request, onProgress, action)
      // A replica that cannot follow lists for itself each time.
      const isFollower = followed !== undefined || (request.isRequired && this.#canFollow)
      // The next reconcile may come long after a write that succeeds again: this one reports it.
      if (this.#writes.error !== undefined) await within(MAX_WRITE_WAIT_MS, this.#writes.ended, this.#options.waitTimer)
      // What another replica writes is followed: then it does not matter that this one could not write.
      const writeError = isFollower ? undefined : this.#writes.error
      const warnings = stateWarnings({ readError: this.#readError, isForeign: this.#knownState()?.isForeign === true, writeError })
      const takeoverMs = previous !== undefined && action === 'lead' && known !== undefined && isAbandoned(known) ? known.unrenewedMs : undefined
      return { ...this.#lastResult, isLed: isFollower, takeoverMs, warnings: [...this.#lastResult.warnings, ...warnings] }
    } finally {
      this.#isRefreshing = false
    }
  }

  /** As after a listing of this replica, the others take over what it has found, unless they may have found something newer. */
  async recheck (previous: SourceState, objectKeys: readonly string[]): Promise<Rechecked | undefined> {
    const last = this.#lastResult
    if (last?.state !== previous) return undefined
    const { store, rules, clock } = this.#options
    const found = await recheck(store, last, objectKeys, clock, rules)
    if (found === undefined) return undefined
    const rechecked = this.#isLeader ? found : { ...found, state: withPosition(found.state, previous, this.#random) }
    this.#lastResult = { ...last, ...rechecked }
    if (found.state === previous) return found
    const base = this.#base
    if (base !== undefined && !this.#differs(base.view, last)) this.#newerThan = base
    const isChanged = this.#noteOwn(this.#lastResult)
    if (isChanged && this.#newerThan === base && this.#head?.state.view === base?.id) this.#enqueueAnnouncement(this.#lastResult)
    return rechecked
  }

  async publish (state: SourceState, request: PublishRequest): Promise<OutputReport> {
    const report = await this.#inner.publish(state, request)
    const [name, at] = [outputName(request.output), this.#listedAt]
    const outputs = this.#made.at === at ? this.#made.outputs : []
    if (!request.dryRun && !report.isHeld && !outputs.includes(name)) {
      this.#made = { at, outputs: [...outputs, name] }
      this.#writes.enqueue(async () => { if (this.#isLeader) await this.#renew(this.#isIdle) })
    }
    return report
  }

  async saveSnapshot (state: SourceState): Promise<boolean> {
    return !this.#canFollow && await this.#inner.saveSnapshot(state)
  }

  async orderNumbers (column: StoredNumbers): Promise<ColumnOrder> {
    return await this.#inner.orderNumbers(column)
  }

  async outputAgeMs (outputs: readonly Output[]): Promise<number | undefined> {
    await this.#read()
    const head = this.#head
    if (head === undefined || this.#isLeader) return undefined
    const made = madeOutputs(head)
    return outputs.every((output) => made.outputs.includes(outputName(output))) ? this.#options.clock() - made.at : undefined
  }

  async checkWrites (): Promise<boolean | undefined> {
    const honoursConditions = await this.#inner.checkWrites()
    // Without conditions, two replicas could overwrite each other's state: its steps would then not lead from one state to the next.
    if (honoursConditions === false) this.#writes.forbid()
    return honoursConditions
  }

  /** Starts to read the state, which the first reconcile needs. */
  preload (): void {
    this.#preloaded = this.#file.read()
    this.#preloaded.catch(() => {})
  }

  /** Calls `tick` every second until `close`. */
  start (): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref()
  }

  /** Writes what the leader writes between listings, if it is due. */
  tick (): void {
    const head = this.#head
    if (head === undefined || !this.#isLeader || this.#writes.isBusy) return
    const { clock } = this.#options
    const renewal = decideRenewal({
      isIdle: head.state.isIdle,
      isRefreshing: this.#isRefreshing,
      sinceRefreshMs: clock() - this.#refreshedAt,
      unrenewedMs: clock() - head.writtenAt,
      listingMs: head.state.listingMs,
      maxStalenessMs: this.#maxStalenessMs
    })
    if (renewal !== undefined) this.#writes.enqueue(() => this.#renew(renewal === 'idle'))
  }

  async close (): Promise<void> {
    clearInterval(this.#timer)
    const resigned = this.#writes.enqueue(async () => { if (this.#isLeader && !this.#head!.state.isIdle) await this.#renew(true) })
    await within(MAX_CLOSE_WAIT_MS, resigned, this.#options.waitTimer)
    await this.#inner.close()
  }

  /** The state as it was last read or written; `undefined` if the object did not exist or cannot be followed. */
  get #head (): Head | undefined {
    const known = this.#file.known
    return known?.state && { ...known, state: known.state }
  }

  /**
   * The age above which newer data is needed. The leader lists again when the time whose budget its last listing has spent is over. If it has also listed for a job, it waits
   * for the time of both listings.
   */
  get #maxStalenessMs (): number {
    const { maxStalenessMs, maxListRequests } = this.#options.sharing
    return Math.max(maxStalenessMs, 2 * budgetMs(this.#head?.state.requests ?? 0, maxListRequests))
  }

  /** Whether another replica leads, and its state can be followed. */
  get #canFollow (): boolean {
    const state = this.#knownState()
    return state !== undefined && !state.isForeign && isLed(state)
  }

  get #isLeader (): boolean {
    return this.#head?.state.leader === this.#id
  }

  #knownState (): KnownState | undefined {
    const known = this.#file.known
    if (known === undefined) return undefined
    const unrenewedMs = this.#options.clock() - known.writtenAt
    const { leader, isIdle = false, listingAgeMs = 0, listingMs = 0 } = known.state ?? {}
    const ageMs = this.#options.clock() - known.sentAt + listingAgeMs
    return { isOwn: leader === this.#id, isForeign: known.state === undefined, isIdle, unrenewedMs, ageMs, listingMs }
  }

  /**
   * Reads the state, unless this replica is writing it or has written it so recently that it probably still leads: if another one has written since, the next write fails, and the
   * state is read then. Returns `false` if reading it has failed.
   */
  async #read (): Promise<boolean> {
    const state = this.#knownState()
    if (this.#writes.isBusy || (state?.isOwn === true && isRenewed(state))) return true
    const reading = this.#preloaded ?? this.#file.read()
    this.#preloaded = undefined
    try {
      await reading
      this.#readError = undefined
    } catch (error) {
      this.#readError = error
    }
    return this.#readError === undefined
  }

  async #decide (isRequired: boolean, head: Head | undefined): Promise<Action> {
    const state = this.#knownState()
    const action = decideAction({ state, isRequired, mayWrite: this.#writes.isAllowed, maxStalenessMs: this.#maxStalenessMs })
    if (action !== 'lead' || head === undefined || this.#isLeader || !isClaimDue(state!)) return action
    await this.#writes.enqueue(() => this.#renew(false))
    if (this.#isLeader) return action
    // Another replica has taken over, or the write has failed.
    return isRequired || !this.#canFollow ? 'list' : 'follow'
  }

  /** Applies the steps of the state to the base. Returns `undefined` if the state has no steps from the base, or if the result is not the view of the state. */
  #advance (): Head | undefined {
    const head = this.#head
    const steps = head && this.#base && stepsSince(head.state, this.#base.id)
    if (steps === undefined) return undefined
    if (steps.length > 0) {
      const { state, writtenAt } = head!
      const view = this.#apply(steps, nextStateName(this.#lastResult!.state, writtenAt))
      if (view === undefined || fingerprint(view) !== state.fingerprint) return undefined
      this.#base = { id: state.view, view, isAssumed: false }
      this.#entries = [...this.#entries, ...logEntriesOf(steps)]
    }
    return head
  }

  /** The view after steps from the base; `undefined` if they are damaged. */
  #apply (steps: readonly Step[], name: string): View | undefined {
    try {
      return applyChange(this.#base!.view, combineChanges(steps.map((step) => step.change)), this.#options.rules, name)
    } catch {
      return undefined
    }
  }

  /**
   * The result of a refresh without a listing: what the state describes, or the last listing of this replica if that is newer. Returns `undefined`
   * if this replica does not have the view of the state.
   */
  #follow (head: Head, now: number): BackendReconciled | undefined {
    const { state, writtenAt } = head
    const checked = { checkedAt: now, listingMs: this.#options.clock() - now, requests: 0, work: undefined, preconditions: new Map() }
    if (this.#ownListing !== undefined && !isLater(head, this.#ownListing, this.#ownUntil)) return { ...this.#ownListing, ...checked }
    if (this.#base!.isAssumed) return undefined
    // The leader has listed later than this replica. This bounds the age also before two states have been read, if the clocks are wrong.
    const listedAt = Math.max(listingTime(head), this.#listedAt)
    this.#listedAfter = Math.max(certainListingTime(head, head.notSentBefore), this.#listedAt)
    const found = this.#base!.view
    // What this replica has listed by itself may be older or newer than what the leader has listed.
    const touched = this.#ownListing === undefined || !this.#isDiverged ? [] : touchedIds(viewChange(this.#ownListing, found))
    const view = { ...found, state: continueLog(found.state, this.#lastResult!.state, this.#entries, touched, writtenAt, this.#random) }
    this.#ownListing = undefined
    this.#entries = []
    this.#base = { ...this.#base!, view }
    return { ...view, ...checked, listedAt, warnings: state.warnings, failed: state.failed, removedSince: 0, hasOutdatedImages: true, coverage: ALL_READ }
  }

  /** Notes what this replica has found by itself. Returns whether the state, as far as it is known, does not describe it. */
  #noteOwn (result: BackendReconciled): boolean {
    this.#ownListing = result
    this.#ownUntil = this.#options.clock()
    this.#isDiverged = this.#base?.isAssumed === true || (this.#base !== undefined && this.#differs(this.#base.view, result))
    // If the base is assumed, it is not known whether the state describes what the listing has found. If this replica leads, it does not, because this replica wrote it before.
    return this.#isDiverged && (this.#base?.isAssumed === false || this.#isLeader)
  }

  #enqueueAnnouncement (result: BackendReconciled): void {
    // Other replicas may have read what this one could not.
    if (this.#writes.isAllowed && isCovered(result.coverage)) this.#writes.enqueue(() => this.#announce(result))
  }

  /** Lists the lake and, if it is due, starts to write what the listing has found. */
  async #list (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void, action: Action): Promise<BackendReconciled> {
    const headBefore = this.#head
    // Of two replicas that take over at the same time, each may reach the same version with other images.
    const isAlone = action === 'lead' && (this.#isLeader || headBefore === undefined || previous === undefined)
    const listed = await this.#inner.reconcile(previous, request, onProgress)
    const isSame = headBefore !== undefined && this.#base?.isAssumed !== false && fingerprint(listed) === headBefore.state.fingerprint
    const result = isAlone ? listed : { ...listed, state: withPosition(listed.state, previous, this.#random, isSame ? headBefore.state.position : undefined) }
    const sinceListingMs = result.listedAt - this.#listedAt
    this.#listedAt = this.#listedAfter = result.listedAt
    this.#entries = this.#entries.slice(-MAX_ENTRIES)
    const isBaseInState = [headBefore, this.#head].some((head) => head?.state.view === this.#base?.id)
    if (headBefore !== undefined && (!isBaseInState || this.#base!.isAssumed)) this.#join(headBefore.state, result)
    const isChanged = this.#noteOwn(result)
    this.#newerThan = this.#base
    if (this.#base !== undefined && !this.#isDiverged) this.#confirmed = { view: this.#base.id, at: result.listedAt }
    const { isOwn = false, isForeign = false, unrenewedMs = Infinity } = this.#knownState() ?? {}
    const isDue = isStateDue({ isChanged, action, isOwn, isForeign, wasIdle: this.#head?.state.isIdle ?? true, isIdle: this.#isIdle, unrenewedMs, sinceListingMs })
    if (isDue) this.#enqueueAnnouncement(result)
    return result
  }

  /** Takes the result of a listing as the base, under the id of the view that was read before that listing. Later steps can be applied to it. */
  #join (state: SharedState, view: View): void {
    this.#base = { id: state.view, view, isAssumed: state.fingerprint !== fingerprint(view) }
    this.#entries = []
  }

  /** Writes what this replica has found by itself, unless it has found something else since. */
  async #announce (result: BackendReconciled): Promise<void> {
    if (result !== this.#ownListing) return
    const [previous, base] = [this.#head?.state, this.#base]
    const change = previous !== undefined && base?.isAssumed === false && base.id === previous.view ? this.#diff(base.view, result) : undefined
    const position = lastPosition(result.state.changes)
    const basePosition = this.#entries.at(-1)?.position ?? (base && lastPosition(base.view.state.changes))
    const { view, steps } = change === undefined
      ? { view: this.#newId(), steps: [] }
      : this.#nextView(previous!, change, position === basePosition ? null : position)
    const { state: { table: { version } }, warnings, failed, listingMs, requests } = result
    const content = { version, fingerprint: fingerprint(result), position, warnings, failed: failed.slice(0, MAX_FAILED), listingMs, requests }
    if (await this.#write({ ...content, view, steps, isIdle: this.#isIdle, listedAt: result.listedAt, listedAfter: this.#listedAfter })) {
      this.#base = { id: view, view: result, isAssumed: false }
      this.#entries = []
      // A later listing may have ended while the state was written.
      this.#isDiverged = this.#ownListing !== undefined && this.#differs(result, this.#ownListing)
      return
    }
    // Replicas that start at the same time usually find the same.
    const head = this.#head
    if (head !== undefined && this.#base === undefined && head.state.fingerprint === content.fingerprint) this.#join(head.state, result)
  }

  /** Writes the state again, as that of this replica. */
  async #renew (isIdle: boolean): Promise<void> {
    const head = this.#head!
    const { state, notSentBefore } = head
    const confirmedAt = this.#isLeader && this.#confirmed?.view === state.view ? this.#confirmed.at : -Infinity
    await this.#write({ ...state, isIdle, listedAt: Math.max(listingTime(head), confirmedAt), listedAfter: Math.max(certainListingTime(head, notSentBefore), confirmedAt) })
  }

  /** Returns whether the state was written. If not, another replica has written one, which is then known. */
  async #write (content: Omit<StateContent, 'leader' | 'outputs' | 'outputsListedAt'>): Promise<boolean> {
    const earlier = this.#head === undefined || this.#isLeader ? undefined : madeOutputs(this.#head)
    if (earlier !== undefined && earlier.at > this.#made.at) this.#made = earlier
    const { at: outputsListedAt, outputs } = this.#made
    const isWritten = await this.#file.write({ ...content, leader: this.#id, outputs, outputsListedAt })
    if (!isWritten) await this.#file.read()
    return isWritten
  }

  /** The view of the state after a change, and its steps. Without a difference it is the same view. */
  #nextView ({ view, steps }: SharedState, change: ViewChange, position: string | null): Pick<SharedState, 'view' | 'steps'> {
    if (isNoChange(change)) return { view, steps }
    const to = this.#newId()
    return { view: to, steps: appendStep(steps, { from: view, to, change, position }) }
  }

  /** A name that is unique among the replicas and views of a lake. */
  #newId (): string {
    return Math.floor(this.#random() * 2 ** 32).toString(16).padStart(8, '0')
  }

  #differs (previous: View, next: View): boolean {
    return (previous.state !== next.state || previous.quarantine.name !== next.quarantine.name) && !isNoChange(this.#diff(previous, next))
  }

  /** As `viewChange`. The result of the last call is reused. */
  #diff (previous: View, next: View): ViewChange {
    if (this.#lastDiff?.previous !== previous || this.#lastDiff.next !== next) this.#lastDiff = { previous, next, change: viewChange(previous, next) }
    return this.#lastDiff.change
  }
}

/** The outputs that the state describes. */
function madeOutputs ({ state: { outputAgeMs, outputs }, sentAt }: Head): MadeOutputs {
  return { at: outputAgeMs === null ? -Infinity : sentAt - outputAgeMs, outputs }
}

/** The estimated time at which the listing began that the state describes, in milliseconds of the monotonic clock. */
function listingTime ({ state: { listingAgeMs }, sentAt }: Head): number {
  return sentAt - listingAgeMs
}

/** The listing that the state describes certainly began after this time, in milliseconds of the monotonic clock, if the state was sent after `sentAfter`. */
function certainListingTime ({ state: { listingAgeAtMostMs } }: Head, sentAfter: number): number {
  return sentAfter - (listingAgeAtMostMs ?? Infinity)
}

/**
 * Whether the listing that the state describes began after a listing or a re-check of this replica had ended, or has found the same and was written after it.
 *
 * @param until when the listing or re-check of this replica ended, in milliseconds of the monotonic clock
 */
function isLater (head: Head, own: BackendReconciled, until: number): boolean {
  return certainListingTime(head, head.notSentBefore) >= until || (certainListingTime(head, head.notBefore) >= until && head.state.fingerprint === fingerprint(own))
}
