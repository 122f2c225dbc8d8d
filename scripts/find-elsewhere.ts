import type { FastifyInstance } from 'fastify'
import { INFO_FORMATS } from '../lib/base/info-formats.js'
import type { Warning } from '../lib/base/warning.js'
import { StoreError, type ObjectStore } from '../lib/store/object-store.js'

/** The search ends after about this number of objects. */
const MAX_LISTED = 10_000

/** The key of an info file that does not have the source prefix, and the source prefix for it: the key up to its first slash, or empty if it has no slash. */
interface Elsewhere { readonly key: string, readonly prefix: string }

/**
 * Finds an info file in a lake in which no object has the source prefix. Ignores the objects that the service writes: the output, and those that have its name with another extension. Returns `undefined` if
 * the first objects of the lake include no info file, or if the lake cannot be listed: the credentials of a bucket often allow only the source prefix.
 */
export async function findElsewhere (store: ObjectStore, outputKey: string): Promise<Elsewhere | undefined> {
  const published = `${outputKey.replace(/\.[^./]*$/, '')}.`
  let listed = 0
  try {
    for await (const page of store.list('')) {
      for (const { key } of page) {
        if (!key.startsWith(published) && INFO_FORMATS.some((format) => key.toLowerCase().endsWith(`.${format}`))) return { key, prefix: key.slice(0, key.indexOf('/') + 1) }
      }
      listed += page.length
      if (listed >= MAX_LISTED) return undefined
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
  return undefined
}

/** If the URL of a folder ends in the source prefix, it probably names the folder of the files instead of the lake. Returns the URL without the prefix; otherwise `undefined`. */
export function lakeAbove (url: string, prefix: string): string | undefined {
  const path = url.replace(/\/?$/, '/')
  return prefix !== '' && path.startsWith('file:') && path.endsWith(`/${prefix}`) ? path.slice(0, -prefix.length - 1) : undefined
}

/** The detail of the warning `nothing_usable`; if no object has the source prefix, with a hint where info files are. */
export async function describeUnusable ({ transformer, objectStore, config }: FastifyInstance, { detail }: Warning): Promise<string> {
  const { rejects, orphans, ignored } = transformer.quarantine({ limit: 0 }).counts
  const found = rejects + orphans + ignored === 0 ? await findElsewhere(objectStore, config.OUTPUT_KEY) : undefined
  if (found === undefined) return detail
  const lake = lakeAbove(objectStore.url, config.SOURCE_PREFIX)
  return `${detail}. There are info files without this prefix, such as ${found.key}: set ${lake === undefined ? `SOURCE_PREFIX='${found.prefix}'` : `LAKE_URL='${lake}'`}`
}
