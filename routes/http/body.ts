import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { BodyReader, Encoding, Export } from '../../lib/output/exporter.js'
import { headersOnly } from './conditional.js'
import { hasEnded, onResponseEnd } from './response-end.js'

/**
 * Sends a body, or the headers alone if there is none, and releases the body when the response has ended. A response whose client
 * has gone is not sent.
 */
export function sendExport (reply: FastifyReply, { body, release }: Partial<Export>, encoding: Encoding): FastifyReply {
  if (release !== undefined) onResponseEnd(reply, release)
  if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
  if (body === undefined) return headersOnly(reply)
  return Buffer.isBuffer(body) ? sendBuffer(reply, body) : sendStream(reply, Readable.from(body))
}

/** The client of a response. Breaking the connection is the only way to say that the rest of a body will not come. */
export function readerOf (reply: FastifyReply): BodyReader {
  return { isGone: () => hasEnded(reply), cut: () => reply.raw.destroy() }
}

/** Sends a stream, and destroys it when the response has ended. */
export function sendStream (reply: FastifyReply, stream: Readable): FastifyReply {
  onResponseEnd(reply, () => stream.destroy())
  return hasEnded(reply) ? reply.hijack() : reply.send(stream)
}

function sendBuffer (reply: FastifyReply, buffer: Buffer): FastifyReply {
  if (hasEnded(reply)) return reply.hijack()
  // Fastify takes a Buffer over shared memory for an object: `payload.buffer instanceof ArrayBuffer` in its reply.js.
  return reply.serializer(identity as unknown as (payload: unknown) => string).send(buffer)
}

function identity<T> (payload: T): T {
  return payload
}
