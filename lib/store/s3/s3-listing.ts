import type { ListObjectsV2CommandOutput, _Object as ListedObject } from '@aws-sdk/client-s3'
import { ObjectList } from '../object-list.js'
import { StoreError, type ObjectInfo } from '../object-store.js'
import { statusOf } from './s3-error.js'
import { decodeKey, toInfo } from './s3-object.js'

export interface ListingPage {
  readonly objects: ObjectList
  /** The token of the next page; `undefined` after the last. */
  readonly next: string | undefined
}

/**
 * Reads an answer to ListObjectsV2. The SDK makes an empty page of an answer that is no
 * listing: only one that says whether there are more is believed, everything else fails with `invalid_listing`.
 */
export function readPage (answer: ListObjectsV2CommandOutput): ListingPage {
  const { Contents = [], EncodingType, IsTruncated, NextContinuationToken: next } = answer
  if (IsTruncated === undefined) throw new StoreError('invalid_listing', 'the answer is not a listing')
  const decode = EncodingType === 'url' ? decodeKey : (key: string) => key
  const objects = new ObjectList(Contents.map(object => readObject(object, decode)))
  if (!IsTruncated) return { objects, next: undefined }
  if (next === undefined) throw new StoreError('invalid_listing', 'the listing leads nowhere')
  return { objects, next }
}

/** Passes a page on whose token is not one of those seen before, and adds it to them. */
export function checkToken (page: ListingPage, tokens: Set<string>): ListingPage {
  if (page.next === undefined) return page
  if (tokens.has(page.next)) throw new StoreError('invalid_listing', 'the listing leads nowhere')
  tokens.add(page.next)
  return page
}

/** To catch with: what came as a success and can't be read is no listing. */
export function toInvalidListing (error: unknown): never {
  if (statusOf(error) !== 200) throw error
  throw new StoreError('invalid_listing', 'the answer is not a listing', { cause: error })
}

function readObject (object: ListedObject, decode: (key: string) => string | undefined): ObjectInfo {
  const { Key, Size, LastModified } = object
  if (Key === undefined || Size === undefined || LastModified === undefined) {
    throw new StoreError('invalid_listing', 'an entry of the listing is incomplete')
  }
  const key = decode(Key)
  if (key === undefined) throw new StoreError('invalid_listing', 'a key of the listing is not UTF-8')
  return toInfo(key, Size, object)
}
