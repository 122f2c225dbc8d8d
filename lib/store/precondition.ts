import { StoreError, type StoreErrorCode } from '../base/errors.js'
import type { ObjectHead, ReadableStore } from './object-store.js'
import { undefinedIfRefused } from './own-object.js'

/** The version of an object that a conditional write may replace. */
export interface Precondition {
  /** `null` if there was no object. */
  readonly expectedEtag: string | null
  /** Whether another version that was written at about the same time may have the same ETag. */
  readonly racy: boolean
  /** The number of records in it, if its writer has stored that. */
  readonly records?: number | undefined
}

/** Why a precondition could not be read. Plain data, unlike a StoreError. */
export interface PreconditionFailure { readonly code: StoreErrorCode, readonly message: string }

/** The preconditions of objects, by key. */
export type Preconditions = ReadonlyMap<string, Precondition | PreconditionFailure>

/** The name in the metadata of an output under which its writer stores the number of its records. */
export const RECORDS = 'records'

function toCount (text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/**
 * Whether an output would replace a file of the lake: an object under the prefix of the info files without the number of records that the service stores with its outputs.
 * Without a prefix, all keys are those of the lake: an object without that number may be an output that was restored from a copy.
 */
export function wouldReplaceFile (key: string, { expectedEtag, records }: Precondition, prefix: string): boolean {
  return prefix !== '' && key.startsWith(prefix) && expectedEtag !== null && records === undefined
}

/** The precondition of a write that replaces an object or, if `found` is `undefined`, creates it. */
export function toPrecondition (found: ObjectHead | undefined): Precondition {
  return { expectedEtag: found?.etag ?? null, racy: found?.racy ?? false, records: toCount(found?.metadata?.[RECORDS]) }
}

/** Reads the precondition of each key. A failure of the store becomes part of the result. */
export async function readPreconditions (store: Pick<ReadableStore, 'head'>, keys: readonly string[]): Promise<Preconditions> {
  return new Map(await Promise.all(keys.map(async (key) => [key, await readPrecondition(store, key)] as const)))
}

async function readPrecondition (store: Pick<ReadableStore, 'head'>, key: string): Promise<Precondition | PreconditionFailure> {
  try {
    return toPrecondition(await store.head(key).catch(undefinedIfRefused))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return { code: error.code, message: error.message }
  }
}

/** The number of records in an output, if it is known; `preconditions` may have it. */
export async function readRecordCount (store: Pick<ReadableStore, 'head'>, key: string, preconditions: Preconditions): Promise<number | undefined> {
  const found = preconditions.get(key) ?? await readPrecondition(store, key)
  return 'records' in found ? found.records : undefined
}
