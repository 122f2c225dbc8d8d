import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    readonly exchanges: Exchanges
  }
}

/** A request and its response. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The URL pattern of the route; `undefined` if no route has the URL. */
  readonly route?: string | undefined
}

/** Receives an exchange whose response has been sent, or whose connection has been closed, and its duration in milliseconds. */
type OnEnd = (exchange: Exchange, durationMs: number) => void

interface WaitingExchange extends Exchange {
  readonly start: () => void
}

/** Starts the requests of one connection one at a time, in order. */
class Connection {
  inFlight: Exchange | undefined
  readonly #socket: Socket
  readonly #onEnd: OnEnd
  #beganAt = 0
  #waiting: WaitingExchange[] = []
  #isPaused = false
  #whenDone: (() => void) | undefined

  constructor (socket: Socket, onEnd: OnEnd) {
    this.#socket = socket
    this.#onEnd = onEnd
  }

  enqueue (exchange: WaitingExchange): void {
    if (this.inFlight === undefined) return this.#begin(exchange)
    this.#pause()
    this.#waiting.push(exchange)
  }

  stop (whenDone: () => void): void {
    if (this.inFlight === undefined) return whenDone()
    this.#pause()
    this.#whenDone ??= whenDone
  }

  #begin (exchange: WaitingExchange): void {
    this.inFlight = exchange
    this.#beganAt = performance.now()
    exchange.response.on('close', this.#end)
    exchange.start()
  }

  readonly #end = (): void => {
    this.#onEnd(this.inFlight!, performance.now() - this.#beganAt)
    // Other `close` listeners release the memory and the data version of this response; the next request must not start before they have.
    if (this.#waiting.length > 0 || this.#whenDone !== undefined) process.nextTick(this.#next)
    else this.inFlight = undefined
  }

  readonly #next = (): void => {
    this.inFlight = undefined
    // The client has closed the socket, or Node has ended it after the last response of the connection.
    if (!this.#socket.writable) {
      this.#waiting = []
      return
    }
    const next = this.#waiting.shift()
    if (this.#waiting.length === 0 && this.#whenDone === undefined) {
      this.#isPaused = false
      this.#socket.resume()
    }
    if (next !== undefined) this.#begin(next)
    else this.#whenDone?.()
  }

  #pause (): void {
    if (this.#isPaused) return
    this.#isPaused = true
    if (this.#socket.listenerCount('resume', this.#keepPaused) === 0) this.#socket.on('resume', this.#keepPaused)
    this.#socket.pause()
  }

  /** Node resumes the socket at the end of each message that it parses. */
  readonly #keepPaused = (): void => {
    if (this.#isPaused) this.#socket.pause()
  }
}

/**
 * The requests in flight: at most one per connection. By itself, Node starts all pipelined requests of a connection at once and buffers
 * each response until the earlier ones have been sent. A client that reads nothing would make the server buffer all of them, and a
 * buffered response gets no `close` event when its socket closes, so that its resources would never be released. Here a request waits
 * before any work is done for it, and the socket is not read while a request waits. So the waiting requests of a connection come from a
 * single read of the socket (64 KiB).
 */
export class Exchanges {
  readonly #connections = new WeakMap<Socket, Connection>()
  /** Called at the end of each exchange, also of one that the client breaks off. */
  onEnd: OnEnd = () => {}

  /**
   * Calls `start` after the responses to all earlier requests of the connection have been sent. Never calls it if the connection closes before that.
   *
   * @param route the URL pattern of the route; absent if no route has the URL
   */
  enqueue (request: IncomingMessage, response: ServerResponse, start: () => void, route?: string): void {
    const { socket } = request
    let connection = this.#connections.get(socket)
    if (connection === undefined) this.#connections.set(socket, connection = new Connection(socket, (...end) => this.onEnd(...end)))
    connection.enqueue({ request, response, start, route })
  }

  /** The request of the connection that is being processed; `undefined` if the connection is idle. */
  inFlight (socket: Socket): Exchange | undefined {
    return this.#connections.get(socket)?.inFlight
  }

  /**
   * Stops reading requests from a connection. Calls `whenDone` after the responses to the received requests have been sent, but never if the
   * connection closes before that.
   */
  stop (socket: Socket, whenDone: () => void): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) whenDone()
    else connection.stop(whenDone)
  }
}

/** Limits the requests in flight to one per connection. Must be registered before every plugin whose hooks do work for a request. */
export default fp(async (fastify) => {
  const exchanges = new Exchanges()
  fastify.decorate('exchanges', exchanges)
  fastify.addHook('onRequest', (request, reply, done) => exchanges.enqueue(request.raw, reply.raw, done, request.routeOptions.url))
}, { name: 'exchanges' })
