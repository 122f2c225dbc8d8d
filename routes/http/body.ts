import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Chunks } from '../../lib/output/render.js'
import { gzip, type Encoding } from './compression.js'
import { headersOnly } from './conditional.js'
import { hasEnded, onResponseEnd } from './response-end.js'

export interface SendOptions {
  readonly encoding: Encoding
  /** Keeps the data that the body is made from until the returned function is called; calls `cut` if it has to give the data up earlier. */
  readonly hold?: (cut: () => void) => () => void
  /** Called once the body is not read any more. */
  readonly release?: () => void
}

/** Sends a body, or the headers alone if there is none, and releases what it holds when the response has ended. */
export function sendBody (reply: FastifyReply, body: Buffer | Chunks | undefined, { encoding, hold, release }: SendOptions): FastifyReply {
  // A compressed body may go on being read for others.
  if (release !== undefined && encoding !== 'gzip') onResponseEnd(reply, release)
  if (hasEnded(reply)) return reply.hijack()
  if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
  if (body === undefined) return headersOnly(reply)
  const text = encoding === 'gzip' ? gzip(body) : body
  // Breaking the connection is the only way to say that the rest of the body will not come.
  if (hold !== undefined && !(Buffer.isBuffer(text) && text.length < LARGE_BYTES)) onResponseEnd(reply, hold(() => reply.raw.destroy()))
  if (Buffer.isBuffer(text)) return sendBuffer(reply, text)
  return sendStream(reply, Readable.from(text))
}

/** Sends a stream, and destroys it when the response has ended. */
export function sendStream (reply: FastifyReply, stream: Readable): FastifyReply {
  onResponseEnd(reply, () => stream.destroy())
  return hasEnded(reply) ? reply.hijack() : reply.send(stream)
}

/** Bytes that the kernel's buffers take at once. */
const LARGE_BYTES = 64 * 1024

function sendBuffer (reply: FastifyReply, buffer: Buffer): FastifyReply {
  // Fastify takes a Buffer over shared memory for an object: `payload.buffer instanceof ArrayBuffer` in its reply.js.
  return reply.serializer(identity as unknown as (payload: unknown) => string).send(buffer)
}

function identity<T> (payload: T): T {
  return payload
}
