import { ObjectList } from '../../lib/store/object-list.js'
import { StoreError, type GetOptions, type ListOptions, type ObjectStore, type PutOptions } from '../../lib/store/object-store.js'
import { RangedLister } from '../../lib/store/s3/ranged-lister.js'
import type { S3Bucket } from '../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../support/stores.js'
import { listedEtag, type OtherEtags } from './etags.js'
import { PREFIX } from './ids.js'
import type { WrongListings } from './large-lake.js'
import type { Random } from './random.js'
import type { Timeline } from './timeline.js'

/** How the store behaves during some time. */
export interface Weather {
  /** The mean time of a request, in milliseconds. */
  readonly latencyMs: number
  /** The share of the requests that have a fault, from 0 to 1. */
  readonly faults: number
}

/** The faults of requests, each with its weight in the random choice. */
const FAULTS = {
  refused: 4, // it is not executed, and fails at once
  stalled: 2, // it is not executed, and there is no response
  lost: 3, // it is executed, and its response is lost
  late: 2, // it is executed after the client has given up
  denied: 1, // it is not executed: a policy is wrong for a moment
  failed: 2 // it is not executed, and the response cannot be used: a damaged body, an invalid listing, an error of the server
} as const

/** An object whose content begins with this text cannot be read, like one that a policy denies or that is archived. */
export const UNREADABLE = 'unreadable '

/** The time limit of a request that has none of its own, in milliseconds. */
const MAX_MS = 10_000

export interface SimulatedStoreOptions {
  readonly bucket: S3Bucket
  readonly timeline: Timeline
  readonly random: Random
  readonly weather: () => Weather
  /** The number of keys on a page of a listing. */
  readonly pageSize: number
  /** Whether listings are divided into ranges of keys. */
  readonly isRanged: boolean
  /** Absent: listings and responses have the same ETags. */
  readonly otherEtags?: OtherEtags | undefined
  /** Absent: no complete listing is wrong. */
  readonly wrongListings?: WrongListings | undefined
  /** Whether the process that uses the store is still running. After it has been killed, requests that it has sent are executed, and their responses are dropped. */
  readonly isAlive: () => boolean
  /** Called when an info file is downloaded. */
  readonly onDownload: (key: string) => void
  /** Called after each PUT that has succeeded, with the time when it was sent and its condition. */
  readonly onPut: (key: string, sentAt: number, condition: PutOptions) => void
  /** Called when the store has denied a GET. */
  readonly onGetDenied: (key: string) => void
  readonly log: (text: string) => void
}

/** An object store whose requests take virtual time and fail at random. */
export function simulatedStore ({ bucket, timeline, random, weather, pageSize, isRanged, otherEtags, wrongListings, isAlive, onPut, onGetDenied, onDownload, log }: SimulatedStoreOptions): ObjectStore {
  const memory = new MemoryStore(bucket)

  const request = <T>(operation: string, key: string, execute: () => Promise<T>, maxMs = MAX_MS): Promise<T> => new Promise((resolve, reject) => {
    const { latencyMs, faults } = weather()
    const fault = random.chance(faults) ? random.weighted(FAULTS) : undefined
    const ms = random.pause(latencyMs)
    const reason = fault ?? 'timeout'
    const end = (after: number, settle: () => void) => timeline.schedule(Math.min(after, maxMs), () => { if (isAlive()) settle() })
    const fail = (after: number, code: StoreError['code']) => end(after, () => {
      log(`${operation} ${key}: ${reason}`)
      if (fault === 'denied' && operation === 'GET') onGetDenied(key)
      reject(new StoreError(after > maxMs ? 'timeout' : code, `${operation} ${key}: ${reason}`))
    })
    if (fault === 'refused' || fault === 'lost') fail(ms, 'unreachable')
    else if (fault === 'denied') fail(ms, 'access_denied')
    else if (fault === 'failed') fail(ms, operation === 'LIST' ? 'invalid_listing' : operation === 'GET' ? 'corrupt' : 'store_error')
    else if (fault !== undefined || ms > maxMs) fail(Infinity, 'timeout')
    if (fault !== undefined && fault !== 'lost' && fault !== 'late') return
    timeline.schedule(fault === 'late' ? maxMs + ms : ms / 2, () => {
      execute().then((value) => {
        if (fault === undefined && ms <= maxMs) end(ms / 2, () => resolve(value))
      }, (error: Error) => {
        if (fault === undefined && ms <= maxMs) end(ms / 2, () => reject(error))
      })
    })
  })

  const lister = new RangedLister({
    url: memory.url,
    surplus: isRanged ? pageSize : Infinity,
    clock: () => timeline.now,
    pagesOf: async function * (prefix, { after = '', continues, newPage }, { onRequest }) {
      for (let from = after; ;) {
        onRequest()
        const { objects, truncated } = await request('LIST', from, async () => bucket.page(prefix, from, pageSize))
        const page = newPage()
        page.clear()
        for (const { key, etag, body, lastModified } of objects) page.push({ key, etag: listedEtag(key, etag, otherEtags), size: body.length, lastModified })
        const last = objects.at(-1)?.key
        yield { objects: page, next: truncated ? last : undefined }
        if (!truncated || !continues(last)) return
        from = last!
      }
    }
  })

  return wrapStore(memory, {
    usefulDownloads: 4,
    list: (prefix: string, options?: ListOptions): AsyncGenerator<ObjectList> => {
      const pages = lister.list(prefix, options)
      return prefix === PREFIX && wrongListings !== undefined ? wrongListings.list(pages) : pages
    },
    get: (key: string, options: GetOptions = {}) => request('GET', key, async () => {
      const found = await memory.get(key, options)
      if (key.startsWith(PREFIX)) onDownload(key)
      if (typeof found === 'object' && found.body.toString().startsWith(UNREADABLE)) throw new StoreError('access_denied', `GET ${key}`, { storeCode: 'AccessDenied', isRefused: true })
      return found
    }, options.maxMs),
    head: (key: string) => request('HEAD', key, async () => {
      const found = await memory.head(key)
      return found === undefined || otherEtags?.head !== true ? found : { ...found, etag: listedEtag(key, found.etag, otherEtags) }
    }),
    put: (key: string, body: Uint8Array, options: PutOptions = {}) => {
      const sentAt = timeline.now
      return request('PUT', key, async () => {
        const result = await memory.put(key, body, options)
        log(`PUT ${key}`)
        onPut(key, sentAt, options)
        return result
      })
    }
  })
}
