import { httpProblem, invalidParameter, type Problem } from '../problems/problem.js'

/** 400 for a URL that Fastify would accept but interpret in another way than the client intended. */
export function findMalformedUrl (url: string): Problem | undefined {
  if (url.includes('#')) return httpProblem(400, 'The URL has a fragment, which is not part of a request; a # in a value must be written as %23')
  const start = url.indexOf('?')
  if (start === -1 || url.indexOf('%', start) === -1) return undefined
  // The query-string parser would keep a malformed percent-encoding as literal text.
  const broken = url.slice(start + 1).split('&').find((parameter) => !isEncoded(parameter))
  if (broken === undefined) return undefined
  const [name = '', value = ''] = broken.split(/=(.*)/s, 2)
  return invalidParameter(name, `got ${JSON.stringify(value)}; must be percent-encoded UTF-8`)
}

function isEncoded (parameter: string): boolean {
  try {
    return decodeURIComponent(parameter) !== undefined
  } catch {
    return false
  }
}
