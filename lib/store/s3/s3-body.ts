import { hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { StoreError, type ByteRange } from '../object-store.js'
import { unquote } from './s3-object.js'

/**
 * Reads the whole body of a response. After a failure the stream is destroyed, because an unread body would occupy its connection forever.
 *
 * @throws StoreError `too_large` as soon as the body exceeds `maxBytes`; `corrupt` if its length or MD5 differs from the headers
 */
export async function readResponseBody (response: GetObjectCommandOutput, maxBytes: number): Promise<Buffer> {
  const stream = bodyOf(response)
  const chunks: Buffer[] = []
  let length = 0
  if ((response.ContentLength ?? 0) > maxBytes) {
    stream.destroy()
    throw tooLarge(maxBytes)
  }
  // An error that is thrown in the loop destroys the stream.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks, length)
  if (!isIntact(body, response)) throw new StoreError('corrupt', 'the body does not match its ETag or its length')
  return body
}

/** The body as a stream of Node: the type of the SDK also covers browsers. */
export function bodyOf (response: GetObjectCommandOutput): Readable {
  return response.Body as Readable
}

/** The size of the whole object in bytes, even if the response contains only a range of it. */
export function wholeSize ({ ContentRange, ContentLength = 0 }: GetObjectCommandOutput): number {
  const whole = ContentRange?.split('/')[1]
  return whole === undefined ? ContentLength : Number(whole)
}

/** Whether a response contains the bytes of this range only, which may end after the object. */
export function isRange ({ ContentRange, ContentLength = Infinity }: GetObjectCommandOutput, { first, last }: ByteRange): boolean {
  return ContentLength <= last - first + 1 && (ContentRange === undefined ? first === 0 : ContentRange.startsWith(`bytes ${first}-`))
}

/** The headers by which a body is verified. */
export type BodyHeaders = Pick<GetObjectCommandOutput, 'ContentLength' | 'ETag' | 'SSECustomerAlgorithm' | 'ServerSideEncryption'>

/** Whether the body has the length in the headers and, if the ETag is an MD5, that MD5. */
export function isIntact (body: Buffer, headers: BodyHeaders): boolean {
  if (headers.ContentLength !== undefined && headers.ContentLength !== body.length) return false
  const md5 = md5Of(headers)
  return md5 === undefined || md5 === hash('md5', body)
}

/** The ETag if it is the MD5 of the object. It is not after a multipart upload, nor with encryption by customer keys or by AWS KMS. */
function md5Of ({ ETag, SSECustomerAlgorithm, ServerSideEncryption }: BodyHeaders): string | undefined {
  const etag = unquote(ETag)
  const isOpaque = SSECustomerAlgorithm !== undefined || ServerSideEncryption?.startsWith('aws:kms') === true
  return /^[0-9a-f]{32}$/.test(etag) && !isOpaque ? etag : undefined
}

/** The error of a body of more than `maxBytes` bytes. */
export function tooLarge (maxBytes: number): StoreError {
  return new StoreError('too_large', `more than ${maxBytes} bytes`)
}
