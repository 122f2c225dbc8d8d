import { STATUS_CODES } from 'node:http'
import { NoDataError } from '../../lib/base/errors.js'
import { describeFailure, type FailureCode } from '../../lib/base/failure-code.js'
import { joinParts } from '../../lib/base/nearest.js'

/** An invalid parameter: its name, and a message with the value received and what is accepted. */
export interface ParameterError { readonly parameter: string, readonly detail: string }

/** Optional parts of a problem. */
export interface ProblemOptions {
  readonly errors?: readonly ParameterError[]
  /** Headers of the response. */
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the body, by name. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** An error response: RFC 9457, with a stable `code`. Routes and hooks throw it. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly errors: readonly ParameterError[] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly #members: Readonly<Record<string, unknown>>

  constructor (status: number, code: string, detail: string, { errors, headers = {}, members = {} }: ProblemOptions = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.errors = errors
    this.headers = headers
    this.#members = members
  }

  /** The body of the response. */
  toBody (requestId: string) {
    return {
      type: `urn:userlake:problem:${this.code}`,
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      code: this.code,
      request_id: requestId,
      errors: this.errors,
      ...this.#members
    }
  }
}

/** 400: one or more parameters are invalid. */
export function invalidParameters (errors: readonly ParameterError[]): Problem {
  return new Problem(400, 'invalid_parameter', errors.map(({ parameter, detail }) => `${parameter || '""'}: ${detail}`).reduce(joinParts), { errors })
}

/** 400: one parameter is invalid. */
export function invalidParameter (parameter: string, detail: string): Problem {
  return invalidParameters([{ parameter, detail }])
}

/** 503 for a temporary condition: the response has `Retry-After: 1`. */
export function unavailable (code: string, detail: string, members: ProblemOptions['members'] = {}): Problem {
  return new Problem(503, code, detail, { headers: { 'retry-after': '1' }, members })
}

/** 503: the process has not read the lake yet. The message contains the reasons, if any are known. */
export function noData (staleReasons: readonly FailureCode[], members?: ProblemOptions['members']): Problem {
  return unavailable('no_data', [new NoDataError().message, ...staleReasons.map(describeFailure)].join(': '), members)
}

/** A problem with the code of its status: "Unsupported Media Type" is `unsupported_media_type`. */
export function httpProblem (status: number, detail: string, options?: ProblemOptions): Problem {
  return new Problem(status, (STATUS_CODES[status] ?? 'error').toLowerCase().replace(/[^a-z]+/g, '_'), detail, options)
}

/** Shortens text from a client for a message, to at most 200 characters and an ellipsis. */
export function excerpt (text: string): string {
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT)}...`
}

const MAX_EXCERPT = 200
