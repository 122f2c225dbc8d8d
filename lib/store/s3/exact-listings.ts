import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { S3Client } from '@aws-sdk/client-s3'
import { StoreError } from '../object-store.js'

/**
 * Makes a client refuse or correct listings that its XML parser would read as other keys: the parser drops unknown entities, cuts the number of a character
 * beyond the Basic Multilingual Plane to 16 bits (such numbers are replaced by the character), replaces what is not UTF-8, and accepts control characters, which XML does not allow.
 */
export function readListingsExactly ({ config: { requestHandler } }: S3Client): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const result = await handle(request, options)
    const { response } = result
    if (request.query['list-type'] === undefined || response.statusCode !== 200 || response.body === undefined) return result
    response.body = Readable.from([Buffer.from(toExactXml(await buffer(response.body as Readable)))])
    return result
  }
}

const CHARACTER = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));|&/g
const MAX_BMP = 0xffff
/** XML 1.0, section 2.2, excludes these characters. Some servers write them as references (`&#1;`), which are read. */
const NO_XML = /[^\P{Cc}\t\n\r\x7f-\x9f]|[\ufffe\uffff]/u

/** Returns the same XML with the characters themselves in place of numbers beyond 0xffff. @throws StoreError `invalid_listing` */
function toExactXml (bytes: Buffer): string {
  let xml: string
  try {
    xml = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new StoreError('invalid_listing', 'the listing is not UTF-8', { cause: error })
  }
  if (NO_XML.test(xml)) throw new StoreError('invalid_listing', 'the listing has a control character, which XML does not allow')
  return xml.replaceAll(CHARACTER, (reference, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return reference
    // NaN for an ampersand that begins no reference.
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16)
    if (!(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) throw new StoreError('invalid_listing', 'the listing has a reference to an unknown character')
    return code > MAX_BMP ? String.fromCodePoint(code) : reference
  })
}
