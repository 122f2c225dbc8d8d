import type { ObjectInfo } from '../object-store.js'
import type { ListingPage } from './s3-listing.js'
import { toInfo } from './s3-object.js'

const ROOT = /^(?:<\?xml [^>]*\?>\s*)?<ListBucketResult(?: [^>]*)?>/
const END = '</ListBucketResult>'
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

/**
 * Reads an answer to ListObjectsV2 without building a document of it, which costs a tenth. `undefined` for whatever is not
 * just as S3 servers write it, or not complete: it is for a real parser to say what it is.
 */
export function scanListing (xml: string): ListingPage | undefined {
  const text = xml.trimEnd()
  const [root] = ROOT.exec(text) ?? []
  if (root === undefined || !text.endsWith(END)) return undefined
  const objects: ObjectInfo[] = []
  const facts = new Map<string, string>()
  const isRead = readElements(text, root.length, text.length - END.length, (name, start, end) => {
    if (name !== 'Contents') return note(facts, name, text.slice(start, end))
    const object = scanEntry(text, start, end)
    return object !== undefined && objects.push(object) > 0
  })
  if (!isRead || facts.get('EncodingType') !== 'url' || Number(facts.get('KeyCount') ?? objects.length) !== objects.length) return undefined
  const next = facts.get('NextContinuationToken')
  switch (facts.get('IsTruncated')) {
    case 'false': return { objects, next: undefined }
    case 'true': return next === undefined || next === '' || next.includes('&') ? undefined : { objects, next }
    default: return undefined
  }
}

function scanEntry (text: string, from: number, to: number): ObjectInfo | undefined {
  const facts = new Map<string, string>()
  const isRead = readElements(text, from, to, (name, start, end) => name === 'Owner' || note(facts, name, text.slice(start, end)))
  const [key, size, modified] = [decodeKey(facts.get('Key')), facts.get('Size'), facts.get('LastModified')]
  const etag = facts.get('ETag')?.replaceAll('&quot;', '"').replaceAll('&#34;', '"')
  if (!isRead || key === undefined || size === undefined || !/^\d+$/.test(size)) return undefined
  if (modified === undefined || !INSTANT.test(modified) || etag?.includes('&')) return undefined
  return toInfo(key, Number(size), { ETag: etag, LastModified: new Date(modified) })
}

/** Each element only once, and not within another one. */
function note (facts: Map<string, string>, name: string, text: string): boolean {
  if (facts.has(name) || text.includes('<')) return false
  facts.set(name, text)
  return true
}

/** Elements whose content is elements. */
const NESTED = ['Contents', 'Owner']

/** Passes on one element after the other, and where its content is; answers whether it was nothing but elements and space. */
function readElements (text: string, from: number, to: number, onElement: (name: string, start: number, end: number) => boolean): boolean {
  for (let at = skipSpace(text, from); at < to; at = skipSpace(text, at)) {
    if (text.charCodeAt(at) !== 0x3c) return false
    const start = text.indexOf('>', at) + 1
    const name = text.slice(at + 1, start - 1)
    if (start === 0 || !/^\w+\/?$/.test(name)) return false
    if (name.endsWith('/')) {
      at = start
      continue
    }
    const close = `</${name}>`
    const end = NESTED.includes(name) ? text.indexOf(close, start) : text.indexOf('<', start)
    if (end === -1 || end > to || !text.startsWith(close, end) || !onElement(name, start, end)) return false
    at = end + close.length
  }
  return true
}

function skipSpace (text: string, at: number): number {
  while (text.charCodeAt(at) <= 0x20) at++
  return at
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
