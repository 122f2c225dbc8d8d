import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip, gzip } from 'node:zlib'
import type { Chunks } from './render.js'

/** Compresses a whole text, in the threads of libuv. */
export const gzipBuffer: (body: Buffer) => Promise<Buffer> = promisify(gzip)

/** Compresses a text as it is read. */
export function gzipChunks (chunks: Chunks): Readable {
  const zip = createGzip()
  pipeline(chunks, zip).catch(() => {}) // the reader of the stream gets the error
  return zip
}
