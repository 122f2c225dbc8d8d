import { EngineError, LargeLossError, StoreError, TooLargeError, type EngineErrorCode, type StoreErrorCode } from '../base/errors.js'
import type { Output } from '../output/output.js'
import type { StoredNumbers } from '../query/column-order.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import type { Rechecked } from '../source/recheck.js'
import type { SourceState } from '../source/source-state.js'
import type { Quarantine } from '../source/quarantine.js'
import type { StoreSettings } from '../store/open-store.js'
import type { ForwardedEvents } from './forward-events.js'
import type { LakeRules } from './in-process-backend.js'
import type { BackendReconciled, LakeBackend, PublishRequest, ReconcileRequest } from './lake-backend.js'

/** The first message to a worker. */
export interface WorkerSettings {
  readonly store: StoreSettings
  readonly rules: LakeRules
  /** Whether to forward the messages of the channels in FORWARDED. */
  readonly forwardEvents: boolean
}

/** A state, or its name if the receiver has it. */
export type StateReference = SourceState | string

/** A call of a method of the worker's backend. */
export interface Call {
  readonly id: number
  readonly method: keyof LakeBackend
  readonly state?: StateReference | undefined
  readonly request?: ReconcileRequest | PublishRequest | StoredNumbers | readonly Output[] | readonly string[] | undefined
}

/** Messages of channels, or progress of a call, or its end. */
export type WorkerMessage = { readonly events: ForwardedEvents } | Reply

export type Reply = { readonly id: number } & (
  | { readonly progress: ReconcileProgress }
  | { readonly result: unknown }
  | { readonly error: ErrorData }
  /** The worker does not have the state with this name, so the call must be repeated with the state itself. */
  | { readonly missingState: string })

/**
 * The result of `reconcile`. The state is a name if it is the previous state; otherwise its arrays may be references to those of the previous
 * state. The quarantine is a name if it is the one that was posted last.
 */
export type ReconcileResult = BackendReconciled<StateReference, Quarantine | string>

/** The result of `recheck`, with a name or references in the same way. */
export type RecheckResult = Rechecked<StateReference, Quarantine | string>

/** An error as plain data: posting an error to another thread loses its class. */
export interface ErrorData {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
}

/** Converts an error to plain data. */
export function toErrorData (error: unknown): ErrorData {
  const { name = 'Error', message = String(error), stack, code } = error as Partial<ErrorData>
  return { name, message, stack, code }
}

/** The inverse of `toErrorData`, for the errors of CLASSES; any other error becomes an Error with the same message and stack. */
export function toError ({ name, message, stack, code }: ErrorData): Error {
  const error = CLASSES[name]?.(message, code) ?? new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}

/** Creates errors whose class the caller needs, by name. */
const CLASSES: Readonly<Record<string, (message: string, code: string | undefined) => Error>> = {
  StoreError: (message, code) => new StoreError(code as StoreErrorCode, message),
  EngineError: (message, code) => new EngineError(code as EngineErrorCode, message),
  TooLargeError: () => new TooLargeError(),
  LargeLossError: (message) => new LargeLossError(message)
}
