import { MIN_RECORDS } from '../../lib/query/suppress-few.js'
import type { Access } from '../../plugins/access/scopes.js'
import { PROBLEM_CODES } from '../../plugins/problems/codes.js'
import { Problem } from '../http/schemas.js'
import { authenticate, currentEtag, retryAfter, type Header } from './headers.js'
import type { Examples, Response } from './operation.js'

/** What each status means. */
const MEANINGS = {
  400: 'A parameter is invalid (`errors` contains its name, the value received and what is accepted), or the request is malformed',
  401: 'Credentials are configured, and the request has none or invalid ones',
  403: `The credentials do not have the scope of the operation (\`insufficient_scope\`), fewer than ${MIN_RECORDS} records match and they have only the scope \`stats\` (\`too_few\`), or the request is a \`POST\` by a web page of another origin (\`forbidden\`)`,
  404: 'The record, image or job does not exist',
  406: '`Accept` or `Accept-Encoding` accepts none of the available media types or encodings',
  409: 'Publishing is disabled: the setting `PUBLISH` is false, and only `dry_run=true` is possible (`publishing_disabled`), or the data version is not the one that `confirm` names (`confirmation_mismatch`)',
  410: 'The data version of the cursor is no longer retained, or is unknown to this process: `restart` is the URL of the first page in the current data, ' +
    '`continue` the URL of the page after the last record received, and `continue_cursor` the cursor in `continue`. ' +
    'For `GET /changes`: the change log does not go back to `since`, and `restart` is the URL of all records',
  412: 'The current response does not meet the condition of `If-Match` or `If-Unmodified-Since`',
  413: 'The body is larger than 1 MiB',
  414: PROBLEM_CODES['uri_too_long']!,
  415: 'The media type of the request body or of the image is not supported',
  416: 'The `Range` begins after the end of the image',
  429: 'The client has sent more requests that make the service list the lake than the setting `RATE_LIMIT` allows',
  500: 'An unexpected error; see the log',
  503: 'Not available now: there is no data yet, the info file of the record could not be read yet (`record_not_read`), the data is older than the setting `MAX_STALE_IF_ERROR` allows, the lake cannot be read, the keys of the identity provider cannot be loaded, the service is overloaded, or the process is shutting down'
} as const

const OTHERS = 'An error that any route can return: 405, 408, 417, 421 or 431'

type Status = keyof typeof MEANINGS

interface ProblemResponses {
  /** By status. */
  readonly examples?: Readonly<Partial<Record<Status, Examples>>>
  /** The headers of all of them. */
  readonly headers?: Readonly<Record<string, Header>>
  /** The headers of one status. */
  readonly headersOf?: Readonly<Partial<Record<Status, Readonly<Record<string, Header>>>>>
}

/** The problems of an operation. */
export function problems (statuses: readonly Status[], { examples = {}, headers = {}, headersOf = {} }: ProblemResponses = {}): Record<string, Response> {
  return {
    ...Object.fromEntries(statuses.map((status) => [status, {
      description: MEANINGS[status],
      headers: { ...headers, ...headersOf[status], ...(status === 429 || status === 503) && retryAfter, ...status === 412 && currentEtag },
      content: { 'application/problem+json': { schema: Problem, ...examples[status] && { examples: examples[status] } } }
    }])),
    default: { description: OTHERS, content: { 'application/problem+json': { schema: Problem } } }
  }
}

/** The problems of requests that are refused before their operation begins. Public operations have none of them. */
export function deniedProblems (access: Access): Record<string, Response> {
  if (access === 'public') return {}
  // Events are not counted by RATE_LIMIT.
  const { default: _others, ...denied } = problems(access === 'events' ? [401, 403, 503] : [401, 403, 429, 503], { headersOf: { 401: authenticate, 403: authenticate } })
  return denied
}
