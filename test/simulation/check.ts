import type { Freshness } from '../../lib/refresher.js'
import type { DataVersion } from '../../lib/query/data-version.js'
import type { QuarantineEntry } from '../../lib/source/quarantine.js'
import { bucketEtag } from './etags.js'
import { imageKey, infoKey } from './ids.js'
import type { Model, Shown, View } from './model.js'

/** A record as a client sees it: its first name, and the ETag of its image. */
export interface SeenRecord { readonly name: string, readonly image: string | undefined }

export type SeenRecords = ReadonlyMap<string, SeenRecord>

/** A response with all records. */
export interface SeenData {
  readonly records: SeenRecords
  readonly entries: readonly QuarantineEntry[]
  readonly freshness: Freshness
}

/** A response may show what the bucket had at any time of this interval, in milliseconds since the start of the history. */
export interface Interval { readonly since: number, readonly until: number }

/** Reads all records of a data version. */
export async function readRecords (version: DataVersion): Promise<SeenRecords> {
  const records = new Map<string, SeenRecord>()
  const selection = await version.select({ columns: ['user_id', 'first_name'] })
  for await (const batch of selection.batches()) {
    for (const [id, name] of batch) {
      const image = await version.attachment(String(id), 'img_path')
      records.set(String(id), { name: String(name), image: image && bucketEtag(image.etag) })
    }
  }
  return records
}

/** Reads the records of an output. Outputs contain no ETags. */
export function parseOutput (csv: string): SeenRecords {
  const rows = csv.trimEnd().split('\n').slice(1).map((line) => line.trimEnd().split(','))
  return new Map(rows.map(([id, name]) => [id!, { name: name!, image: undefined }]))
}

/** Returns what is wrong with a response; `undefined` if nothing is. Adds to `view`, the view of the replica, what the response has shown. */
export function checkData (model: Model, view: View, { records, entries, freshness }: SeenData, interval: Interval): string | undefined {
  const rejects = new Map(entries.filter(({ code }) => code !== 'orphan').map((entry) => [entry.user_id, entry]))
  for (const [id, { code, last_good: lastGood }] of rejects) {
    if (code === 'download_failed' && !freshness.staleReasons.includes(code)) return `${id} could not be downloaded, and the response does not report that it is stale`
    if ((lastGood !== null) !== records.has(id!)) return `the reject of ${id} does not report whether the last good record is served`
  }
  const rejectOf = (id: string) => {
    const code = rejects.get(id)?.code
    return code === 'download_failed' ? 'unread' : code && 'invalid'
  }
  return checkInfoFiles(model, view, records, interval, rejectOf) ?? checkImages(model, view, records, interval)
}

/** Returns what is wrong with the records of a response or of an output, images aside; `undefined` if nothing is. Adds to `view` what they show. */
export function checkInfoFiles (
  model: Model, view: View, records: SeenRecords, { since, until }: Interval, rejectOf: (id: string) => Shown['reject'] = () => 'unknown'
): string | undefined {
  for (const id of records.keys()) if (!model.ids.has(id)) return `there is no record ${id}`
  for (const id of model.ids) {
    const shown = { content: records.get(id)?.name, reject: rejectOf(id) }
    const found = model.find(infoKey(id), shown, view.get(infoKey(id)) ?? 0, since, until)
    if (found === undefined) return `${id} is ${shown.content ?? 'missing'} (${shown.reject ?? 'no reject'}): the bucket did not have that since ${since}, or an earlier view was newer`
    view.set(infoKey(id), found)
  }
  return undefined
}

function checkImages (model: Model, view: View, records: SeenRecords, { since, until }: Interval): string | undefined {
  for (const [id, { image }] of records) {
    const found = model.find(imageKey(id), { content: image, reject: undefined }, view.get(imageKey(id)) ?? 0, since, until)
    if (found === undefined) return `the image of ${id} is ${image ?? 'missing'}: the bucket did not have that since ${since}, or an earlier view was newer`
    view.set(imageKey(id), found)
  }
  return undefined
}
