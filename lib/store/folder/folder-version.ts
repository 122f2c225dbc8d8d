import type { BigIntStats } from 'node:fs'
import type { ObjectInfo } from '../object-store.js'

/** More than the resolution of the times of any file system. Milliseconds. */
const RACY_MS = 2000

/** Identifies the version of a file by properties that change with each write. */
export function etagOf ({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ctimeNs, ino].map(part => part.toString(36)).join('-')
}

/** Describes a file. `now` is the time of the `stat` call: if the file is young, a later write may not change its times. */
export function infoOf (key: string, stats: BigIntStats, now: number): ObjectInfo {
  const lastModified = Number(stats.mtimeMs)
  const info = { key, etag: etagOf(stats), size: Number(stats.size), lastModified }
  const isYoung = Math.max(lastModified, Number(stats.ctimeMs)) > now - RACY_MS
  return isYoung ? { ...info, racy: true } : info
}
