import { DEFAULTS } from '../../lib/base/defaults.js'
import { INFO_FORMATS } from '../../lib/base/info-formats.js'
import { didYouMean } from '../../lib/base/nearest.js'
import type { DataVersion } from '../../lib/query/data-version.js'
import type { Schema } from '../../lib/schema/schema.js'
import type { UserDataTransformer } from '../../lib/transformer.js'
import { Problem, unavailable } from '../../plugins/problems/problem.js'
import { routeNamed } from '../../plugins/request-checks/route-hint.js'

/** The codes of rejects that are known to be read again soon. */
const UNREAD_CODES = ['download_failed', 'incomplete'] as const

/** The problem of a record whose info file is listed and could not be read yet, so that it is not known whether there is such a record; `undefined` if it is known. */
export function recordNotRead (id: string, transformer: UserDataTransformer): Problem | undefined {
  const [entry] = transformer.quarantine({ ids: [id], codes: UNREAD_CODES, limit: 1 }).entries()
  return entry?.last_good === null ? unavailable('record_not_read', `${entry.key} is in the lake and could not be read yet. ${entry.detail}`) : undefined
}

/**
 * The problem of a record that does not exist: 404, with the reason if its info file is rejected or only an image has its key; 503 if the file could not be read yet.
 *
 * @param imageExtensions those of image fields that declare none
 */
export async function recordNotFound (id: string, version: DataVersion, transformer: UserDataTransformer, schema: Schema, imageExtensions: readonly string[]): Promise<Problem> {
  const notRead = recordNotRead(id, transformer)
  if (notRead !== undefined) return notRead
  const [entry] = transformer.quarantine({ ids: [id], limit: 1 }).entries()
  const unknown = `There is no record ${JSON.stringify(id)}`
  if (entry === undefined) return new Problem(404, 'record_not_found', unknown + didYouMean(await pathWithoutExtension(id, version, schema, imageExtensions) ?? await pathWithOtherZeros(id, version, schema) ?? routeNamed(id)))
  const { key, code, detail, hint } = entry
  const reason = code === 'orphan' ? `${key} is an image without an info file` : `${key} is rejected (${code}): ${detail}`
  return new Problem(404, 'record_not_found', `${unknown}: ${reason}`, { members: { reject: { key, code, detail, hint } } })
}

/** The path of the image or record that is meant by an id with the extension of a file or of a response format, such as 1000.png; `undefined` if no such image or record exists. */
async function pathWithoutExtension (id: string, version: DataVersion, { key, imageFields }: Schema, imageExtensions: readonly string[]): Promise<string | undefined> {
  const images = imageFields.flatMap((field) => (field.extensions ?? imageExtensions).map((extension) => ({ extension, field: field.name })))
  const others = [...INFO_FORMATS, ...DEFAULTS.imageExtensions, 'ndjson', 'parquet'].map((extension) => ({ extension, field: undefined }))
  // The longest extension counts.
  const found = [...images, ...others].filter(({ extension }) => id.toLowerCase().endsWith(`.${extension}`)).sort((a, b) => b.extension.length - a.extension.length)
  for (const { extension, field } of found) {
    const record = id.slice(0, -extension.length - 1)
    const path = `/data/${encodeURIComponent(record)}`
    if (field !== undefined && await version.attachment(record, field) !== undefined) return field === imageFields[0]!.name ? `${path}/image` : `${path}/attachments/${encodeURIComponent(field)}`
    if ((await version.select({ columns: [key.name], filters: [{ column: key.name, op: 'equals', value: record }] })).count > 0) return path
  }
  return undefined
}

/** The maximum number of leading zeros that a suggested id may have. */
const MAX_ZEROS = 9

/** The path of the record whose id is the same number with more or fewer leading zeros, which spreadsheets remove; `undefined` if no such record exists. */
async function pathWithOtherZeros (id: string, version: DataVersion, { key: { name } }: Schema): Promise<string | undefined> {
  if (!/^\d+$/.test(id)) return undefined
  const digits = id.replace(/^0+(?=\d)/, '')
  const ids = Array.from({ length: MAX_ZEROS + 1 }, (_, zeros) => '0'.repeat(zeros) + digits)
  const { batches } = await version.select({ columns: [name], filters: [{ column: name, op: 'equals', value: ids }] })
  // The loop closes the stream of an engine.
  for await (const [row] of batches()) if (row !== undefined) return `/data/${String(row[0])}`
  return undefined
}
