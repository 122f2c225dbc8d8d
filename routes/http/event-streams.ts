import { Readable } from 'node:stream'
import { unavailable } from '../../plugins/problems/problem.js'

/** The maximum number of clients that listen at a time. */
const MAX_STREAMS = 256
/** Milliseconds between two comments, by which clients, proxies and the write timeout recognize that a connection is alive. */
const HEARTBEAT_MS = 15_000
/** A client that has this many bytes to read gets no further event until it has read some. */
const MAX_UNREAD_BYTES = 1024 * 1024

/** Runs a task every `ms` milliseconds. Returns the function that ends this. */
export type Every = (ms: number, task: () => void) => () => void

const everySystem: Every = (ms, task) => {
  const timer = setInterval(task, ms)
  return () => clearInterval(timer)
}

export interface EventStreamsOptions {
  /** Makes the data fresh, so that there is something to report. Called while there are streams. */
  readonly refresh: () => void
  /** Milliseconds between two refreshes. */
  readonly refreshMs: number
  /** Default: timers of Node. */
  readonly every?: Every
}

export interface Event {
  readonly name: string
  readonly id: string
  /** Without line breaks. */
  readonly data: string
}

/** One client of an event stream. */
export interface EventStream {
  readonly body: Readable
  /** Whether an event may be sent now. */
  readonly isReady: () => boolean
  readonly send: (event: Event) => void
  readonly end: () => void
}

/** The event streams of a process (HTML Standard, section 9.2): bounded, kept alive, and ended together. */
export class EventStreams {
  readonly #options: Required<EventStreamsOptions>
  readonly #open = new Set<Readable>()
  #isEnded = false
  #stopTimers: (() => void) | undefined

  constructor ({ every = everySystem, ...options }: EventStreamsOptions) {
    this.#options = { every, ...options }
  }

  /** @param onTick called with each heartbeat @throws {Problem} 503 if there are too many streams, or if the process is shutting down */
  open (onTick: () => void): EventStream {
    if (this.#isEnded) throw unavailable('draining', 'This process is shutting down')
    if (this.#open.size >= MAX_STREAMS) throw unavailable('overloaded', `There are ${MAX_STREAMS} clients that listen to changes, the most that are accepted; try again later`)
    const body = new Readable({ read: () => {}, highWaterMark: MAX_UNREAD_BYTES })
    this.#open.add(body)
    this.#startTimers()
    let isEnded = false
    const stopBeating = this.#options.every(HEARTBEAT_MS, () => {
      body.push(':\n\n')
      onTick()
    })
    body.once('close', () => {
      stopBeating()
      this.#open.delete(body)
      if (this.#open.size === 0) this.#endTimers()
    })
    body.push(':\n\n')
    return {
      body,
      isReady: () => !body.destroyed && !body.readableEnded && body.readableLength < MAX_UNREAD_BYTES,
      send: ({ name, id, data }) => { if (!isEnded && !this.#isEnded && !body.destroyed) body.push(`event: ${name}\nid: ${id}\ndata: ${data}\n\n`) },
      end: () => {
        if (!isEnded && !this.#isEnded && !body.destroyed) body.push(null)
        isEnded = true
        stopBeating()
      }
    }
  }

  /** Ends all streams, and accepts no more. */
  end (): void {
    this.#isEnded = true
    for (const body of this.#open) body.push(null)
  }

  #startTimers (): void {
    this.#stopTimers ??= this.#options.every(this.#options.refreshMs, this.#options.refresh)
  }

  #endTimers (): void {
    this.#stopTimers?.()
    this.#stopTimers = undefined
  }
}
