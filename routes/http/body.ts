import { PassThrough, Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { RequestAbortedError, StoreError } from '../../lib/base/errors.js'
import type { BodyReader, Encoding, Export } from '../../lib/output/exporter.js'
import { headersOnly } from './conditional.js'
import { hasEnded, onResponseEnd } from './response-end.js'

/**
 * Sends a body, or the headers alone in response to HEAD, and releases the body when the response has ended. Sends nothing if the client has
 * disconnected.
 */
export function sendExport (reply: FastifyReply, { body, byteLength, release }: Partial<Export>, encoding: Encoding): FastifyReply {
  if (release !== undefined) onResponseEnd(reply, release)
  if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
  if (byteLength !== undefined) reply.header('content-length', byteLength)
  if (body === undefined || reply.request.method === 'HEAD') return headersOnly(reply)
  return Buffer.isBuffer(body) ? sendBuffer(reply, body) : sendStream(reply, Readable.from(body))
}

/**
 * The reader of a response body: its client. `cut` closes the connection, because that is the only way to report an incomplete body once the status has been
 * sent.
 */
export function readerOf (reply: FastifyReply): BodyReader {
  return { isGone: () => hasEnded(reply), cut: () => reply.raw.destroy(), signal: () => signalOf(reply) }
}

function signalOf (reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  onResponseEnd(reply, () => controller.abort(new RequestAbortedError()))
  return controller.signal
}

/** Sends a stream, and destroys it when the response has ended. */
export function sendStream (reply: FastifyReply, stream: Readable): FastifyReply {
  onResponseEnd(reply, () => stream.destroy())
  return hasEnded(reply) ? reply.hijack() : reply.send(stream)
}

/** As `sendStream`, for an object of the store. If the store fails meanwhile, the connection is closed, and the failure is logged. */
export function sendObject (reply: FastifyReply, body: Readable): FastifyReply {
  // An error of the stream that Fastify sends would be logged with its stack.
  const sent = new PassThrough()
  body.on('error', (error) => {
    const failure = error instanceof StoreError ? error : new StoreError('unreachable', error.message)
    if (!reply.raw.headersSent) {
      sent.destroy(failure)
      return
    }
    if (!hasEnded(reply)) reply.server.lakeFailures.failed(failure, 'The lake failed in the middle of a response, whose connection was closed', reply.log)
    sent.destroy()
  })
  onResponseEnd(reply, () => {
    body.destroy()
    sent.destroy()
  })
  return hasEnded(reply) ? reply.hijack() : reply.send(body.pipe(sent))
}

function sendBuffer (reply: FastifyReply, buffer: Buffer): FastifyReply {
  if (hasEnded(reply)) return reply.hijack()
  // Fastify would serialize a Buffer over shared memory as an object: see `payload.buffer instanceof ArrayBuffer` in its reply.js.
  return reply.serializer(identity as unknown as (payload: unknown) => string).send(buffer)
}

function identity<T> (payload: T): T {
  return payload
}
