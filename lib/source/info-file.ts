import { parseCsv } from './csv-file.js'
import { decodeText, encodingFor } from './decode-text.js'
import { gunzip } from './gunzip.js'
import type { ParsedFile, ParseOptions } from './info-columns.js'
import { parseJson } from './json-file.js'
import { rejection } from './reject.js'

export type { ParsedFile } from './info-columns.js'

/** Parses an info file of at most MAX_INFO_BYTES. The same limit applies to its decompressed text. */
export function parseInfoFile (body: Uint8Array, options: ParseOptions): ParsedFile {
  const { format, schema: { key }, id } = options
  const mistake = key.descriptor.constraints && key.read(id).mistake
  if (mistake !== undefined) return { rejection: rejection('invalid_value', `The name of the file without its extension, ${key.name}, ${mistake}`, { column: key.name, excerpt: id }) }
  const unpacked = format === 'csv.gz' ? gunzip(body) : body
  if ('code' in unpacked) return { rejection: unpacked }
  const text = decodeText(unpacked, encodingFor(unpacked, format, options.encoding))
  if (typeof text !== 'string') return { rejection: text }
  return format === 'json' ? parseJson(text, options) : parseCsv(text, format === 'tsv' ? { ...options, delimiter: '\t' } : options)
}
