import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    readonly exchanges: Exchanges
  }
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface WaitingExchange extends Exchange {
  readonly start: () => void
}

/** Admits one request of a connection at a time. */
class Connection {
  inFlight: Exchange | undefined
  readonly #socket: Socket
  #waiting: WaitingExchange[] = []
  #isPaused = false
  #whenDone: (() => void) | undefined

  constructor (socket: Socket) {
    this.#socket = socket
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
    exchange.response.once('close', this.#end)
    exchange.start()
  }

  readonly #end = (): void => {
    // Other listeners have to release what the response has held before the next one takes more.
    if (this.#waiting.length > 0 || this.#whenDone !== undefined) process.nextTick(this.#next)
    else this.inFlight = undefined
  }

  readonly #next = (): void => {
    this.inFlight = undefined
    // `writable` is false from the moment when the last response of the connection has been passed to the socket.
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
 * The requests in flight: one for each connection. Node starts all requests of a pipeline at once and keeps their responses
 * until the earlier ones have been sent, so that a client that reads nothing makes the server hold all of them; and a response
 * that waits gets no `close` event when its socket closes, so that what it holds is never released. Here a request waits before
 * any work is done for it, and the socket is not read while one waits: what waits comes from a single read (64 KiB).
 */
export class Exchanges {
  readonly #connections = new WeakMap<Socket, Connection>()

  /** Calls `start` after the responses to all earlier requests of the connection have been sent. Does not, if the connection closes before. */
  enqueue (request: IncomingMessage, response: ServerResponse, start: () => void): void {
    const { socket } = request
    let connection = this.#connections.get(socket)
    if (connection === undefined) this.#connections.set(socket, connection = new Connection(socket))
    connection.enqueue({ request, response, start })
  }

  /** The request that is being processed. */
  inFlight (socket: Socket): Exchange | undefined {
    return this.#connections.get(socket)?.inFlight
  }

  /** Stops reading requests from a connection. Calls `whenDone` after the responses to those received have been sent, unless it closes before. */
  stop (socket: Socket, whenDone: () => void): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) whenDone()
    else connection.stop(whenDone)
  }
}

/** Limits the requests in flight to one for each connection. Has to be registered before plugins whose hooks do any work. */
export default fp(async (fastify) => {
  const exchanges = new Exchanges()
  fastify.decorate('exchanges', exchanges)
  fastify.addHook('onRequest', (request, reply, done) => exchanges.enqueue(request.raw, reply.raw, done))
}, { name: 'exchanges' })
