import { parentPort, type MessagePort } from 'node:worker_threads'
import { serveBackend } from '../../lib/worker/serve-backend.js'

// The entry point of the worker thread that the apps of one test file share. Each app has a separate port, with the clock of its test.

/** The message that opens a port. */
export interface OpenPort {
  readonly port: MessagePort
  /** The monotonic clock of a TestClock. It is also the wall clock of the worker. */
  readonly clock: Float64Array
}

parentPort!.on('message', ({ port, clock }: OpenPort) => serveBackend(port, () => clock[0]!, () => clock[0]!))
