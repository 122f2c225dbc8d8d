import type { ObjectInfo } from '../object-store.js'

/** What the SDK tells of an object; the length of a listed one is its Size. */
export interface Described {
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
}

export function toInfo (key: string, size: number, { ETag, LastModified }: Described): ObjectInfo {
  const etag = unquote(ETag)
  const info = { key, etag, size, lastModified: LastModified?.getTime() ?? 0 }
  // Without an ETag nothing tells versions apart. Ceph RGW 16.2 has such objects after multipart uploads.
  return etag === '' ? { ...info, unsettled: true } : info
}

/** The opaque part of an ETag header: without `W/` and quotes. */
export function unquote (etag = ''): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1')
}
