import type { FastifyBaseLogger } from 'fastify'
import { readTextFile } from '../../lib/base/read-text-file.js'
import type { Timer } from '../../lib/base/timer.js'
import { ApiKeys } from './api-keys.js'

/** Milliseconds between two reads of the file. The file is small, so its content is compared: a change may leave the modification time as it was. */
const CHECK_MS = 2000

/** The API keys of a file, which is read again while the service runs. */
export interface KeyFile {
  readonly keys: ApiKeys
  /** Whether the last read of the file has failed. */
  readonly hasFailed: boolean
  /** Stops reading the file. */
  stop (): void
}

/** Opens a file of API keys. If it becomes unreadable or malformed later, the earlier keys stay valid, and the log has the reason. @throws {Error} */
export async function openKeyFile (path: string, timer: Timer, log: FastifyBaseLogger): Promise<KeyFile> {
  let text = await readTextFile(path)
  let keys = new ApiKeys(text)
  let failure: string | undefined
  let stop: () => void
  // Without keys, every client of the file is refused, which an operator may not intend.
  const logKeys = (message: string) => log[keys.count === 0 ? 'warn' : 'info']({ file: path, keys: keys.count }, keys.count === 0 ? `${message}: the file has none` : message)
  logKeys('The API keys have been read')
  const update = async () => {
    const next = await readTextFile(path)
    if (next === text && failure === undefined) return
    keys = new ApiKeys(next)
    text = next
    failure = undefined
    logKeys('The API keys have been read again')
  }
  const check = () => {
    update().catch((error: Error) => {
      if (error.message !== failure) log.error({ file: path, reason: error.message }, 'The API keys cannot be read again: the earlier ones stay valid')
      failure = error.message
    }).finally(() => { if (!isStopped) stop = timer(CHECK_MS, check) })
  }
  let isStopped = false
  stop = timer(CHECK_MS, check)
  return {
    get keys () { return keys },
    get hasFailed () { return failure !== undefined },
    stop: () => {
      isStopped = true
      stop()
    }
  }
}
