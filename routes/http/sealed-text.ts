import { createHash } from 'node:crypto'

const CHECKSUM_BYTES = 9

/** Writes JSON as text that is opaque to clients, for a URL. */
export function sealText (content: unknown): string {
  const bytes = Buffer.from(JSON.stringify(content))
  return `${bytes.toString('base64url')}.${checksum(bytes)}`
}

/** Reads the content of a sealed text. Returns `undefined` if the text is damaged. The caller must validate the content. */
export function openText (text: string): unknown {
  const [, encoded, check] = /^([\w-]+)\.([\w-]+)$/.exec(text) ?? []
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64url')
  if (bytes.toString('base64url') !== encoded || check !== checksum(bytes)) return undefined
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** The checksum detects damage. Anyone can compute it, so the content must not be trusted. */
function checksum (bytes: Buffer): string {
  return createHash('sha256').update('userlake cursor 1').update(bytes).digest().subarray(0, CHECKSUM_BYTES).toString('base64url')
}
