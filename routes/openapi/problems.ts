import { Problem } from '../http/schemas.js'
import { retryAfter, type Header } from './headers.js'
import type { Examples, Response } from './operation.js'

/** What each status means here. */
const MEANINGS = {
  400: 'A parameter is wrong: `errors` says which, what it got and what it takes. Or the request itself can\'t be read',
  404: 'There is none',
  406: 'None of the types in `Accept`, or of the encodings in `Accept-Encoding`, is on offer',
  409: 'Publishing is disabled: the setting `PUBLISH` is false',
  410: 'The data version of the cursor is not held any more, or never was here: `restart` and `continue` lead on',
  413: 'The body is too large; none is needed',
  414: 'The path parameter is too long',
  415: 'The type is not supported',
  416: 'The picture has no such bytes',
  500: 'An unexpected error; the log has more',
  503: 'It can\'t be done now: no data yet, data older than may be served, a bucket that does not answer, a process about to end'
} as const

/** Whatever the route, before there is a request. */
const OTHERS = 'An error of HTTP itself: 408, 417, 431'

type Status = keyof typeof MEANINGS

interface ProblemResponses {
  /** Real ones, by status. */
  readonly examples?: Readonly<Partial<Record<Status, Examples>>>
  /** Of all of them. */
  readonly headers?: Readonly<Record<string, Header>>
  /** Those of one status. */
  readonly headersOf?: Readonly<Partial<Record<Status, Readonly<Record<string, Header>>>>>
}

/** The errors of an operation. */
export function problems (statuses: readonly Status[], { examples = {}, headers = {}, headersOf = {} }: ProblemResponses = {}): Record<string, Response> {
  return {
    ...Object.fromEntries(statuses.map((status) => [status, {
      description: MEANINGS[status],
      headers: { ...headers, ...headersOf[status], ...status === 503 && retryAfter },
      content: { 'application/problem+json': { schema: Problem, ...examples[status] && { examples: examples[status] } } }
    }])),
    default: { description: OTHERS, content: { 'application/problem+json': { schema: Problem } } }
  }
}
