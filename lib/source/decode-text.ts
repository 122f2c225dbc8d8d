import { hintAtEncoding } from './hint.js'
import { rejection, type Rejection } from './reject.js'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Decodes a file, without its byte order mark. Returns why it is rejected if it is not UTF-8 text. */
export function decodeText (body: Uint8Array): string | Rejection {
  try {
    return decoder.decode(body)
  } catch {
    return rejection('invalid_utf8', 'The file is not UTF-8 text', { hint: hintAtEncoding(body) })
  }
}
