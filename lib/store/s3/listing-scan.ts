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
  const scanEntry = entryScanner(text)
  const isRead = readElements(text, root.length, text.length - END.length, (name, start, end) => {
    if (name !== 'Contents') return note(facts, name, text.slice(start, end))
    const object = scanEntry(start, end)
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

/** What all servers tell of an object, in the order in which they do. */
const OPEN = ['<Key>', '<LastModified>', '<ETag>', '<Size>'] as const
const BETWEEN = ['</Key><LastModified>', '</LastModified><ETag>', '</ETag><Size>', '</Size>'] as const

/** Reads what stands between `<Contents>` and its end. */
function entryScanner (text: string): (from: number, to: number) => ObjectInfo | undefined {
  let lastTail = ''
  return (from, to) => {
    // The usual order needs no names to be looked up.
    const key = from + OPEN[0].length
    const keyEnd = text.indexOf('<', key)
    const modified = keyEnd + BETWEEN[0].length
    const modifiedEnd = text.indexOf('<', modified)
    const etag = modifiedEnd + BETWEEN[1].length
    const etagEnd = text.indexOf('<', etag)
    const size = etagEnd + BETWEEN[2].length
    const sizeEnd = text.indexOf('<', size)
    const tail = sizeEnd + BETWEEN[3].length
    const isUsual = text.startsWith(OPEN[0], from) && text.startsWith(BETWEEN[0], keyEnd) && text.startsWith(BETWEEN[1], modifiedEnd) &&
      text.startsWith(BETWEEN[2], etagEnd) && text.startsWith(BETWEEN[3], sizeEnd) && tail <= to
    if (!isUsual) return scanAnyEntry(text, from, to)
    // What follows is the same for all, or nearly so.
    if (tail + lastTail.length !== to || !text.startsWith(lastTail, tail)) {
      if (!readElements(text, tail, to, (name) => !OPEN.includes(`<${name}>` as never))) return undefined
      lastTail = text.slice(tail, to)
    }
    return toObject(text.slice(key, keyEnd), text.slice(size, sizeEnd), text.slice(modified, modifiedEnd), text.slice(etag, etagEnd))
  }
}

/** An entry in another order, or without an ETag. */
function scanAnyEntry (text: string, from: number, to: number): ObjectInfo | undefined {
  const facts = new Map<string, string>()
  const isRead = readElements(text, from, to, (name, start, end) => name === 'Owner' || note(facts, name, text.slice(start, end)))
  const [key, size, modified] = ['Key', 'Size', 'LastModified'].map((name) => facts.get(name))
  return isRead && key !== undefined && size !== undefined && modified !== undefined ? toObject(key, size, modified, facts.get('ETag')) : undefined
}

function toObject (encodedKey: string, size: string, modified: string, quotedEtag: string | undefined): ObjectInfo | undefined {
  const key = decodeKey(encodedKey)
  const etag = quotedEtag?.startsWith('&quot;') && quotedEtag.endsWith('&quot;') ? `"${quotedEtag.slice(6, -6)}"` : quotedEtag?.replaceAll('&#34;', '"')
  if (key === undefined || !/^\d+$/.test(size) || !INSTANT.test(modified) || etag?.includes('&')) return undefined
  return toInfo(key, Number(size), { ETag: etag, LastModified: Date.parse(modified) })
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
