import { Problem } from '../problems/problem.js'
import type { Scope } from './scopes.js'

const REALM = 'Bearer realm="userlake"'

/** 401: the request has no credentials. */
export function noCredentials (): Problem {
  return new Problem(401, 'unauthorized', 'The request has no credentials; send the header Authorization: Bearer <API key or token>', { headers: { 'www-authenticate': REALM } })
}

/** 401: the request has credentials that are not valid. The reason never contains a part of them. */
export function badCredentials (reason: string): Problem {
  return new Problem(401, 'unauthorized', `Authorization: ${reason}`, { headers: { 'www-authenticate': `${REALM}, error="invalid_token"` } })
}

/** 403: the credentials are valid but do not have the scope of the route. `use`: what needs the scope, if it is not the route as a whole. */
export function insufficientScope (scope: Scope, use?: string): Problem {
  const detail = `The credentials must have the scope ${scope}${use === undefined ? '' : ` ${use}`}`
  return new Problem(403, 'insufficient_scope', detail, { headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="${scope}"` } })
}
