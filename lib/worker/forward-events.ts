import { FORWARDED } from '../base/events.js'

/** Messages of channels, with the names of the channels. */
export type ForwardedEvents = readonly (readonly [channel: string, message: unknown])[]

/** How long a message waits at most, in milliseconds, so that it is forwarded together with others: a first load of a lake has thousands of them a second. */
const MAX_WAIT_MS = 50

/** Forwards what is published in this thread. */
export interface EventForwarder {
  /** Forwards the messages that wait. */
  flush (): void
  /** Ends the forwarding. */
  stop (): void
}

/** Begins to forward the messages of all channels in FORWARDED. `post` sends them to the thread that calls `republish`. */
export function forwardEvents (post: (events: ForwardedEvents) => void): EventForwarder {
  let waiting: [string, unknown][] = []
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return
    post(waiting)
    waiting = []
  }
  const unsubscribe = FORWARDED.map((channel) => channel.subscribe((message) => {
    waiting.push([channel.name, message])
    timer ??= setTimeout(flush, MAX_WAIT_MS).unref()
  }))
  return {
    flush,
    stop: () => {
      for (const leave of unsubscribe) leave()
      flush()
    }
  }
}

/** Publishes forwarded messages in this thread. */
export function republish (events: ForwardedEvents): void {
  for (const [name, message] of events) FORWARDED.find((channel) => channel.name === name)?.publish(message)
}
