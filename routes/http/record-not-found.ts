import { DEFAULTS } from '../../lib/base/defaults.js'
import { INFO_FORMATS } from '../../lib/base/info-formats.js'
import { didYouMean } from '../../lib/base/nearest.js'
import type { Schema } from '../../lib/schema/schema.js'
import type { UserDataTransformer } from '../../lib/transformer.js'
import { Problem, unavailable } from '../../plugins/problems/problem.js'
import { routeNamed } from '../../plugins/request-checks/route-hint.js'

/** An id that ends in the extension of an info file, of an image, or of a format of responses. */
const EXTENSION = new RegExp(`^(.+?)\\.(${[...INFO_FORMATS, ...DEFAULTS.imageExtensions, 'ndjson', 'parquet'].join('|').replaceAll('.', '\\.')})$`, 'i')

/** The codes of rejects that are known to be read again soon. */
const UNREAD_CODES = ['download_failed', 'incomplete'] as const

/** The problem of a record whose info file is listed and could not be read yet, so that it is not known whether there is such a record; `undefined` if it is known. */
export function recordNotRead (id: string, transformer: UserDataTransformer): Problem | undefined {
  const [entry] = transformer.quarantine({ ids: [id], codes: UNREAD_CODES, limit: 1 }).entries()
  return entry?.last_good === null ? unavailable('record_not_read', `${entry.key} is in the lake and could not be read yet. ${entry.detail}`) : undefined
}

/** The problem of a record that does not exist: 404, with the reason if its info file is rejected or only an image has its key; 503 if the file could not be read yet. */
export function recordNotFound (id: string, transformer: UserDataTransformer, { imageFields }: Schema): Problem {
  const notRead = recordNotRead(id, transformer)
  if (notRead !== undefined) return notRead
  const [entry] = transformer.quarantine({ ids: [id], limit: 1 }).entries()
  const unknown = `There is no record ${JSON.stringify(id)}`
  if (entry === undefined) return new Problem(404, 'record_not_found', unknown + didYouMean(pathWithoutExtension(id, imageFields.length > 0) ?? routeNamed(id)))
  const { key, code, detail, hint } = entry
  const reason = code === 'orphan' ? `${key} is an image without an info file` : `${key} is rejected (${code}): ${detail}`
  return new Problem(404, 'record_not_found', `${unknown}: ${reason}`, { members: { reject: { key, code, detail, hint } } })
}

/** The path of a record, or of its image if there are images, if the id has the extension of such a file; otherwise `undefined`. */
function pathWithoutExtension (id: string, hasImages: boolean): string | undefined {
  const [, name, extension] = EXTENSION.exec(id) ?? []
  if (name === undefined) return undefined
  const isImage = hasImages && (DEFAULTS.imageExtensions as readonly string[]).includes(extension!.toLowerCase())
  return `/data/${encodeURIComponent(name)}${isImage ? '/image' : ''}`
}
