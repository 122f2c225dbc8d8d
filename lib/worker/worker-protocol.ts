import type { ReconcileProgress, Reconciled } from '../source/reconcile.js'
import { StoreError, TooLargeError, type StoreErrorCode } from '../base/errors.js'
import type { StoreSettings } from '../store/open-store.js'
import type { LakeBackend } from './lake-backend.js'
import type { LakeRules } from './in-process-backend.js'

/** What a worker is told first. */
export interface WorkerSettings {
  readonly store: StoreSettings
  readonly rules: LakeRules
}

export interface Call {
  readonly id: number
  readonly method: keyof LakeBackend
  readonly args: readonly unknown[]
}

/** How a call goes on, or how it has ended. */
export interface Reply {
  readonly id: number
  readonly progress?: ReconcileProgress
  readonly result?: unknown
  readonly error?: ErrorData
}

/** Without a state: it is the one that the worker was given. */
export type WorkerReconciled = Omit<Reconciled, 'state'> & Partial<Pick<Reconciled, 'state'>>

/** An error as plain data: a class does not survive the way between threads. */
export interface ErrorData {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
}

export function toErrorData (error: unknown): ErrorData {
  const { name = 'Error', message = String(error), stack, code } = error as Partial<ErrorData>
  return { name, message, stack, code }
}

export function toError ({ name, message, stack, code }: ErrorData): Error {
  const error = name === 'StoreError'
    ? new StoreError(code as StoreErrorCode, message)
    : name === 'TooLargeError' ? new TooLargeError() : new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
