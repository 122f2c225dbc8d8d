import { hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { StoreError } from '../object-store.js'
import { unquote } from './s3-object.js'

/**
 * The whole body of an answer. Fails with `too_large` as soon as that shows, with `corrupt` where the length or the MD5
 * that the answer tells is another one. In any case nothing is left unread: that would keep the connection for good.
 */
export async function readBody (answer: GetObjectCommandOutput, maxBytes: number): Promise<Buffer> {
  const stream = bodyOf(answer)
  const chunks: Buffer[] = []
  let length = 0
  if ((answer.ContentLength ?? 0) > maxBytes) {
    stream.destroy()
    throw tooLarge(maxBytes)
  }
  // Leaving the loop by an error destroys the stream.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks, length)
  if (!isIntact(body, answer)) throw new StoreError('corrupt', 'the body is not what its ETag or length says')
  return body
}

/** In Node the SDK answers a stream of Node; its type also covers browsers. */
export function bodyOf (answer: GetObjectCommandOutput): Readable {
  return answer.Body as Readable
}

/** Bytes of the object, also where the answer is a range of it. */
export function wholeSize ({ ContentRange, ContentLength = 0 }: GetObjectCommandOutput): number {
  const whole = ContentRange?.split('/')[1]
  return whole === undefined ? ContentLength : Number(whole)
}

/** What an answer tells of its body. */
export type BodyFacts = Pick<GetObjectCommandOutput, 'ContentLength' | 'ETag' | 'SSECustomerAlgorithm' | 'ServerSideEncryption'>

export function isIntact (body: Buffer, answer: BodyFacts): boolean {
  if (answer.ContentLength !== undefined && answer.ContentLength !== body.length) return false
  const md5 = md5Of(answer)
  return md5 === undefined || md5 === hash('md5', body)
}

/** The ETag where it is an MD5: not after a multipart upload, nor with keys of the customer or of a key service. */
function md5Of ({ ETag, SSECustomerAlgorithm, ServerSideEncryption }: BodyFacts): string | undefined {
  const etag = unquote(ETag)
  const isOpaque = SSECustomerAlgorithm !== undefined || ServerSideEncryption?.startsWith('aws:kms') === true
  return /^[0-9a-f]{32}$/.test(etag) && !isOpaque ? etag : undefined
}

export function tooLarge (maxBytes: number): StoreError {
  return new StoreError('too_large', `more than ${maxBytes} bytes`)
}
