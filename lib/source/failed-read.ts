import type { StoreErrorCode } from '../base/errors.js'
import { NOT_FOUND } from './download-listed.js'
import { rejection, type Rejection } from './reject.js'
import type { Backoff, RejectedFile } from './source-state.js'

/** Why a listed info file could not be read: the properties of a StoreError. */
export interface ReadFailure {
  readonly code: StoreErrorCode
  readonly storeCode?: string | undefined
  readonly isRefused: boolean
}

/** How long the first attempt may take, in milliseconds. The limit doubles with each timeout, up to the maximum: one object that stalls must not make all data stale. */
export const FIRST_TIMEOUT_MS = 2000
const MAX_TIMEOUT_MS = 8000
/** The pause after a timeout, as a multiple of that timeout. */
const TIMEOUT_PAUSE_FACTOR = 5

/** How long outputs wait for a file that may be readable again in a moment, in milliseconds. */
export const OUTPUT_WAIT_MS = 60_000

/** The pause before a file that was given up is tried again, in milliseconds. It doubles with each attempt, up to a maximum: the longer one if the store refuses the object. */
export const MIN_PAUSE_MS = 10_000
export const MAX_PAUSE_MS = 60_000
export const MAX_REFUSED_PAUSE_MS = 600_000

/**
 * When a file that could not be read is tried again, and whether outputs wait for it.
 *
 * @param last what is known of the file with this key since it could last be read; `undefined` if nothing
 * @param isSameVersion whether that was the version that is listed now
 */
export function nextBackoff (last: Pick<RejectedFile, 'backoff' | 'rejection'> | undefined, isSameVersion: boolean, { code, isRefused }: ReadFailure, now: number): Backoff {
  const { since = now, pauseMs: lastPauseMs = 0, timeoutMs = FIRST_TIMEOUT_MS } = last?.backoff ?? {}
  const isGivenUp = isRefused || (isSameVersion && last?.rejection.code === 'unreadable') || now - since >= OUTPUT_WAIT_MS
  const growing = Math.max(MIN_PAUSE_MS, Math.min(isSameVersion ? 2 * lastPauseMs : 0, isRefused ? MAX_REFUSED_PAUSE_MS : MAX_PAUSE_MS))
  const pauseMs = isGivenUp ? growing : code === 'timeout' ? TIMEOUT_PAUSE_FACTOR * timeoutMs : 0
  return { since, until: now + pauseMs, pauseMs, timeoutMs: code === 'timeout' ? Math.min(2 * timeoutMs, MAX_TIMEOUT_MS) : timeoutMs, isGivenUp }
}

/**
 * Whether the next attempt to read a file has to wait.
 *
 * @param isRequired whether a client or a job requires that all files are read; one that was given up is then tried again after the shortest pause
 */
export function isPaused (file: Pick<RejectedFile, 'backoff'>, now: number, isRequired: boolean): boolean {
  if (file.backoff === undefined) return false
  const { until, pauseMs, isGivenUp } = file.backoff
  if (!isRequired) return now < until
  return isGivenUp && now < until - pauseMs + MIN_PAUSE_MS
}

/**
 * The rejects of files that were given up: `unreadable` or, if they are half of the info files or more, `download_failed`, because the cause is then not
 * the single file. Changes the map.
 */
export function settleFailedReads (rejected: Map<number, RejectedFile>, infoFiles: number): void {
  const givenUp = [...rejected].filter(([, { backoff }]) => backoff?.isGivenUp === true)
  const code = 2 * givenUp.length < infoFiles ? 'unreadable' : 'download_failed'
  for (const [entity, file] of givenUp) {
    if (file.rejection.code !== code) rejected.set(entity, { ...file, rejection: { ...file.rejection, code } })
  }
}

/** The reject of a file that could not be read. `settleFailedReads` decides between its two codes. */
export function failedRead (failure: ReadFailure): Rejection {
  const { code, storeCode = code } = failure
  return rejection('download_failed', `The file could not be downloaded (${storeCode}); the download is tried again`, { hint: hintAtFailure(failure) })
}

/** What to do about a file that cannot be read, by the code of the store; `null` if that is not known. */
function hintAtFailure ({ code, storeCode = '', isRefused }: ReadFailure): string | null {
  if (storeCode.includes('InvalidObjectState')) return 'The object is archived: restore it, or move it out of the prefix'
  if (storeCode === NOT_FOUND || storeCode.startsWith('HTTP 404')) return 'The store lists the object but does not return it: upload the file again, or delete it'
  if (storeCode.startsWith('HTTP 400')) return 'If the object is encrypted with a key of its own (SSE-C), upload the file again without it'
  if (code === 'access_denied') return storeCode.startsWith('HTTP') ? 'Allow the credentials to read the object and, if it is encrypted, to use its key' : 'Allow the user that runs the service to read the file'
  if (code === 'corrupt') return 'The object may be damaged: upload the file again'
  return isRefused ? 'Upload the file again, or delete it' : null
}
