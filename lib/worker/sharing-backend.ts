import { randomUUID } from 'node:crypto'
import type { Clock, MonotonicClock } from '../base/clock.js'
import { describeFailure, toFailureCode } from '../base/failure-code.js'
import { MAX_CLOSE_WAIT_MS, within } from '../base/timer.js'
import type { Warning } from '../base/warning.js'
import type { ColumnOrder, StoredNumbers } from '../query/column-order.js'
import { decideAction, decideRenewal, isClaimDue, isIdleAfter, isLed, isStateDue, type Action, type KnownState } from '../share/share-rules.js'
import { appendStep, MAX_FAILED, stepsSince, type SharedState, type Step } from '../share/shared-state.js'
import { StateFile, type KnownFile } from '../share/state-file.js'
import { applyChange, combineChanges, fingerprint, isNoChange, touchedIds, viewChange, type View, type ViewChange } from '../share/view-change.js'
import { lakeIdentity } from '../snapshot/snapshot-file.js'
import { appendChanges, hasPosition, lastPosition, randomPosition, renameLast, toColumn, versionOf, type ChangeLog } from '../source/change-log.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import type { SourceRules } from '../source/rules.js'
import { nextStateName, type SourceState } from '../source/source-state.js'
import type { ObjectStore } from '../store/object-store.js'
import type { BackendReconciled, LakeBackend, OutputReport, PublishRequest, ReconcileRequest } from './lake-backend.js'

/** How a replica shares its listings. Plain data. */
export interface SharingRules {
  /** The object key of the state. */
  readonly stateKey: string
  /** Whether this replica may write the state. If not, it only follows. */
  readonly mayWrite: boolean
  readonly maxStalenessMs: number
  /** The most requests a minute for listings that no client has required; may be Infinity. */
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
  /** The name of this replica in the state. Default: a random one. */
  readonly id?: string
}

/** Milliseconds without an attempt to write after the store has refused one, or after another failure. */
const PAUSE_AFTER_REFUSAL_MS = 600_000
const PAUSE_AFTER_FAILURE_MS = 5000
/** The interval at which the leader checks whether it has to renew the state, in milliseconds. */
const TICK_MS = 1000

/** A position of the leader, and the ids of the records that were touched since the one before. */
interface Reached { readonly position: string, readonly ids: readonly string[] }

/** The most positions that remain unserved after a listing of this replica. Its own log has their changes, so that the older ones are not needed. */
const MAX_UNSERVED = 100

/** The view of this replica to which the steps of later states are applied. */
interface Base {
  readonly id: string
  readonly view: View
  /** Whether it may differ from the view that has this id in the state: it then comes from a listing that began after that view was read. */
  readonly isAssumed: boolean
}

/** A state that can be followed, and when it was written. */
interface Head extends KnownFile { readonly state: SharedState }

/**
 * Shares listings with the other replicas of a lake through a state object: reconciles by taking over what the leader has found, or by a listing
 * of its own whose result the others then take over. The rules are in lib/share/share-rules.ts. If the state cannot be read or written, each
 * replica lists the lake for itself.
 */
export class SharingBackend implements LakeBackend {
  readonly #inner: LakeBackend
  readonly #options: SharingOptions
  readonly #id: string
  readonly #file: StateFile
  /** Fulfilled when all writes have ended that were started so far. One runs at a time. */
  #writes: Promise<void> = Promise.resolve()
  #writeCount = 0
  #base: Base | undefined
  /** The positions that led to the base since the last result that was taken from the state. */
  #unserved: readonly Reached[] = []
  /** The last listing of this replica, until the state describes a later one. */
  #own: BackendReconciled | undefined
  /** Whether that listing has found something that the state did not describe. */
  #isDiverged = false
  /** The last result. */
  #last: BackendReconciled | undefined
  /** When the last listing of this replica began. */
  #listedAt = -Infinity
  /** When the last listing of this replica began whose result is what the state describes. */
  #confirmedAt = -Infinity
  /** When the listing began from which this replica last made the output. */
  #outputAt = -Infinity
  #refreshedAt = -Infinity
  #isRefreshing = false
  #isIdle = true
  #pausedUntil = -Infinity
  #readError: unknown
  #writeError: unknown
  #lastDiff: { readonly previous: View, readonly next: View, readonly change: ViewChange } | undefined
  #preloaded: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (inner: LakeBackend, options: SharingOptions) {
    const { store, rules, sharing, clock, wallClock, id = newId() } = options
    this.#inner = inner
    this.#options = options
    this.#id = id
    this.#file = new StateFile({ store, key: sharing.stateKey, identity: lakeIdentity(store.url, rules), clock, wallClock })
  }

  async reconcile (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled> {
    const now = this.#options.clock()
    this.#isIdle = isIdleAfter(now - this.#refreshedAt, this.#maxStalenessMs, this.#last?.listingMs ?? 0)
    this.#refreshedAt = now
    this.#isRefreshing = true
    try {
      const isReadable = await this.#read()
      const head = previous === undefined ? undefined : this.#advance()
      const action = isReadable ? await this.#decide(request.retryAll, head) : 'list'
      const followed = action === 'follow' && head !== undefined ? this.#follow(head, now) : undefined
      this.#last = followed ?? await this.#list(previous, request, onProgress, action)
      const known = this.#known()
      // A replica that cannot follow lists for itself each time.
      const isFollower = followed !== undefined || (request.retryAll && known !== undefined && !known.isForeign && isLed(known))
      return { ...this.#last, isLed: isFollower, warnings: [...this.#last.warnings, ...this.#warnings()] }
    } finally {
      this.#isRefreshing = false
    }
  }

  async publish (state: SourceState, request: PublishRequest): Promise<OutputReport> {
    const report = await this.#inner.publish(state, request)
    if (!request.dryRun && this.#outputAt !== this.#listedAt) {
      this.#outputAt = this.#listedAt
      this.#inTurn(async () => { if (this.#isLeader) await this.#renew(this.#isIdle) })
    }
    return report
  }

  async saveSnapshot (state: SourceState): Promise<boolean> {
    const known = this.#known()
    return (known === undefined || known.isForeign || !isLed(known)) && await this.#inner.saveSnapshot(state)
  }

  async orderNumbers (column: StoredNumbers): Promise<ColumnOrder> {
    return await this.#inner.orderNumbers(column)
  }

  async outputAgeMs (): Promise<number | undefined> {
    await this.#read()
    const head = this.#head
    return head === undefined || this.#isLeader ? undefined : this.#outputAgeOf(head) ?? undefined
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
    if (head === undefined || !this.#isLeader || this.#isWriting) return
    const { clock } = this.#options
    const renewal = decideRenewal({
      isIdle: head.state.isIdle,
      isRefreshing: this.#isRefreshing,
      sinceRefreshMs: clock() - this.#refreshedAt,
      unrenewedMs: clock() - head.writtenAt,
      listingMs: head.state.listingMs,
      maxStalenessMs: this.#maxStalenessMs
    })
    if (renewal !== undefined) this.#inTurn(() => this.#renew(renewal === 'idle'))
  }

  async close (): Promise<void> {
    clearInterval(this.#timer)
    const resigned = this.#inTurn(async () => { if (this.#isLeader && !this.#head!.state.isIdle) await this.#renew(true) })
    await within(MAX_CLOSE_WAIT_MS, resigned)
    await this.#inner.close()
  }

  /** The state; `undefined` if there is none that can be followed. */
  get #head (): Head | undefined {
    const known = this.#file.known
    return known?.state && { ...known, state: known.state }
  }

  /** The age up to which no replica needs newer data: with a budget, the leader lists when its last listing is paid for, and later if it has made another one for a job. */
  get #maxStalenessMs (): number {
    const { maxStalenessMs, maxListRequests } = this.#options.sharing
    return Math.max(maxStalenessMs, 2 * (this.#head?.state.requests ?? 0) * 60_000 / maxListRequests)
  }

  get #isLeader (): boolean {
    return this.#head?.state.leader === this.#id
  }

  get #mayWrite (): boolean {
    const { clock, sharing: { mayWrite } } = this.#options
    return mayWrite && clock() >= this.#pausedUntil
  }

  #known (): KnownState | undefined {
    const known = this.#file.known
    if (known === undefined) return undefined
    const unrenewedMs = this.#options.clock() - known.writtenAt
    const { leader, isIdle = false, listingAgeMs = 0, listingMs = 0 } = known.state ?? {}
    return { isOwn: leader === this.#id, isForeign: known.state === undefined, isIdle, unrenewedMs, ageMs: unrenewedMs + listingAgeMs, listingMs }
  }

  /** Reads the state, unless this replica has written it so recently that no other one may have replaced it. Returns whether it is known. */
  async #read (): Promise<boolean> {
    const state = this.#known()
    if (this.#isWriting || (state?.isOwn === true && isLed({ ...state, isOwn: false }))) return true
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

  async #decide (isForced: boolean, head: Head | undefined): Promise<Action> {
    const state = this.#known()
    const action = decideAction({ state, isForced, mayWrite: this.#mayWrite, maxStalenessMs: this.#maxStalenessMs })
    if (action !== 'lead' || head === undefined || this.#isLeader || !isClaimDue(state!)) return action
    await this.#inTurn(() => this.#renew(false))
    if (this.#isLeader) return action
    return isForced ? 'list' : 'follow'
  }

  /** Applies the steps of the state to the base. Returns `undefined` if the state has no steps from the base, or if the result is not the view of the state. */
  #advance (): Head | undefined {
    const head = this.#head
    const steps = head && this.#base && stepsSince(head.state, this.#base.id)
    if (steps === undefined) return undefined
    if (steps.length > 0) {
      const { state, writtenAt } = head!
      const view = this.#apply(steps, nextStateName(this.#last!.state, writtenAt))
      if (view === undefined || fingerprint(view) !== state.fingerprint) return undefined
      this.#base = { id: state.view, view, isAssumed: false }
      this.#unserved = [...this.#unserved, ...reachedBy(steps)]
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
  #follow ({ state, writtenAt, notBefore }: Head, now: number): BackendReconciled | undefined {
    const checked = { checkedAt: now, listingMs: this.#options.clock() - now, requests: 0, preconditions: new Map() }
    if (this.#own !== undefined && notBefore - state.listingAgeMs < this.#own.listedAt) return { ...this.#own, ...checked }
    if (this.#base!.isAssumed) return undefined
    const view = this.#withLog(this.#base!.view, this.#last!, writtenAt)
    this.#own = undefined
    this.#unserved = []
    this.#base = { ...this.#base!, view }
    return { ...view, ...checked, listedAt: writtenAt - state.listingAgeMs, warnings: state.warnings, failed: state.failed }
  }

  /** The view with the change log of this replica, to which the positions of the leader have been added. */
  #withLog (view: View, last: View, writtenAt: number): View {
    const { state } = view
    let changes = last.state.changes
    for (const { position, ids } of this.#unserved) changes = append(changes, position, ids)
    // What this replica has listed by itself may be before or after what the leader has listed.
    const own = this.#own === undefined || !this.#isDiverged ? [] : touchedIds(viewChange(this.#own, view))
    if (own.length > 0 || versionOf(lastPosition(changes)) !== state.table.version) changes = append(changes, randomPosition(state.table.version), own)
    const isSame = state.table === last.state.table && state.files === last.state.files && state.images === last.state.images && state.rejected === last.state.rejected
    return isSame && changes === last.state.changes ? { ...view, state: last.state } : { ...view, state: { ...state, changes, name: nextStateName(last.state, writtenAt) } }
  }

  async #list (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void, action: Action): Promise<BackendReconciled> {
    const before = this.#head
    const listed = await this.#inner.reconcile(previous, request, onProgress)
    const isSame = before !== undefined && this.#base?.isAssumed !== false && fingerprint(listed) === before.state.fingerprint
    const own = action === 'lead' ? listed : { ...listed, state: withPosition(listed.state, previous, isSame ? before.state.position : undefined) }
    const sinceListingMs = own.listedAt - this.#listedAt
    this.#own = own
    this.#listedAt = own.listedAt
    this.#unserved = this.#unserved.slice(-MAX_UNSERVED)
    const isInChain = [before, this.#head].some((head) => head?.state.view === this.#base?.id)
    if (before !== undefined && (!isInChain || this.#base!.isAssumed)) this.#join(before.state, own)
    this.#isDiverged = this.#base?.isAssumed === true || (this.#base !== undefined && this.#differs(this.#base.view, own))
    const isChanged = this.#isDiverged && this.#base?.isAssumed === false
    if (this.#isLeader && !isChanged) this.#confirmedAt = own.listedAt
    const { isOwn = false, unrenewedMs = Infinity } = this.#known() ?? {}
    const isDue = isStateDue({ isChanged, action, isOwn, wasIdle: this.#head?.state.isIdle ?? true, isIdle: this.#isIdle, unrenewedMs, sinceListingMs })
    const isForeign = this.#file.known !== undefined && this.#head === undefined
    if (isDue && this.#mayWrite && (action === 'lead' || !isForeign)) this.#inTurn(() => this.#announce(own))
    return own
  }

  /** Takes the result of a listing as the base, under the id of the view that was read before that listing. Later steps can be applied to it. */
  #join (state: SharedState, view: View): void {
    this.#base = { id: state.view, view, isAssumed: state.fingerprint !== fingerprint(view) }
    this.#unserved = []
  }

  /** Writes what a listing of this replica has found, unless a later listing has ended since. */
  async #announce (own: BackendReconciled): Promise<void> {
    if (own !== this.#own) return
    const [known, base] = [this.#head?.state, this.#base]
    const change = known !== undefined && base?.isAssumed === false && base.id === known.view ? this.#diff(base.view, own) : undefined
    const view = change !== undefined && isNoChange(change) ? base!.id : newId()
    const position = lastPosition(own.state.changes)
    const steps = change === undefined
      ? []
      : view === base!.id ? known!.steps : appendStep(known!.steps, { from: base!.id, to: view, change, position: position === lastPosition(base!.view.state.changes) ? null : position })
    const content = { version: own.state.table.version, fingerprint: fingerprint(own), position, warnings: own.warnings, failed: own.failed.slice(0, MAX_FAILED), listingMs: own.listingMs, requests: own.requests }
    if (await this.#write({ ...content, view, steps, isIdle: this.#isIdle }, own.listedAt)) {
      this.#base = { id: view, view: own, isAssumed: false }
      this.#unserved = []
      this.#isDiverged = false
      return
    }
    // Replicas that start at the same time usually find the same.
    const head = this.#head
    if (head !== undefined && this.#base === undefined && head.state.fingerprint === content.fingerprint) this.#join(head.state, own)
  }

  /** Writes the state again, as that of this replica. */
  async #renew (isIdle: boolean): Promise<void> {
    const { state, writtenAt } = this.#head!
    const listedAt = writtenAt - state.listingAgeMs
    await this.#write({ ...state, isIdle }, this.#isLeader ? Math.max(listedAt, this.#confirmedAt) : listedAt)
  }

  /** Returns whether the state was written. If not, another replica has written one, which is then known. */
  async #write (content: Omit<SharedState, 'format' | 'identity' | 'leader' | 'writtenAt' | 'listingAgeMs' | 'outputAgeMs'>, listedAt: number): Promise<boolean> {
    const now = this.#options.clock()
    const outputAgeMs = Math.min(now - this.#outputAt, (this.#head && this.#outputAgeOf(this.#head)) ?? Infinity)
    const isWritten = await this.#file.write({ ...content, leader: this.#id, listingAgeMs: now - listedAt, outputAgeMs: outputAgeMs === Infinity ? null : outputAgeMs })
    if (!isWritten) await this.#file.read()
    return isWritten
  }

  #differs (previous: View, next: View): boolean {
    return (previous.state !== next.state || previous.quarantine.name !== next.quarantine.name) && !isNoChange(this.#diff(previous, next))
  }

  /** As `viewChange`. The result of the last call is reused. */
  #diff (previous: View, next: View): ViewChange {
    if (this.#lastDiff?.previous !== previous || this.#lastDiff.next !== next) this.#lastDiff = { previous, next, change: viewChange(previous, next) }
    return this.#lastDiff.change
  }

  get #isWriting (): boolean {
    return this.#writeCount > 0
  }

  /** Runs a write after all earlier ones. Never rejects: after a failure, nothing is written for some time. */
  #inTurn (write: () => Promise<void>): Promise<void> {
    this.#writeCount++
    this.#writes = this.#writes.then(async () => {
      try {
        if (!this.#mayWrite) return
        await write()
        this.#writeError = undefined
      } catch (error) {
        this.#writeError = error
        this.#pausedUntil = this.#options.clock() + (toFailureCode(error) === 'access_denied' ? PAUSE_AFTER_REFUSAL_MS : PAUSE_AFTER_FAILURE_MS)
      } finally {
        this.#writeCount--
      }
    })
    return this.#writes
  }

  #outputAgeOf ({ state: { outputAgeMs }, writtenAt }: Head): number | null {
    return outputAgeMs === null ? null : this.#options.clock() - writtenAt + outputAgeMs
  }

  #warnings (): Warning[] {
    const warnings: Warning[] = []
    if (this.#readError !== undefined) warnings.push(notReadable(`could not be read: ${describeFailure(toFailureCode(this.#readError))}`))
    else if (this.#known()?.isForeign === true) warnings.push(notReadable('is damaged, or was written with other settings or by another release'))
    if (this.#writeError !== undefined) {
      const reason = describeFailure(toFailureCode(this.#writeError))
      warnings.push({ code: 'state_not_writable', detail: `The state that replicas share could not be written: ${reason}; each replica lists the lake for itself` })
    }
    return warnings
  }
}

function notReadable (reason: string): Warning {
  return { code: 'state_not_readable', detail: `The state that replicas share ${reason}; this replica lists the lake for itself` }
}

function reachedBy (steps: readonly Step[]): Reached[] {
  return steps.flatMap(({ position, change }) => position === null ? [] : [{ position, ids: touchedIds(change) }])
}

function newId (): string {
  return randomUUID().slice(0, 8)
}

/** Adds a position to a log. If the log has one of this name already, the new one gets another name. */
function append (log: ChangeLog, position: string, ids: readonly string[]): ChangeLog {
  const version = versionOf(position)
  return appendChanges(log, version, toColumn(ids), hasPosition(log, position) ? randomPosition(version) : position)
}

/**
 * Renames the last position of a state that this replica has found by itself, as other replicas know that position only if they take over the state.
 *
 * @param position the position of the leader, if it has the same content
 */
function withPosition (state: SourceState, previous: SourceState | undefined, position?: string): SourceState {
  const { changes, table } = state
  if (changes === previous?.changes || lastPosition(changes) === position) return state
  const isFree = position !== undefined && !hasPosition(changes, position)
  return { ...state, changes: renameLast(changes, isFree ? position : randomPosition(table.version)) }
}
