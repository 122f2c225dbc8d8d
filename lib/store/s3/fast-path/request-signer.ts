import { createHmac, hash } from 'node:crypto'

/** The credentials that sign requests. */
export interface SigningKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
/** The SHA-256 of an empty body, in hex. */
const NO_CONTENT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** The lengths of a block and of a digest of SHA-256, and the bytes with which HMAC pads the key. */
const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const [INNER_PAD, OUTER_PAD] = [0x36, 0x5c]

/**
 * Signs GET requests without a body by AWS Signature Version 4, with the same result as the signer of the SDK in a fifth of its CPU time: everything that
 * depends only on the second and on the credentials is computed once. HMACs (RFC 2104) are computed with `crypto.hash`, because objects of
 * `createHmac` have finalizers, survive minor garbage collections and take more CPU time than the hashing itself.
 */
export class RequestSigner {
  readonly #date: string
  /** The header `authorization` without the signature, which is its end. */
  readonly #authorization: string
  /** The line of the session token in the canonical request; empty without a token. */
  readonly #tokenLine: string
  readonly #signedHeaders: string
  readonly #host: string
  readonly #sessionToken: string | undefined
  /** The input of the inner hash: the key, then the text to sign, whose last part is the hash of the request in hex. */
  readonly #inner: Buffer
  /** The input of the outer hash: the key, then the inner hash. */
  readonly #outer: Buffer

  /** @param now the time of the requests, in milliseconds since 1970-01-01 UTC; its fraction of a second is not used */
  constructor ({ accessKeyId, secretAccessKey, sessionToken }: SigningKeys, { host, region, now }: { readonly host: string, readonly region: string, readonly now: number }) {
    this.#host = host
    this.#sessionToken = sessionToken
    this.#date = new Date(now).toISOString().replace(/\.\d+|[-:]/g, '')
    const day = this.#date.slice(0, 8)
    const scope = `${day}/${region}/s3/aws4_request`
    this.#tokenLine = sessionToken === undefined ? '' : `x-amz-security-token:${sessionToken}\n`
    this.#signedHeaders = `host;x-amz-content-sha256;x-amz-date${sessionToken === undefined ? '' : ';x-amz-security-token'}`
    this.#authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${this.#signedHeaders}, Signature=`
    const key = [day, region, 's3', 'aws4_request'].reduce<Buffer | string>((key, part) => createHmac('sha256', key).update(part).digest(), `AWS4${secretAccessKey}`) as Buffer
    this.#inner = Buffer.concat([pad(key, INNER_PAD), Buffer.from(`${ALGORITHM}\n${this.#date}\n${scope}\n`), Buffer.alloc(2 * DIGEST_BYTES)])
    this.#outer = Buffer.concat([pad(key, OUTER_PAD), Buffer.alloc(DIGEST_BYTES)])
  }

  /**
   * Returns the headers of a request: an array of names and values in turn.
   *
   * @param path percent-encoded
   * @param search the query without `?`, percent-encoded and in ascending order of the names
   */
  sign (path: string, search: string): string[] {
    const request = `GET\n${path}\n${search}\nhost:${this.#host}\nx-amz-content-sha256:${NO_CONTENT}\nx-amz-date:${this.#date}\n${this.#tokenLine}\n${this.#signedHeaders}\n${NO_CONTENT}`
    this.#inner.write(hash('sha256', request), this.#inner.length - 2 * DIGEST_BYTES, 'latin1')
    hash('sha256', this.#inner, 'buffer').copy(this.#outer, BLOCK_BYTES)
    const headers = ['host', this.#host, 'x-amz-content-sha256', NO_CONTENT, 'x-amz-date', this.#date, 'authorization', this.#authorization + hash('sha256', this.#outer)]
    if (this.#sessionToken !== undefined) headers.push('x-amz-security-token', this.#sessionToken)
    return headers
  }
}

/** The key of an HMAC, of at most BLOCK_BYTES bytes, as a block of which each byte is XORed with `value`. */
function pad (key: Buffer, value: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, value)
  for (let i = 0; i < key.length; i++) block[i]! ^= key[i]!
  return block
}
