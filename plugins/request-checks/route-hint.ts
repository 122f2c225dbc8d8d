import { didYouMean, nearest } from '../../lib/base/nearest.js'
import { excerpt } from '../problems/problem.js'

/** The routes that return JSON by default, without the probes. Clients may append an extension to their URLs, such as .json. */
export const JSON_ROUTES = ['/data', '/changes', '/stats', '/rejects', '/schema', '/jobs', '/version']

/** Names that other services have for these routes. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  '/data': ['users', 'records', 'rows', 'items', 'entities'],
  '/stats': ['summary', 'count', 'aggregate', 'aggregates', 'groups'],
  '/rejects': ['quarantine', 'errors', 'orphans'],
  '/schema': ['columns', 'fields', 'tables'],
  '/readyz': ['health', 'healthz', 'status', 'ping'],
  '/docs': ['api', 'swagger', 'redoc', 'help']
}

/** The route that a word names, here or in other services. */
export function routeNamed (word: string): string | undefined {
  const name = word.toLowerCase()
  return JSON_ROUTES.includes(`/${name}`) ? `/${name}` : Object.entries(OTHER_NAMES).find(([, names]) => names.includes(name))?.[0]
}

/** What GET /stats returns in place of CSV. */
export const GROUPS_AS_TABLE = 'docs/clients.md has a recipe for its groups as a table'

/** Names that other services have for the path of an image below that of a record. */
const IMAGE_NAMES = ['image', 'img', 'picture', 'photo', 'avatar', 'thumbnail']

/**
 * The hint about a path that no route has, for the end of a message: the route of the same name that returns JSON, or the route that was probably meant. Returns
 * an empty string if no route is similar.
 *
 * @param urls the URL patterns of the routes. They include those of images only if the schema has an image field. Of the routes with parameters, only those of a record are suggested
 */
export function routeHint (path: string, urls: readonly string[]): string {
  const [, route, format] = /^(\/\w+)\.(json|csv|ndjson|parquet)$/.exec(path) ?? []
  if (route !== undefined && JSON_ROUTES.includes(route)) {
    if (route === '/data' && format === 'parquet') return '; userlake export --format parquet writes Parquet, and OUTPUT_FORMATS=csv,parquet publishes it'
    return `; GET ${route} returns JSON${route === '/stats' && format !== 'json' ? `, and ${GROUPS_AS_TABLE}` : ''}`
  }
  // Other services have a prefix, such as /api/v1.
  const [first = '', ...rest] = path.replace(/^(\/(api|rest|v\d+))+(?=\/.)/, '').split('/').slice(1)
  const known = routeNamed(first) ?? `/${first}`
  const parts = rest.filter((part) => part !== '')
  const hasImages = urls.some((url) => url.endsWith('/image'))
  if (known === '/data' && parts.length > 0) return recordHint(parts, hasImages)
  // A record names its image by the key in the lake, such as source_data/1001.png.
  const [, id] = /^(.+)\.(?:png|jpe?g|webp|gif)$/i.exec(parts.at(-1) ?? '') ?? []
  if (hasImages && id !== undefined) return didYouMean(excerpt(`/data/${id}/image`))
  return didYouMean(nearest([known, ...parts].join('/'), urls.filter((url) => !/[:*]/.test(url))))
}

/** The hint about the path of a record. `parts`: those after /data. */
function recordHint (parts: readonly string[], hasImages: boolean): string {
  const [id, end] = [parts.at(-2), parts.at(-1)!]
  if (id === undefined) return didYouMean(excerpt(`/data/${end}`))
  const isImage = nearest(end.replace(/\.\w+$/, ''), IMAGE_NAMES) !== undefined
  const attachments = parts.findIndex((part, i) => i > 0 && nearest(part, ['attachments']) !== undefined)
  if (!hasImages && (isImage || attachments !== -1)) return '; the schema has no image field'
  if (attachments !== -1) {
    const [record, field] = [parts[attachments - 1]!, parts[attachments + 1]]
    return field === undefined ? '; the path of an attachment is /data/<id>/attachments/<field>' : didYouMean(excerpt(`/data/${record}/attachments/${field}`))
  }
  if (isImage) return didYouMean(excerpt(`/data/${id}/image`))
  const ofImages = hasImages && parts.length === 2 ? ', and that of an image is /data/<id>/attachments/<field>' : ''
  return `; the path of a record is /data/<id>, without the folder of its file${ofImages}`
}
