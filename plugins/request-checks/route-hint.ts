import { didYouMean, nearest } from '../../lib/base/nearest.js'

/** The routes that return JSON, at URLs to which clients may add the ending of a format. */
const JSON_ROUTES = ['/data', '/stats', '/rejects', '/schema', '/jobs', '/version']

/**
 * The hint about a path that no route has, for the end of a message: the route of the same name that returns JSON, or the route with the most similar
 * path. Returns an empty string if there is neither.
 *
 * @param urls the URL patterns of the routes; those with parameters are not suggested
 */
export function routeHint (path: string, urls: readonly string[]): string {
  const [, route, format] = /^(\/\w+)\.(json|csv|ndjson|parquet)$/.exec(path) ?? []
  if (route === undefined || !JSON_ROUTES.includes(route)) return didYouMean(nearest(path, urls.filter((url) => !/[:*]/.test(url))))
  if (route === '/data' && format === 'parquet') return '; userlake export --format parquet writes Parquet, and OUTPUT_FORMATS=csv,parquet publishes it'
  return `; GET ${route} returns JSON`
}
