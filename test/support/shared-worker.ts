import { EventEmitter } from 'node:events'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import type { BackendThread } from '../../lib/worker/worker-backend.js'
import type { TestClock } from './test-clock.js'
import type { OpenPort } from './worker.js'

let worker: Worker | undefined

/**
 * Returns the worker thread of one app under test. In production each app has its own; here all apps of a process share one, because starting a worker
 * takes 0.4 s of CPU time.
 */
export function shareWorker (clock: TestClock): BackendThread {
  worker ??= startWorker()
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ port: port2, clock: clock.memory } satisfies OpenPort, [port2])
  return new SharedThread(worker, port1)
}

class SharedThread extends EventEmitter implements BackendThread {
  readonly #port: MessagePort

  constructor (worker: Worker, port: MessagePort) {
    super()
    this.#port = port
    port.on('message', (message) => this.emit('message', message))
    worker.on('error', (error) => this.emit('error', error))
    worker.on('exit', (code) => this.emit('exit', code))
  }

  postMessage (message: unknown): void {
    this.#port.postMessage(message)
  }

  async terminate (): Promise<number> {
    this.#port.close()
    this.emit('exit', 0)
    return 0
  }
}

function startWorker (): Worker {
  const worker = new Worker(new URL('./worker.js', import.meta.url))
  worker.setMaxListeners(Infinity)
  // An idle worker does not keep the process of the tests alive.
  worker.unref()
  return worker
}
