import type { UserDataTransformer } from '../../lib/transformer.js'
import { Problem, unavailable } from '../../plugins/problems/problem.js'

/** The problem of a record that does not exist: 404, with the reason if its info file is rejected; 503 if the file could not be read yet. */
export function recordNotFound (id: string, transformer: UserDataTransformer): Problem {
  const [entry] = transformer.quarantine({ userIds: [id], limit: 1 }).entries()
  const unknown = `There is no record ${JSON.stringify(id)}`
  if (entry === undefined) return new Problem(404, 'record_not_found', unknown)
  const { key, code, detail, hint } = entry
  if (code === 'download_failed') return unavailable(code, `${key} is in the lake and could not be downloaded yet`)
  if (code === 'incomplete') return unavailable('download_failed', `${key} is in the lake and could not be read yet. ${detail}`)
  const reason = code === 'orphan' ? `${key} is an image without an info file` : `${key} is rejected (${code}): ${detail}`
  return new Problem(404, 'record_not_found', `${unknown}: ${reason}`, { members: { reject: { key, code, detail, hint } } })
}
