import { didYouMean, nearest } from '../../lib/base/nearest.js'
import { excerpt } from '../problems/problem.js'

/** The routes that return JSON by default, without the probes. Clients may append an extension to their URLs, such as .json. */
const JSON_ROUTES = ['/data', '/changes', '/stats', '/rejects', '/schema', '/jobs', '/version']

/** Names that other services have for these routes. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  '/data': ['users', 'records', 'rows', 'items', 'entities'],
  '/stats': ['summary', 'count', 'aggregate', 'aggregates', 'groups'],
  '/rejects': ['quarantine', 'errors', 'orphans'],
  '/schema': ['columns', 'fields', 'tables'],
  '/readyz': ['health', 'healthz', 'status', 'ping'],
  '/docs': ['api', 'swagger', 'redoc', 'help']
}

/** Names that other services have for the path of an image below that of a record. */
const IMAGE_NAMES = ['image', 'picture', 'photo', 'avatar', 'thumbnail']

/**
 * The hint about a path that no route has, for the end of a message: the route of the same name that returns JSON, or the route that was probably meant. Returns
 * an empty string if there is neither.
 *
 * @param urls the URL patterns of the routes; of those with parameters, only the routes below /data/:id are suggested. A lake whose schema has no image field has no routes of images
 */
export function routeHint (path: string, urls: readonly string[]): string {
  const [, route, format] = /^(\/\w+)\.(json|csv|ndjson|parquet)$/.exec(path) ?? []
  if (route !== undefined && JSON_ROUTES.includes(route)) {
    return route === '/data' && format === 'parquet' ? '; userlake export --format parquet writes Parquet, and OUTPUT_FORMATS=csv,parquet publishes it' : `; GET ${route} returns JSON`
  }
  // Other services have a prefix, such as /api/v1.
  const [first = '', ...rest] = path.replace(/^(\/(api|rest|v\d+))+(?=\/.)/, '').split('/').slice(1)
  const [known = `/${first}`] = Object.entries(OTHER_NAMES).find(([, names]) => names.includes(first.toLowerCase())) ?? []
  const parts = rest.filter((part) => part !== '')
  if (known === '/data' && parts.length > 0) return recordHint(parts, urls.some((url) => url.endsWith('/image')))
  return didYouMean(nearest([known, ...parts].join('/'), urls.filter((url) => !/[:*]/.test(url))))
}

/** The hint about the path of a record. `parts`: those after /data. */
function recordHint (parts: readonly string[], hasImages: boolean): string {
  const [id, end] = [parts.at(-2), parts.at(-1)!]
  const isImage = id !== undefined && nearest(end, IMAGE_NAMES) !== undefined
  if (!hasImages && (isImage || parts.includes('attachments'))) return '; the schema has no image field'
  if (parts.includes('attachments')) return '; the path of an attachment is /data/<id>/attachments/<field>'
  if (isImage) return didYouMean(excerpt(`/data/${id}/image`))
  return (id === undefined ? '' : '; the id of a record does not include the folder of its file') + didYouMean(excerpt(`/data/${end}`))
}
