import type { ObjectInfo } from '../object-store.js'
import type { ListingPage } from './s3-listing.js'
import { toInfo } from './s3-object.js'

const OPEN = '<Contents>'
const CLOSE = '</Contents>'

/**
 * Reads an answer to ListObjectsV2 without building a document of it, which costs a twentieth. `undefined` for whatever is
 * not just as S3 servers write it, or not complete: it is for a real parser to say what it is.
 */
export function scanListing (xml: string): ListingPage | undefined {
  const text = xml.trimEnd()
  const first = text.indexOf(OPEN)
  const last = text.lastIndexOf(CLOSE)
  // What is said of the listing stands around its entries.
  const frame = first === -1 ? text : text.slice(0, first) + text.slice(last + CLOSE.length)
  if (!/^(<\?xml [^>]*\?>\s*)?<ListBucketResult( [^>]*)?>/.test(frame) || !frame.endsWith('</ListBucketResult>')) return undefined
  if (frame.includes('<!') || elementOf(frame, 'EncodingType') !== 'url') return undefined
  const objects = first === -1 ? [] : scanEntries(text, first, last + CLOSE.length)
  const count = elementOf(frame, 'KeyCount')
  if (objects === undefined || (count !== undefined && Number(count) !== objects.length)) return undefined
  const isTruncated = elementOf(frame, 'IsTruncated')
  if (isTruncated === 'false') return { objects, next: undefined }
  const next = elementOf(frame, 'NextContinuationToken')
  return isTruncated === 'true' && next !== undefined && !next.includes('&') ? { objects, next } : undefined
}

function scanEntries (text: string, from: number, to: number): ObjectInfo[] | undefined {
  const objects: ObjectInfo[] = []
  for (let start = from; start < to;) {
    const end = text.indexOf(CLOSE, start)
    const object = scanEntry(text.slice(start, end))
    if (object === undefined) return undefined
    objects.push(object)
    start = end + CLOSE.length
    while (start < to && text.charCodeAt(start) <= 0x20) start++ // MinIO writes none, others do
    if (start < to && !text.startsWith(OPEN, start)) return undefined
  }
  return objects
}

function scanEntry (entry: string): ObjectInfo | undefined {
  const key = decodeKey(elementOf(entry, 'Key'))
  const size = elementOf(entry, 'Size')
  const modified = Date.parse(elementOf(entry, 'LastModified') ?? '')
  const etag = elementOf(entry, 'ETag')?.replaceAll('&quot;', '"').replaceAll('&#34;', '"')
  if (key === undefined || size === undefined || !/^\d+$/.test(size) || Number.isNaN(modified) || etag?.includes('&') || entry.includes('<!')) return undefined
  return toInfo(key, Number(size), { ETag: etag, LastModified: new Date(modified) })
}

/** The text of the one element of this name. */
function elementOf (xml: string, name: string): string | undefined {
  const open = `<${name}>`
  const start = xml.indexOf(open)
  if (start === -1) return undefined
  const end = xml.indexOf(`</${name}>`, start)
  if (end === -1 || xml.includes(open, end)) return undefined
  const text = xml.slice(start + open.length, end)
  return text.includes('<') ? undefined : text
}

function decodeKey (encoded: string | undefined): string | undefined {
  if (encoded === undefined || encoded.includes('&')) return undefined
  if (!/[%+]/.test(encoded)) return encoded
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
