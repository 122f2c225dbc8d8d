import { createHash } from 'node:crypto'
import type { Warning } from '../base/warning.js'
import { withoutReplaced, type ViewChange } from '../source/view-change.js'

/** Names the layout of the state object. A release that changes the layout or its meaning changes this name. */
export const FORMAT = 'userlake state 5'

/** The maximum size of a state object that is read, in bytes. */
export const MAX_STATE_BYTES = 4 * 1024 * 1024
/** The maximum size of the steps of a state object, in bytes: of all except the last one, and of the last one. */
const MAX_STEPS_BYTES = 256 * 1024
const MAX_STEP_BYTES = 1024 * 1024

/** How one view became the next one. */
export interface Step {
  /** The ids of the views. */
  readonly from: string
  readonly to: string
  readonly change: ViewChange
  /** The position of the change log that the writer added; `null` if the records are the same. */
  readonly position: string | null
  /** The approximate size of the step as JSON, in bytes. */
  readonly bytes: number
}

/**
 * The object through which the replicas of a lake share their listings: the view of the leader, the changes that led to it, and when it was listed.
 * Durations are milliseconds and count up to the moment of writing.
 */
export interface SharedState {
  readonly format: typeof FORMAT
  /** Identifies the lake and the settings that its records depend on. */
  readonly identity: string
  /** The replica that wrote it. */
  readonly leader: string
  readonly isIdle: boolean
  /** By the wall clock of the leader: milliseconds since 1970-01-01 UTC. */
  readonly writtenAt: number
  /** Time since the beginning of the listing. An estimate, if another replica than the writer has listed. */
  readonly listingAgeMs: number
  /** The time since the beginning of the listing is certainly at most this; `null` if no limit is known. It equals `listingAgeMs` if the writer has listed. */
  readonly listingAgeAtMostMs: number | null
  /** How long the listing took. */
  readonly listingMs: number
  /** The number of requests that it took. */
  readonly requests: number
  /** Time since the beginning of the listing that the outputs were last made from; `null` if no output was made. */
  readonly outputAgeMs: number | null
  /** The names of these outputs: see `outputName`. */
  readonly outputs: readonly string[]
  /** The id of the view, the name of its data version, and the result of `fingerprint` for it. */
  readonly view: string
  readonly version: string
  readonly fingerprint: string
  /** The last position in the change log of the leader. */
  readonly position: string
  readonly warnings: readonly Warning[]
  /** The first of the info files that could not be downloaded. */
  readonly failed: readonly string[]
  /** The changes from earlier views to this one, oldest first. Each step begins with the view with which the previous step ends. */
  readonly steps: readonly Step[]
}

/** The maximum number of keys in `failed`. */
export const MAX_FAILED = 100

/** Encodes a state as JSON, with a checksum. */
export function encodeSharedState (state: SharedState): Buffer {
  return Buffer.from(JSON.stringify({ checksum: checksum(state), state }))
}

/** Decodes a state. Returns `undefined` if it is damaged, has another format, or belongs to another lake, schema or other settings. */
export function decodeSharedState (body: Buffer, identity: string): SharedState | undefined {
  try {
    const file = JSON.parse(body.toString()) as { readonly checksum: string, readonly state: SharedState }
    return file.checksum === checksum(file.state) && file.state.format === FORMAT && file.state.identity === identity ? file.state : undefined
  } catch {
    return undefined
  }
}

/** A wrong value in a state, such as a duration or an id of a record, would make its readers wait or fail. */
function checksum (state: SharedState): string {
  return createHash('sha256').update(JSON.stringify(state)).digest('base64url')
}

/**
 * The steps of the next state: the last ones within the limits of their size. Earlier steps lose the content that the new one replaces or removes: a replica that
 * applies them applies the new one as well, and the content of a deleted record must not stay in the object.
 *
 * @returns no steps if the new one is too large: the other replicas then list the lake themselves
 */
export function appendStep (steps: readonly Step[], step: Omit<Step, 'bytes'>): readonly Step[] {
  const last = withSize(step)
  if (last.bytes > MAX_STEP_BYTES) return []
  const earlier = steps.map(({ bytes, ...older }) => {
    const change = withoutReplaced(older.change, step.change)
    return change === older.change ? { ...older, bytes } : withSize({ ...older, change })
  })
  let total = 0
  const first = earlier.findLastIndex(({ bytes }) => (total += bytes) > MAX_STEPS_BYTES) + 1
  return [...earlier.slice(first), last]
}

function withSize (step: Omit<Step, 'bytes'>): Step {
  return { ...step, bytes: Buffer.byteLength(JSON.stringify(step)) }
}

/** The steps that lead from an earlier view to that of the state; `undefined` if the state has no step from that view. */
export function stepsSince ({ view, steps }: Pick<SharedState, 'view' | 'steps'>, from: string): readonly Step[] | undefined {
  if (from === view) return []
  const first = steps.findIndex((step) => step.from === from)
  return first === -1 ? undefined : steps.slice(first)
}
