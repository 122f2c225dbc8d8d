import { gunzipSync } from 'node:zlib'
import { rejection, type Rejection } from './reject.js'
import { MAX_INFO_BYTES } from './rules.js'

/** Unpacks a gzip file. Returns why it is rejected if it is damaged, or would have more than MAX_INFO_BYTES; the memory that it takes is bounded in any case. */
export function gunzip (body: Uint8Array): Uint8Array | Rejection {
  if (body.length === 0) return body // the parser rejects it, as in any format, as an empty file
  try {
    return gunzipSync(body, { maxOutputLength: MAX_INFO_BYTES })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      return rejection('too_large', `The decompressed file is larger than ${MAX_INFO_BYTES} bytes, the maximum for an info file`, {
        hint: 'An info file has the fields of one record: split the file, or check what was compressed'
      })
    }
    const isGzip = body[0] === 0x1f && body[1] === 0x8b
    return rejection('malformed_gzip', `The file cannot be decompressed: ${message}`, {
      hint: isGzip ? 'The file is damaged or incomplete: upload it again' : 'The file is not gzip: compress it, or upload it with a name that ends in .csv'
    })
  }
}
