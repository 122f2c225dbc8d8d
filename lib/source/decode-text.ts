import { isAscii, isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import type { InfoFormat, InputEncoding } from '../base/info-formats.js'
import { hintAtEncoding } from './hint.js'
import { rejection, type Rejection } from './reject.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })
const utf16le = new TextDecoder('utf-16le', { fatal: true })
const utf16be = new TextDecoder('utf-16be', { fatal: true })

/** The characters of Windows-1252 from 0x80 to 0x9f, where it differs from ISO-8859-1; a space for bytes that it does not define. */
const WINDOWS_1252 = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ'

/** Returns the text, without its byte order mark; `undefined` if the bytes are not text in this encoding. */
const DECODERS: Readonly<Record<InputEncoding, (body: Uint8Array) => string | undefined>> = {
  'utf-8': (body) => decodeBy(utf8, body),
  // Without a byte order mark, the order shows in the first character: one of ASCII in nearly all files. A file without such characters is not text with fields.
  'utf-16': (body) => body.includes(0) ? decodeBy(body[0] === 0xfe || body[0] === 0 ? utf16be : utf16le, body) : undefined,
  // Not by TextDecoder, which makes no difference between Windows-1252 and ISO-8859-1: both are decoded as the former, in some releases of Node as the latter.
  'windows-1252': (body) => {
    const text = decodeLatin1(body)?.replaceAll(/[\x80-\x9f]/g, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80]!)
    return text === undefined || body.some(isUndefinedIn1252) ? undefined : text
  },
  'iso-8859-1': decodeLatin1
}

/**
 * The encoding in which a file is decoded. JSON is UTF-8 (RFC 8259, section 8.1), whatever the encoding of the other files is; only JSON that is not valid UTF-8 is in the
 * encoding of the settings. UTF-16 may be valid UTF-8, too, but then has zeros, which JSON has not.
 */
export function encodingFor (body: Uint8Array, format: InfoFormat, encoding: InputEncoding): InputEncoding {
  return format === 'json' && isUtf8(body) && !body.includes(0) ? 'utf-8' : encoding
}

/** Decodes a file, without its byte order mark. Returns why it is rejected if it is not text in this encoding. */
export function decodeText (body: Uint8Array, encoding: InputEncoding): string | Rejection {
  const text = DECODERS[encoding](body)
  if (text !== undefined) return text
  return rejection(encoding === 'utf-8' ? 'invalid_utf8' : 'invalid_encoding', `The file is not ${encoding.toUpperCase()} text`, { hint: hintAtEncoding(body, encoding) })
}

function decodeBy (decoder: TextDecoder, body: Uint8Array): string | undefined {
  try {
    return decoder.decode(body)
  } catch {
    return undefined
  }
}

/** Decodes ISO-8859-1, in which any bytes are valid. A zero, a byte order mark, or characters beyond ASCII that are all valid UTF-8 show that a file has another encoding. */
function decodeLatin1 (body: Uint8Array): string | undefined {
  if (!isAscii(body) && isUtf8(body)) return undefined
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  return body.includes(0) || /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/.test(text) ? undefined : text
}

function isUndefinedIn1252 (byte: number): boolean {
  return byte >= 0x80 && byte <= 0x9f && WINDOWS_1252[byte - 0x80] === ' '
}
