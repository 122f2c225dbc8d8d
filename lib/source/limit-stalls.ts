import { PassThrough, pipeline, type Readable } from 'node:stream'
import { systemTimer, type Timer } from '../base/timer.js'
import { StoreError } from '../store/object-store.js'

/** The maximum time between two parts of a body, in milliseconds. */
const MAX_STALL_MS = 10_000

/**
 * Returns the bytes of a body. It fails with the StoreError `timeout` if the store sends none for MAX_STALL_MS; the time in which the reader is slow does not
 * count. Destroying it destroys the body.
 */
export function limitStalls (body: Readable, timer: Timer = systemTimer): Readable {
  const limited = new PassThrough()
  let cancel = () => {}
  const watch = () => {
    cancel()
    cancel = timer(MAX_STALL_MS, () => {
      if (limited.writableNeedDrain) watch()
      else body.destroy(new StoreError('timeout', `the store has sent nothing for ${MAX_STALL_MS / 1000} s`))
    })
  }
  watch()
  body.on('data', watch)
  limited.on('drain', watch)
  pipeline(body, limited, () => cancel())
  return limited
}
