import type { BigIntStats } from 'node:fs'
import type { ObjectInfo } from '../object-store.js'

/** Longer than the steps in which file systems tell time. Milliseconds. */
const RACY_MS = 2000

/** The version of a file, by what its writing changes. */
export function etagOf ({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return [size, mtimeNs, ctimeNs, ino].map(part => part.toString(36)).join('-')
}

/** `now` is the time at which the file was looked at: a later write may leave the times of a young file as they are. */
export function infoOf (key: string, stats: BigIntStats, now: number): ObjectInfo {
  const lastModified = Number(stats.mtimeMs)
  const info = { key, etag: etagOf(stats), size: Number(stats.size), lastModified }
  const isYoung = Math.max(lastModified, Number(stats.ctimeMs)) > now - RACY_MS
  return isYoung ? { ...info, racy: true } : info
}
