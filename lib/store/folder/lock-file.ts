import { readlinkSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf, toMissing } from './folder-error.js'

/** A lock that was not refreshed for so long is dead, whoever holds it. */
const STALE_MS = 30_000

/** Who holds a folder, as the lock file tells it. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** Where its pid means what it means here: containers on one host number their processes apart. */
  readonly pids: string
  /** Unlike any other lock's. */
  readonly token: string
  /** Milliseconds. */
  readonly refreshed: number
}

const PID_NAMESPACE = pidNamespace()

/** Empty where the system has none to tell. */
function pidNamespace (): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

export function lockText (token: string, now: number): Buffer {
  return Buffer.from(JSON.stringify({ pid: process.pid, host: hostname(), pids: PID_NAMESPACE, token, since: new Date(now).toISOString() }))
}

/** `undefined` where there is no such file. A file that can't be understood has a holder that nobody knows. */
export async function readLock (path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(toMissing)
  const stats = await stat(path).catch(toMissing)
  if (text === undefined || stats === undefined) return undefined
  const unknown = { pid: 0, host: 'unknown', pids: '', token: `unknown-${stats.ino}` }
  return { ...unknown, ...parse(text), refreshed: stats.mtimeMs }
}

function parse (text: string): Partial<Holder> {
  try {
    const { pid, host, pids, token } = JSON.parse(text)
    // The token becomes part of a file name.
    return Number.isInteger(pid) && typeof host === 'string' && /^[\w-]+$/.test(token) ? { pid, host, pids: String(pids), token } : {}
  } catch {
    return {}
  }
}

/** Whether the holder may still write. It is not this process's present lock: an older process had the same pid. */
export function isAlive ({ pid, host, pids, refreshed }: Holder, now: number): boolean {
  if (host === hostname() && pids === PID_NAMESPACE && (pid === process.pid || !isRunning(pid))) return false
  return now - refreshed <= STALE_MS
}

function isRunning (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
