import { parseCsv } from './csv-file.js'
import { decodeText } from './decode-text.js'
import { gunzip } from './gunzip.js'
import type { ParsedFile, ParseOptions } from './info-columns.js'
import { parseJson } from './json-file.js'

export type { ParsedFile } from './info-columns.js'

/** Parses an info file of at most MAX_INFO_BYTES. What it is unpacked to has the same limit. */
export function parseInfoFile (body: Uint8Array, options: ParseOptions): ParsedFile {
  const { format } = options
  const unpacked = format === 'csv.gz' ? gunzip(body) : body
  if ('code' in unpacked) return { rejection: unpacked }
  const text = decodeText(unpacked, options.encoding)
  if (typeof text !== 'string') return { rejection: text }
  if (format === 'json') return parseJson(text, options)
  return parseCsv(text, format === 'tsv' ? { ...options, delimiter: '\t' } : options)
}
