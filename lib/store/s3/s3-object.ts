import type { ObjectInfo } from '../object-store.js'

/** The properties of an object, from the headers of a response or from an entry of a listing. */
export interface ObjectFields {
  readonly ETag?: string | undefined
  /** A number is milliseconds since 1970-01-01 UTC. Some servers list milliseconds, which the headers of HEAD and GET do not have. */
  readonly LastModified?: Date | number | undefined
}

/** The description of an object of `size` bytes. */
export function toInfo (key: string, size: number, { ETag, LastModified }: ObjectFields): ObjectInfo {
  const etag = unquote(ETag)
  const info = { key, etag, size, lastModified: Math.floor(Number(LastModified ?? 0) / 1000) * 1000 }
  // Without an ETag, versions cannot be distinguished. On Ceph RGW 16.2, multipart uploads create such objects.
  return etag === '' ? { ...info, racy: true } : info
}

/** Whether a number can be the size of an object. */
export function isSize (size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}

/** Decodes a key of a listing with `EncodingType: url`. Returns `undefined` if it is not UTF-8. */
export function decodeKey (encoded: string): string | undefined {
  if (!/[%+]/.test(encoded)) return encoded
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** The ETag in quotes, as the headers of conditional requests have it. */
export function quote (etag: string): string {
  return `"${etag}"`
}

/** The opaque part of an ETag header: without `W/` and quotes. */
export function unquote (etag = ''): string {
  const opaque = etag.startsWith('W/') ? etag.slice(2) : etag
  return opaque.startsWith('"') && opaque.endsWith('"') && opaque.length > 1 ? opaque.slice(1, -1) : opaque
}
