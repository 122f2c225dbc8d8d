import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip, gzip, type ZlibOptions } from 'node:zlib'
import type { TextChunks } from '../query/data-version.js'

const gzipAsync = promisify<Buffer, ZlibOptions, Buffer>(gzip)

/** Bytes of the pieces in which the compressed text is made before it is joined. */
const PIECE_BYTES = 256 * 1024

/** Compresses a whole text, in a thread of libuv. */
export async function gzipBuffer (body: Buffer): Promise<Buffer> {
  return await gzipAsync(body, { chunkSize: Math.min(PIECE_BYTES, 1024 + body.length) })
}

/** Compresses a text as it is read. */
export async function * gzipChunks (chunks: TextChunks): AsyncGenerator<Buffer> {
  const zip = createGzip()
  pipeline(chunks, zip).catch(() => {}) // the reader of the stream gets the error
  yield * zip
}
