import type { ListObjectsV2CommandOutput, _Object as ListedObject } from '@aws-sdk/client-s3'
import { monotonicNow } from '../../base/clock.js'
import { countOf } from '../../base/count-of.js'
import { ObjectList } from '../object-list.js'
import { StoreError, type ObjectInfo } from '../object-store.js'
import { statusOf } from './s3-error.js'
import { decodeKey, isSize, toInfo } from './s3-object.js'

/** Where a page of a listing begins: at the token of the previous page, after a key, or at the first key. */
export type PageStart = { readonly token?: string, readonly after?: never } | { readonly after: string | undefined, readonly token?: never }

/** A parsed page of a listing. */
export interface ListingPage {
  readonly objects: ObjectList
  /** The token of the next page; `undefined` if this is the last one. */
  readonly next: string | undefined
}

/**
 * Reads a response to ListObjectsV2. If a response is not a listing, the SDK returns an empty page: a page without `IsTruncated` is
 * therefore not accepted.
 *
 * @throws StoreError `invalid_listing`
 */
export function readPage (response: ListObjectsV2CommandOutput): ListingPage {
  const { Contents = [], EncodingType, IsTruncated, KeyCount = Contents.length, NextContinuationToken: next } = response
  if (IsTruncated === undefined) throw new StoreError('invalid_listing', 'the response is not a listing')
  if (KeyCount !== Contents.length) throw new StoreError('invalid_listing', `the listing has ${countOf(Contents.length, 'key')}, and its KeyCount is ${KeyCount}`)
  const decode = EncodingType === 'url' ? decodeKey : (key: string) => key
  const objects = new ObjectList(Contents.map(object => readObject(object, decode)))
  if (!IsTruncated) return { objects, next: undefined }
  if (next === undefined) throw new StoreError('invalid_listing', 'the listing is truncated and has no token of a next page')
  return { objects, next }
}

/** The maximum number of consecutive pages without an object. Servers that skip deleted objects send some. */
const MAX_EMPTY_PAGES = 1000
/** The maximum time without an object, and that of a whole listing or a range of it, in milliseconds. */
const MAX_EMPTY_MS = 20_000
const MAX_LISTING_MS = 15 * 60_000

/**
 * Returns a function that checks the pages of a listing one after the other, and returns them: a listing in which a token of a next page occurs twice,
 * that has too many consecutive pages without an object, or that takes too long, would probably never end. It throws the StoreError `invalid_listing`.
 */
export function endCheck (clock = monotonicNow): (page: ListingPage) => ListingPage {
  const tokens = new Set<string>()
  const beganAt = clock()
  let emptyPages = 0
  let progressAt = beganAt
  return (page) => {
    const { objects, next } = page
    if (next === undefined) return page
    if (tokens.has(next)) throw new StoreError('invalid_listing', 'the token of the next page occurs twice')
    tokens.add(next)
    const now = clock()
    emptyPages = objects.length === 0 ? emptyPages + 1 : 0
    if (emptyPages === 0) progressAt = now
    if (emptyPages > MAX_EMPTY_PAGES) throw new StoreError('invalid_listing', `more than ${MAX_EMPTY_PAGES} consecutive pages of the listing have no object`)
    if (now - progressAt > MAX_EMPTY_MS) throw new StoreError('invalid_listing', `the pages of the listing have had no object for more than ${MAX_EMPTY_MS / 1000} s`)
    if (now - beganAt > MAX_LISTING_MS) throw new StoreError('invalid_listing', `the listing has not ended after ${MAX_LISTING_MS / 60_000} minutes`)
    return page
  }
}

/** For `catch`: throws the StoreError `invalid_listing` for an error with status 200, which means that the SDK could not parse the response. Rethrows any other error. */
export function throwInvalidListing (error: unknown): never {
  if (statusOf(error) !== 200) throw error
  throw new StoreError('invalid_listing', 'the response is not a listing', { cause: error })
}

function readObject (object: ListedObject, decode: (key: string) => string | undefined): ObjectInfo {
  const { Key, Size, LastModified } = object
  if (Key === undefined || Size === undefined || LastModified === undefined) {
    throw new StoreError('invalid_listing', 'an entry of the listing is incomplete')
  }
  const key = decode(Key)
  if (key === undefined) throw new StoreError('invalid_listing', 'a key of the listing is not UTF-8')
  if (!isSize(Size) || Number.isNaN(Number(LastModified))) throw new StoreError('invalid_listing', 'an entry of the listing has no valid size or time')
  return toInfo(key, Size, object)
}
