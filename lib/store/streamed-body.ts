import { createHash } from 'node:crypto'
import { StoreError } from '../base/errors.js'

/** Bytes that may not fit into memory. */
export interface ByteStream {
  /** The number of bytes. */
  readonly length: number
  /** Reads the bytes, from the first one on. They are the same each time. */
  open (): AsyncIterable<Uint8Array>
}

/** A body that is written as a stream. Its length and digests are known before it is written. */
export interface StreamedBody extends ByteStream {
  readonly md5: Buffer
  readonly sha256: Buffer
}

/** What is written to an object. */
export type Body = Uint8Array | StreamedBody

/** The source of a body has failed while the body was being written. `cause` is the error of the source. */
export class BodyError extends Error {
  constructor (cause: unknown) {
    super('The source of a body has failed', { cause })
    this.name = 'BodyError'
  }
}

export function isStreamed (body: Body): body is StreamedBody {
  return !(body instanceof Uint8Array)
}

/** Reads a source to its end to measure it. Returns a body that opens the same source again. */
export async function measureBody (open: () => AsyncIterable<Uint8Array>): Promise<StreamedBody> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')]
  let length = 0
  for await (const bytes of open()) {
    length += bytes.length
    md5.update(bytes)
    sha256.update(bytes)
  }
  return { length, md5: md5.digest(), sha256: sha256.digest(), open }
}

/**
 * Reads a body in order to write it. Withholds the last chunk until all bytes have been verified, so that a body never looks whole if it is not.
 *
 * @throws BodyError if its source fails; StoreError `corrupt` if it has other bytes than before
 */
export async function * readBody ({ length, sha256, open }: StreamedBody): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256')
  let read = 0
  let last: Uint8Array | undefined
  try {
    for await (const bytes of open()) {
      if (bytes.length === 0) continue
      read += bytes.length
      if (read > length) break
      if (last !== undefined) yield last
      last = bytes
      digest.update(bytes)
    }
  } catch (error) {
    throw new BodyError(error)
  }
  if (read !== length || !digest.digest().equals(sha256)) throw new StoreError('corrupt', 'the body that was read to be written differs from the one that was measured before')
  if (last !== undefined) yield last
}
