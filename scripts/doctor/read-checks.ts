import { countOf } from '../../lib/base/count-of.js'
import { MAX_INFO_BYTES } from '../../lib/source/rules.js'
import type { Inspector } from '../../lib/store/inspector.js'
import { StoreError, type ObjectInfo, type ObjectStore } from '../../lib/store/object-store.js'
import { attempt, lacksRight, no, notApplicable, notTested, yes, type Finding } from './finding.js'
import { checkRanges } from './range-check.js'

/** What the checks that only read have found. */
export interface ReadFindings {
  readonly list: Finding
  readonly get: Finding
  /** Whether a missing object can be told from one that may not be read. */
  readonly missing: Finding
  readonly startAfter: Finding
  /** As found with a source object. */
  readonly ranges: Finding
  readonly clock: Finding
  /** An object that can be read; `undefined` if none was found under the prefix. */
  readonly sample: ObjectInfo | undefined
}

/** Why a check that depends on the listing was not made. */
export const LISTING_FAILED = 'the listing failed'
/** A larger lake is listed up to this number of objects. */
const MAX_LISTED = 50_000
/** A larger difference means that a clock is not synchronized. Servers refuse signatures only above 15 minutes, and the SDK may correct that. */
const TOLERATED_MS = 60_000

/** Checks what the service reads. @param url that of the lake @param missingKey the key of an object that does not exist, beside the output */
export async function checkReads (url: string, store: ObjectStore, inspector: Inspector, prefix: string, missingKey: string): Promise<ReadFindings> {
  let sample: ObjectInfo | undefined
  const adviseRight = (right: string, causes: string) => url.startsWith('s3:') ? `allow ${right} on ${url} for ${prefix}*; perhaps ${causes}` : undefined
  const list = await attempt(async () => {
    let count = 0
    const began = performance.now()
    for await (const page of store.list(prefix)) {
      sample ??= [...page].find(({ size }) => size <= MAX_INFO_BYTES)
      count += page.length
      if (count >= MAX_LISTED) break
    }
    return yes(`${count >= MAX_LISTED ? 'the first ' : ''}${countOf(count, 'object')} in ${Math.round(performance.now() - began)} ms, in the order of their keys`)
  }, adviseRight('s3:ListBucket', 'the bucket has another name, the policy is for another bucket or prefix, or the credentials were revoked'))
  const hasListed = list.verdict === 'yes'
  const unlisted = notTested(hasListed ? `there is no object with the prefix ${prefix}` : LISTING_FAILED)
  const get = await attempt(async () => {
    if (sample === undefined) return unlisted
    const found = await store.get(sample.key)
    if (typeof found !== 'object') return no(`${sample.key} is listed, but cannot be found`)
    return found.etag === sample.etag ? yes() : no(`${sample.key} has another ETag in the listing than in the response to GET`)
  }, adviseRight('s3:GetObject', 'the policy is for another bucket or prefix'))
  const ranges = await attempt(async () => {
    if (sample === undefined) return unlisted
    return get.verdict === 'yes' ? await checkRanges(store, sample.key) : notTested(`${sample.key} could not be read`)
  })
  const missing = await attempt(async () => {
    if (!hasListed) return unlisted
    const found = await store.head(missingKey).catch((error: unknown) => {
      if (error instanceof StoreError && lacksRight(error)) return null
      throw error
    })
    return found === null ? yes('the store refuses to read it, as AWS does without the right to list it; the service then tries to create its own objects') : yes('the store reports that it does not exist')
  })
  const startAfter = await attempt(async () => hasListed ? await checkStartAfter(inspector, prefix) : unlisted)
  return { list, get, missing, startAfter, ranges, clock: hasListed ? checkClock(inspector) : unlisted, sample }
}

async function checkStartAfter (inspector: Inspector, prefix: string): Promise<Finding> {
  const first = await inspector.keysAfter(prefix, undefined, 2)
  if (first === undefined) return notApplicable('a folder is listed at once')
  if (first.length < 2) return notTested(`there are not two objects with the prefix ${prefix}`)
  const [next] = await inspector.keysAfter(prefix, first[0], 1) ?? []
  return next === first[1] ? yes() : no('start-after is ignored: the lake is listed page by page, which takes longer')
}

function checkClock ({ clockOffsetMs }: Inspector): Finding {
  if (clockOffsetMs === null) return notApplicable('the store has no clock of its own')
  if (clockOffsetMs === undefined) return notTested('no response has the header Date')
  const seconds = Math.round(clockOffsetMs / 1000)
  if (Math.abs(seconds) <= 1) return yes('the clocks agree')
  const text = `the server is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
  return Math.abs(clockOffsetMs) <= TOLERATED_MS ? yes(text) : no(`${text}: set the clock of this machine, or that of the server`)
}
