import type { ObjectInfo } from '../../lib/store/object-list.js'

/** A page of a listing as the plain reference reads it. */
export interface ReferencePage {
  readonly objects: readonly ObjectInfo[]
  readonly next: string | undefined
}

interface Element { readonly name: string, readonly text: string, readonly children: readonly Element[] }

class Malformed extends Error {}

/** Reads a response to ListObjectsV2 as plainly as possible. Returns `undefined` if it is not well-formed, not a listing, or incomplete. */
export function readListingReference (xml: Buffer): ReferencePage | undefined {
  try {
    return toPage(parseDocument(new TextDecoder('utf-8', { fatal: true }).decode(xml)))
  } catch (error) {
    if (error instanceof Malformed || error instanceof TypeError) return undefined
    throw error
  }
}

function check (isValid: boolean): asserts isValid {
  if (!isValid) throw new Malformed()
}

function toPage ({ name, children }: Element): ReferencePage {
  check(name === 'ListBucketResult')
  const single = (elements: readonly Element[], name: string): string | undefined => {
    const found = elements.filter((element) => element.name === name)
    check(found.length <= 1 && (found[0]?.children.length ?? 0) === 0)
    return found[0]?.text
  }
  const isEncoded = single(children, 'EncodingType') === 'url'
  const objects = children.filter(({ name }) => name === 'Contents').map(({ children }): ObjectInfo => {
    const [key, size, modified, etag = ''] = ['Key', 'Size', 'LastModified', 'ETag'].map((name) => single(children, name))
    check(key !== undefined && key !== '' && size !== undefined && /^\d+$/.test(size) && Number.isSafeInteger(Number(size)))
    check(modified !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(modified) && !Number.isNaN(Date.parse(modified)))
    const info = { key: isEncoded ? decode(key) : key, etag: etag.replace(/^(?:W\/)?"(.*)"$/s, '$1'), size: Number(size), lastModified: Math.floor(Date.parse(modified) / 1000) * 1000 }
    return info.etag === '' ? { ...info, racy: true } : info
  })
  const [isTruncated, next, keyCount = objects.length] = ['IsTruncated', 'NextContinuationToken', 'KeyCount'].map((name) => single(children, name))
  check((isTruncated === 'true' && !!next) || isTruncated === 'false')
  check(Number(keyCount) === objects.length)
  return { objects, next: isTruncated === 'true' ? next : undefined }
}

function decode (key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    throw new Malformed()
  }
}

/** White space, a comment or a processing instruction. */
const IGNORED = /^(?:\s+|<!--(?:(?!--)[^])*-->|<\?[\w-]+(?:\s(?:(?!\?>)[^])*)?\?>)/
const START = /^<([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/

/** Parses an XML document that has no DOCTYPE. */
function parseDocument (xml: string): Element {
  let rest = xml.replace(/^\uFEFF/, '')
  // XML 1.0 excludes these characters.
  check(!/[^\P{Cc}\t\n\r\x7f-\x9f]|[\ufffe\uffff]/u.test(rest))
  const skip = () => { for (let found; (found = IGNORED.exec(rest)) !== null;) rest = rest.slice(found[0].length) }
  const readElement = (): Element => {
    const [tag, name, , isEmpty] = START.exec(rest) ?? []
    check(tag !== undefined)
    rest = rest.slice(tag.length)
    const element = { name: name!, text: '', children: [] as Element[] }
    if (isEmpty === '/') return element
    while (!rest.startsWith('</')) {
      const [found] = IGNORED.exec(rest.startsWith('<') ? rest : '') ?? []
      if (found !== undefined) rest = rest.slice(found.length)
      else if (rest.startsWith('<![CDATA[')) {
        const end = rest.indexOf(']]>')
        check(end !== -1)
        element.text += rest.slice(9, end)
        rest = rest.slice(end + 3)
      } else if (rest.startsWith('<')) element.children.push(readElement())
      else {
        const [text] = /^[^<]+/.exec(rest) ?? []
        check(text !== undefined && !text.includes(']]>'))
        element.text += unescape(text)
        rest = rest.slice(text.length)
      }
    }
    const [close] = new RegExp(`^</${name!.replaceAll('.', '\\.')}\\s*>`).exec(rest) ?? []
    check(close !== undefined)
    rest = rest.slice(close.length)
    return element
  }
  skip()
  const root = readElement()
  skip()
  check(rest === '')
  return root
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape (text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(/&(?:#x([\da-fA-F]{1,6})|#(\d{1,7})|(\w+));|&/g, (_, hex?: string, decimal?: string, name?: string) => {
    const code = hex !== undefined ? parseInt(hex, 16) : Number(decimal)
    if (name !== undefined) check(Object.hasOwn(ENTITIES, name))
    else check(code < 0xd800 || (code > 0xdfff && code <= 0x10ffff)) // servers also write characters that XML 1.0 excludes
    return name !== undefined ? ENTITIES[name]! : String.fromCodePoint(code)
  })
}
