import { randomUUID } from 'node:crypto'
import { StoreError, type ObjectStore } from './object-store.js'
import { undefinedIfRefused } from './own-object.js'

/** The number of concurrent writers with which conditional writes are checked. */
export const WRITERS = 16

/** What became of concurrent writes with the same condition. */
export interface Race {
  /** The writes that succeeded. */
  readonly winners: ReadonlyArray<{ readonly body: string, readonly etag: string }>
  /** The errors of the others. */
  readonly losses: readonly StoreError[]
}

/** Writes all bodies to one object concurrently, with the same condition. Exactly one may succeed. */
export async function raceWrites (store: Pick<ObjectStore, 'put'>, key: string, ifMatch: string | null, bodies: readonly string[]): Promise<Race> {
  const winners: Array<{ readonly body: string, readonly etag: string }> = []
  const losses: StoreError[] = []
  await Promise.all(bodies.map((body) => store.put(key, Buffer.from(body), { ifMatch }).then(
    ({ etag }) => { winners.push({ body, etag }) },
    (error: unknown) => {
      if (!(error instanceof StoreError)) throw error
      losses.push(error)
    }
  )))
  return { winners, losses }
}

/** Whether the condition of a write was met. Rejects if the write failed for another reason. */
export async function isConditionMet (write: Promise<unknown>): Promise<boolean> {
  return await write.then(() => true, (error: unknown) => {
    if (error instanceof StoreError && error.code === 'precondition_failed') return false
    throw error
  })
}

/** The first round may create the object; the second one replaces it. */
const ROUNDS = 2

/**
 * Checks whether the store honours the conditions of writes, also when there are many at a time: some servers ignore the conditions, or check them before they lock the
 * object. Several processes may do this at a time with the same object, which is created if it does not exist and never deleted.
 *
 * @param newId returns a text that no other process writes. Default: a random UUID
 * @returns `false` if a write succeeded whose condition was not met; `undefined` if that is not known, because an operation failed or other processes won every round
 * @throws StoreError `access_denied` if the store refuses to read or write the object
 */
export async function checkConditionalWrites (store: Pick<ObjectStore, 'head' | 'put'>, key: string, newId: () => string = randomUUID): Promise<boolean | undefined> {
  try {
    const found = await store.head(key).catch(undefinedIfRefused)
    // One write first: a store that refuses writes then refuses one request instead of those of all writers. Another process may have been faster.
    await isConditionMet(store.put(key, Buffer.from(newId()), { ifMatch: found?.etag ?? null }))
    let isProven = false
    for (let round = 1; round <= ROUNDS; round++) {
      const expected = (await store.head(key).catch(undefinedIfRefused))?.etag ?? null
      // No other process writes the same content, so the next version has another ETag.
      const { winners } = await raceWrites(store, key, expected, Array.from({ length: WRITERS }, newId))
      if (winners.length > 1) return false
      if (winners.length === 0) continue // a writer of another process has won
      for (const outdated of new Set([expected, null])) if (await isConditionMet(store.put(key, Buffer.from(newId()), { ifMatch: outdated }))) return false
      isProven = true
    }
    return isProven || undefined
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'access_denied') throw error
    return undefined
  }
}

/** The key of the object on which `checkWritesInParts` checks a store. `checkConditionalWrites` cannot use the same object: on Ceph RGW 16.2, an object that was written in parts has no ETag. */
export function partsProbeKeyOf (probeKey: string): string {
  return `${probeKey}-parts`
}

/** As `checkConditionalWrites`, for objects that are written in parts because they are too large for one request. */
export async function checkWritesInParts (store: Pick<ObjectStore, 'head' | 'put'>, probeKey: string): Promise<boolean | undefined> {
  return await checkConditionalWrites({
    head: (key) => store.head(key),
    put: (key, body, options) => store.put(key, body, { ...options, inParts: true })
  }, partsProbeKeyOf(probeKey))
}
