import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const [INNER_PAD, OUTER_PAD] = [0x36, 0x5c]

type Data = string | ArrayBuffer | ArrayBufferView

/**
 * SHA-256 or, with a secret, HMAC-SHA-256 (RFC 2104), for the signer of the SDK. Each hash is one call of `crypto.hash`, because the objects of
 * `createHash` and `createHmac` have finalizers, survive minor garbage collections and take more CPU time than the hashing itself. The data is
 * buffered until `digest`, so it must be short.
 */
export class OneShotSha256 {
  readonly #secret: Data | undefined
  #data: Buffer = NO_DATA

  constructor (secret?: Data) {
    this.#secret = secret
  }

  update (data: Data): void {
    const added = toBuffer(data)
    this.#data = this.#data.length === 0 ? added : Buffer.concat([this.#data, added])
  }

  async digest (): Promise<Uint8Array> {
    if (this.#secret === undefined) return sha256(this.#data)
    if (typeof this.#secret !== 'string') return hmac(toBuffer(this.#secret), this.#data)
    // For each request the signer computes the same HMAC of the credentials, to look up the signing key of the day.
    if (last.secret !== this.#secret || !this.#data.equals(last.data)) {
      last = { secret: this.#secret, data: Buffer.from(this.#data), digest: hmac(toBuffer(this.#secret), this.#data) }
    }
    return Uint8Array.from(last.digest)
  }
}

const NO_DATA = Buffer.alloc(0)

/** The last HMAC whose secret is a string. */
let last = { secret: '', data: NO_DATA, digest: hmac(NO_DATA, NO_DATA) }

function hmac (secret: Buffer, data: Buffer): Buffer {
  const key = secret.length > BLOCK_BYTES ? sha256(secret) : secret
  return sha256(Buffer.concat([pad(key, OUTER_PAD), sha256(Buffer.concat([pad(key, INNER_PAD), data]))]))
}

function sha256 (data: Buffer): Buffer {
  return hash('sha256', data, 'buffer')
}

function pad (key: Buffer, value: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, value)
  for (let i = 0; i < key.length; i++) block[i]! ^= key[i]!
  return block
}

function toBuffer (data: Data): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}
