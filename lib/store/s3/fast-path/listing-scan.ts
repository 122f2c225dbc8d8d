import type { ObjectList } from '../../object-list.js'
import type { ObjectInfo } from '../../object-store.js'
import type { ListingPage } from '../s3-listing.js'
import { decodeKey, isSize, toInfo } from '../s3-object.js'

const ROOT = /^(?:<\?xml [^>]*\?>\s*)?<ListBucketResult(?: [^>]*)?>/
/** The start tag of the root element must end within this number of bytes. */
const MAX_ROOT_BYTES = 1024
const END = Buffer.from('</ListBucketResult>')
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

/**
 * Parses a response to ListObjectsV2 without building a document or strings, in a twentieth of the CPU time of the SDK. Returns `undefined` if
 * the response is incomplete or in a form that S3 servers do not usually produce; the caller then uses an XML parser.
 *
 * @param objects is cleared, and then receives the objects of the page
 */
export function scanListing (xml: Buffer, objects: ObjectList): ListingPage | undefined {
  let end = xml.length
  while (xml[end - 1]! <= SPACE) end--
  end -= END.length
  const [root] = ROOT.exec(xml.toString('latin1', 0, MAX_ROOT_BYTES)) ?? []
  if (root === undefined || end < root.length || !hasAt(xml, end, END)) return undefined
  objects.clear()
  const values = new Map<string, string>()
  const scanUsualEntry = usualEntryScanner(xml, objects)
  let at = root.length
  while (at < end) {
    const next = scanUsualEntry(at)
    if (next !== -1) {
      at = next
      continue
    }
    const element = readElement(xml, at, end)
    if (element === undefined) return undefined
    const { name, content, next: after } = element
    if (name === 'Contents' ? !scanAnyEntry(xml, content, objects) : name !== '' && !addValue(values, name, xml, content)) return undefined
    at = after
  }
  if (values.get('EncodingType') !== 'url' || Number(values.get('KeyCount') ?? objects.length) !== objects.length) return undefined
  const next = values.get('NextContinuationToken')
  switch (values.get('IsTruncated')) {
    case 'false': return { objects, next: undefined }
    case 'true': return next === undefined || next === '' || next.includes('&') ? undefined : { objects, next }
    default: return undefined
  }
}

/** Finds the token of the next page without reading the page; `undefined` if the page has none. */
export function findToken (xml: Buffer): string | undefined {
  const start = xml.indexOf(TOKEN) + TOKEN.length
  const end = xml.indexOf('<', start)
  return start < TOKEN.length || end === -1 ? undefined : xml.toString('utf8', start, end)
}

const TOKEN = '<NextContinuationToken>'

/** Finds the last key of a page without reading the page; `undefined` if the page has no key, or one in an unusual form. */
export function findLastKey (xml: Buffer): string | undefined {
  const start = xml.lastIndexOf('<Key>') + '<Key>'.length
  const end = xml.indexOf('<', start)
  if (start < '<Key>'.length || end === -1) return undefined
  const encoded = xml.toString('utf8', start, end)
  return decodeUsualKey(encoded)
}

/** Decodes a URL-encoded key. Returns `undefined` if the result is not UTF-8, or if the key is not URL-encoded: it has a character other than printable ASCII, or a character reference of XML such as `&amp;`. */
function decodeUsualKey (encoded: string): string | undefined {
  return /[^ -~]|&/.test(encoded) ? undefined : decodeKey(encoded)
}

const [SPACE, QUOTE, PERCENT, AMPERSAND, PLUS, LESS] = [0x20, 0x22, 0x25, 0x26, 0x2b, 0x3c]

/** The tags of an entry, in the order in which servers usually write them. */
const KEY = Buffer.from('<Contents><Key>')
const MODIFIED = Buffer.from('</Key><LastModified>')
const ETAG = Buffer.from('</LastModified><ETag>')
const SIZE = Buffer.from('</ETag><Size>')
const REST = Buffer.from('</Size>')
const CLOSE = Buffer.from('</Contents>')
const END_OF_ENTRY = Buffer.concat([REST, CLOSE])
/** How servers write the quotes around an ETag. */
const QUOTES = ['&quot;', '&#34;', '"'].map((text) => Buffer.from(text))

/**
 * Returns a function for entries in the usual form: it adds the entry at an offset to the objects and returns the offset of its end. For an entry
 * in another form, which needs `scanAnyEntry`, it returns -1.
 */
function usualEntryScanner (xml: Buffer, objects: ObjectList): (at: number) => number {
  const timeOf = instantReader(xml)
  const key = { bytes: xml, start: 0, end: 0 }
  const etag = { bytes: xml, start: 0, end: 0 }
  // The quote and the rest of the previous entry are tried first, because most entries of a page have the same.
  let quote = QUOTES[0]!
  let rest: Uint8Array = END_OF_ENTRY
  return (at) => {
    if (!hasAt(xml, at, KEY)) return -1
    key.start = at + KEY.length
    let i = key.start
    for (let byte = xml[i]!; byte !== LESS; byte = xml[++i]!) if (byte < SPACE || byte === PERCENT || byte === PLUS || byte === AMPERSAND || byte >= 0x80 || i === xml.length) return -1
    key.end = i
    if (!hasAt(xml, i, MODIFIED)) return -1
    const modified = i += MODIFIED.length
    while (xml[i]! !== LESS && i < xml.length) i++
    const time = timeOf(modified, i)
    if (time === -1 || !hasAt(xml, i, ETAG)) return -1
    i += ETAG.length
    if (!hasAt(xml, i, quote)) quote = QUOTES.find((quote) => hasAt(xml, i, quote)) ?? quote
    if (!hasAt(xml, i, quote)) return -1
    etag.start = i += quote.length
    for (let byte = xml[i]!; byte !== LESS && byte !== AMPERSAND && byte !== QUOTE && i < xml.length;) byte = xml[++i]!
    etag.end = i
    if (etag.end === etag.start || !hasAt(xml, i, quote) || !hasAt(xml, i + quote.length, SIZE)) return -1
    const digits = i += quote.length + SIZE.length
    let size = 0
    for (let digit = xml[i]! - 0x30; digit >= 0 && digit <= 9; digit = xml[++i]! - 0x30) size = size * 10 + digit
    if (i === digits || size > Number.MAX_SAFE_INTEGER) return -1
    if (!hasAt(xml, i, rest)) {
      const found = restOfEntry(xml, i)
      if (found === undefined) return -1
      rest = found
    }
    objects.pushBytes(key, etag, size, time)
    return i + rest.length
  }
}

/** The bytes from the end of the size to the end of the entry; `undefined` if they contain an element that is read, or are not well-formed. */
function restOfEntry (xml: Buffer, at: number): Uint8Array | undefined {
  const end = xml.indexOf(CLOSE, at)
  if (end === -1 || !hasAt(xml, at, REST)) return undefined
  const names = elementNames(xml, at + REST.length, end)
  return names?.every((name) => !READ_ELEMENTS.includes(name)) ? xml.subarray(at, end + CLOSE.length) : undefined
}

/** The elements of an entry that are read. All others are ignored. */
const READ_ELEMENTS = ['Key', 'LastModified', 'ETag', 'Size']

function elementNames (xml: Buffer, from: number, to: number): string[] | undefined {
  const names: string[] = []
  for (let at = from; at < to;) {
    const element = readElement(xml, at, to)
    if (element === undefined) return undefined
    if (element.name !== '') names.push(element.name)
    at = element.next
  }
  return names
}

/**
 * Returns a function that parses a time such as 2025-06-15T12:15:30.000Z to milliseconds since 1970-01-01 UTC, cut to the second: some servers list
 * milliseconds, which the headers of HEAD and GET do not have. It returns -1 for any other form.
 */
function instantReader (xml: Buffer): (start: number, end: number) => number {
  let day = ''
  let midnight = 0
  const two = (at: number) => {
    const [tens, ones] = [xml[at]! - 0x30, xml[at + 1]! - 0x30]
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN
  }
  return (start, end) => {
    const [dot, z] = [xml[start + 19], xml[end - 1]]
    if (end - start !== 24 || dot !== 0x2e || z !== 0x5a || xml[start + 10] !== 0x54 || xml[start + 13] !== 0x3a || xml[start + 16] !== 0x3a) return -1
    if (!hasTextAt(xml, start, day)) {
      day = xml.toString('latin1', start, start + 10)
      midnight = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN
    }
    const [hour, minute, second, milliseconds] = [two(start + 11), two(start + 14), two(start + 17), two(start + 20) * 10 + two(start + 21) % 10]
    if (!(hour < 24 && minute < 60 && second < 60 && milliseconds >= 0)) return -1
    const time = midnight + ((hour * 60 + minute) * 60 + second) * 1000
    return time >= 0 ? time : -1
  }
}

/** Adds an entry whose elements are in any order, which may lack the ETag, and whose key may be encoded. Returns false if it is not a valid entry. */
function scanAnyEntry (xml: Buffer, { start, end }: Span, objects: ObjectList): boolean {
  const values = new Map<string, string>()
  for (let at = start; at < end;) {
    const element = readElement(xml, at, end)
    if (element === undefined) return false
    const { name, content, next } = element
    if (name !== '' && name !== 'Owner' && !addValue(values, name, xml, content)) return false
    at = next
  }
  const [key, size, modified] = ['Key', 'Size', 'LastModified'].map((name) => values.get(name))
  const object = key === undefined || size === undefined || modified === undefined ? undefined : toObject(key, size, modified, values.get('ETag'))
  if (object !== undefined) objects.push(object)
  return object !== undefined
}

function toObject (encodedKey: string, size: string, modified: string, quotedEtag: string | undefined): ObjectInfo | undefined {
  const key = decodeUsualKey(encodedKey)
  const etag = quotedEtag?.startsWith('&quot;') && quotedEtag.endsWith('&quot;') ? `"${quotedEtag.slice(6, -6)}"` : quotedEtag?.replaceAll('&#34;', '"')
  if (key === undefined || !/^\d+$/.test(size) || !INSTANT.test(modified) || etag?.includes('&')) return undefined
  const time = Date.parse(modified)
  return isSize(Number(size)) && !Number.isNaN(time) ? toInfo(key, Number(size), { ETag: etag, LastModified: time }) : undefined
}

interface Span { readonly start: number, readonly end: number }
interface Element { readonly name: string, readonly content: Span, readonly next: number }

/** Elements that contain elements. */
const NESTED = ['Contents', 'Owner']

/**
 * Reads the element at an offset, after any white space. The name of the result is empty if the element has no content (`<Name/>`) or if only
 * white space is left. Returns `undefined` if there is anything but an element without attributes.
 */
function readElement (xml: Buffer, from: number, to: number): Element | undefined {
  let at = from
  while (at < to && xml[at]! <= SPACE) at++
  if (at === to) return { name: '', content: { start: to, end: to }, next: to }
  const start = xml.indexOf('>', at) + 1
  if (xml[at] !== LESS || start === 0 || start > to) return undefined
  const name = xml.toString('latin1', at + 1, start - 1)
  if (!/^\w+\/?$/.test(name)) return undefined
  if (name.endsWith('/')) return { name: '', content: { start, end: start }, next: start }
  const close = `</${name}>`
  const end = xml.indexOf(NESTED.includes(name) ? close : '<', start)
  if (end === -1 || end + close.length > to || !hasTextAt(xml, end, close)) return undefined
  return { name, content: { start, end }, next: end + close.length }
}

/** Adds the text of an element to `values`. Returns false if the element occurs twice or contains another element. */
function addValue (values: Map<string, string>, name: string, xml: Buffer, { start, end }: Span): boolean {
  const text = xml.toString('utf8', start, end)
  if (values.has(name) || text.includes('<')) return false
  values.set(name, text)
  return true
}

function hasAt (xml: Buffer, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (xml[at + i] !== bytes[i]) return false
  return true
}

function hasTextAt (xml: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (xml[at + i] !== text.charCodeAt(i)) return false
  return text !== ''
}
