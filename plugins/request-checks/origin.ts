import type { IncomingMessage } from 'node:http'
import { excerpt, httpProblem, type Problem } from '../problems/problem.js'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * 403 if a page of another origin makes a browser send a request that changes something (cross-site request forgery). Browsers report it in
 * `Sec-Fetch-Site` or, older ones, in `Origin`; other clients send neither and pass.
 *
 * @param allowed the origins of CORS_ORIGINS, whose pages pass
 */
export function findForeignOrigin ({ method, headers }: IncomingMessage, allowed: ReadonlySet<string>): Problem | undefined {
  if (SAFE_METHODS.includes(method!)) return undefined
  const { origin, host, 'sec-fetch-site': site } = headers
  if (origin !== undefined && allowed.has(origin)) return undefined
  if (site === 'cross-site' || site === 'same-site') return httpProblem(403, `Sec-Fetch-Site: got ${JSON.stringify(site)}; a web page of another origin may send a POST only if CORS_ORIGINS lists its origin`)
  // The browser's `same-origin` is trusted: a proxy may have replaced the Host header, so that comparing it with Origin would fail.
  if (site !== undefined || origin === undefined || isOriginOf(origin, host)) return undefined
  return httpProblem(403, `Origin: got ${JSON.stringify(excerpt(origin))}; a web page of another origin may send a POST only if CORS_ORIGINS lists its origin`)
}

function isOriginOf (origin: string, host = ''): boolean {
  // An origin omits the default port of its scheme, but a Host header may contain it.
  return URL.canParse(origin) && ['http://', 'https://'].some((scheme) => URL.canParse(scheme + host) && new URL(scheme + host).host === new URL(origin).host)
}
