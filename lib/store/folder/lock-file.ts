import { readlinkSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf, undefinedIfMissing } from './folder-error.js'

/** A lock that another process has seen unchanged for this time is stale. Milliseconds. */
const STALE_MS = 30_000

/** The process that holds a lock, as described by the lock file. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** The PID namespace; empty if the system has none. Pids are comparable only within a namespace, because each container has its own. */
  readonly pids: string
  /** Unique for each lock. */
  readonly token: string
  /** The modification time of the file, which each renewal of the lock sets. It is compared with an earlier one only, and never with a clock, because clocks may jump. */
  readonly renewed: number
}

const PID_NAMESPACE = pidNamespace()

function pidNamespace (): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** The content of the lock file of this process. `now` is milliseconds since 1970-01-01 UTC. */
export function lockText (token: string, now: number): Buffer {
  return Buffer.from(JSON.stringify({ pid: process.pid, host: hostname(), pids: PID_NAMESPACE, token, since: new Date(now).toISOString() }))
}

/** Reads a lock file. Returns `undefined` if the file does not exist, and a holder with pid 0 and host `unknown` if the file cannot be parsed. */
export async function readLock (path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(undefinedIfMissing)
  const stats = await stat(path).catch(undefinedIfMissing)
  if (text === undefined || stats === undefined) return undefined
  const unknown = { pid: 0, host: 'unknown', pids: '', token: `unknown-${stats.ino}` }
  return { ...unknown, ...parse(text), renewed: stats.mtimeMs }
}

function parse (text: string): Partial<Holder> {
  try {
    const { pid, host, pids, token } = JSON.parse(text)
    // The token is used in a file name.
    return Number.isInteger(pid) && typeof host === 'string' && /^[\w-]+$/.test(token) ? { pid, host, pids: String(pids), token } : {}
  } catch {
    return {}
  }
}

/**
 * Whether the holder of a lock may still write. Must not be called for the lock of this process: a lock with the same pid belonged to an earlier process.
 *
 * @param unchangedMs for how long this process has seen that the lock was not renewed
 */
export function isAlive ({ pid, host, pids }: Holder, unchangedMs: number): boolean {
  if (host === hostname() && pids === PID_NAMESPACE && (pid === process.pid || !isRunning(pid))) return false
  return unchangedMs < STALE_MS
}

function isRunning (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
