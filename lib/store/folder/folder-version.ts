import type { BigIntStats } from 'node:fs'
import type { ObjectInfo } from '../object-store.js'

/** Milliseconds; at least the resolution of the timestamps of all common file systems. */
const RACY_MS = 2000

/** Identifies the version of a file by properties that change with each write. */
export function etagOf ({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ctimeNs, ino].map(part => part.toString(36)).join('-')
}

/**
 * Describes a file. `now` is the time of the `stat` call, in milliseconds since 1970-01-01 UTC. A file that was changed within the resolution
 * of its timestamps is `racy`: another write may leave the timestamps, and thus the ETag, the same.
 */
export function infoOf (key: string, stats: BigIntStats, now: number): ObjectInfo {
  const lastModified = Number(stats.mtimeMs)
  const info = { key, etag: etagOf(stats), size: Number(stats.size), lastModified }
  const isRacy = Math.max(lastModified, Number(stats.ctimeMs)) > now - RACY_MS
  return isRacy ? { ...info, racy: true } : info
}

/**
 * The milliseconds until a file is two seconds old; `undefined` if it is already. Until then its writer may still append to it. A file that is
 * moved keeps one of the two times, so the earlier one counts. `now` is the time of the `stat` call; the clock of the file system may be ahead of it.
 */
export function growingMs ({ mtimeMs, ctimeMs }: BigIntStats, now: number): number | undefined {
  const age = now - Math.min(Number(mtimeMs), Number(ctimeMs))
  return Math.abs(age) < RACY_MS ? RACY_MS - age : undefined
}
