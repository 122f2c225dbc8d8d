import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Chunks } from '../../lib/output/render.js'
import { gzip, type Encoding } from './compression.js'
import { headersOnly } from './conditional.js'

export interface SendOptions {
  readonly encoding: Encoding
  /** Holds what the body is made from until the function that it answers is called; `end` is called where it can't any longer. */
  readonly hold?: (end: () => void) => () => void
  /** Called once the body is not read any more. */
  readonly release?: () => void
}

/** Sends a text, or the headers alone where there is none, and holds what it is made from until the client has it all. */
export function sendText (reply: FastifyReply, body: Buffer | Chunks | undefined, { encoding, hold, release }: SendOptions): FastifyReply {
  if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
  if (body === undefined) return headersOnly(reply)
  const text = encoding === 'gzip' ? gzip(body) : body
  if (hold !== undefined && !(Buffer.isBuffer(text) && text.length < LARGE_BYTES)) {
    // A connection that breaks off is the only way to say that the rest will not come.
    reply.raw.once('close', hold(() => reply.raw.destroy()))
    // What is compressed may be read for others behind this one.
    if (release !== undefined && encoding !== 'gzip') reply.raw.once('close', release)
  }
  if (!Buffer.isBuffer(text)) return reply.send(Readable.from(text))
  // Fastify takes a Buffer over shared memory for an object: `payload.buffer instanceof ArrayBuffer` in its reply.js.
  return reply.serializer(identity as unknown as (payload: unknown) => string).send(text)
}

/** So many bytes leave for the kernel's buffers at once. */
const LARGE_BYTES = 64 * 1024

function identity<T> (payload: T): T {
  return payload
}
