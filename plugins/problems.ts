import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { NoDataError } from '../lib/base/errors.js'
import { describeFailure, type FailureCode } from '../lib/base/failure-code.js'
import { StoreError } from '../lib/store/object-store.js'
import { newRequestId, REQUEST_ID, requestIdOf } from './request-id.js'
import { logRequest } from './request-log.js'

/** What is wrong with one parameter. */
export interface ParameterError { readonly parameter: string, readonly detail: string }

export interface ProblemOptions {
  readonly errors?: readonly ParameterError[]
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** What else the answer says, by name. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** An answer that is an error: RFC 9457, with a stable `code`. Throw it in a route. */
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

/** A problem of request parameters. */
export function invalidParameters (errors: readonly ParameterError[]): Problem {
  return new Problem(400, 'invalid_parameter', errors.map(({ parameter, detail }) => `${parameter}: ${detail}`).join('; '), { errors })
}

/** A problem that goes away by itself. */
export function unavailable (code: string, detail: string): Problem {
  return new Problem(503, code, detail, { headers: { 'retry-after': '1' } })
}

/** The problem of a process that has never read the source, and why it has not. */
export function noData (staleReasons: readonly FailureCode[]): Problem {
  return unavailable('no_data', [new NoDataError().message, ...staleReasons.map(describeFailure)].join(': '))
}

/** Turns every error into a problem: those of routes, of the framework, and requests for what is not there. */
export default fp(async (fastify: FastifyInstance) => {
  fastify.setErrorHandler(sendProblem)
  fastify.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    fastify.exchanges.enqueue(request, response, () => sendExpectationFailed(fastify, request, response))
  })
  fastify.addHook('onRequest', (request, _reply, done) => done(findMalformedUrl(request)))
  fastify.setNotFoundHandler((request, reply) => sendProblem(
    new Problem(404, 'not_found', `There is no ${request.method} ${request.url.split('?', 1)[0]}`), request, reply))
}, { name: 'problems', dependencies: ['config', 'exchanges'] })

/** What is wrong with a request that the framework lets pass. */
function findMalformedUrl ({ raw }: FastifyRequest): Problem | undefined {
  const { url = '', headers: { host }, httpVersion } = raw
  if (host === undefined && httpVersion === '1.1') return new Problem(400, 'bad_request', 'The request has no Host')
  const start = url.indexOf('?')
  if (start === -1 || url.indexOf('%', start) === -1) return undefined
  // The parser takes a broken encoding for text.
  const broken = url.slice(start + 1).split('&').find((parameter) => !isEncoded(parameter))
  if (broken === undefined) return undefined
  const [name = '', value = ''] = broken.split(/=(.*)/s, 2)
  return invalidParameters([{ parameter: name, detail: `got ${JSON.stringify(value)}; takes percent-encoded UTF-8` }])
}

function isEncoded (parameter: string): boolean {
  try {
    return decodeURIComponent(parameter) !== undefined
  } catch {
    return false
  }
}

/** What a route may have said of the answer that there is not to be. */
const ANSWERS_OWN = ['etag', 'cache-control', 'content-encoding', 'link', 'vary', 'x-total-count', 'x-content-type-options']

/** Handles errors that the framework detects before it has a route, and therefore without hooks: a URL that cannot be decoded, an overlong parameter. */
export function onFrameworkError (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  logRequest(request.server, request.id, request.raw, reply.raw)
  sendProblem(error, request, reply)
}

/** Sends an error as a problem. */
export function sendProblem (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error)
  // A problem that a route throws is an answer; anything else of this kind is news.
  if (problem.status >= 500 && error !== problem) request.log.error({ err: error }, 'Request failed')
  for (const name of ANSWERS_OWN) reply.removeHeader(name)
  reply.code(problem.status).headers(problem.headers)
    .header(REQUEST_ID, request.id)
    .header('content-type', 'application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem.toBody(request.id))
}

function sendExpectationFailed (fastify: FastifyInstance, request: IncomingMessage, response: ServerResponse): void {
  const requestId = requestIdOf(request)
  logRequest(fastify, requestId, request, response)
  const body = JSON.stringify(new Problem(417, 'expectation_failed', 'No expectation but 100-continue is known').toBody(requestId))
  response.writeHead(417, { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(body), [REQUEST_ID]: requestId }).end(body)
}

/**
 * Responds to bytes that are not an HTTP request, to headers that are too large and to a request that did not arrive in time, and
 * closes the connection. The complete requests before it get their responses first.
 */
export function onClientError (this: FastifyInstance, error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { request, response } = this.exchanges.inFlight(socket) ?? {}
  if (request?.complete) return this.exchanges.stop(socket, () => sendClientError(this, error, socket))
  // A response that has begun although its request can't be read to the end: it can't be replaced, only cut short.
  if (response?.headersSent) socket.destroy(error)
  else sendClientError(this, error, socket)
}

type ClientError = Error & { readonly code?: string }

function sendClientError ({ config, log }: FastifyInstance, error: ClientError, socket: Socket): void {
  const requestId = newRequestId()
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  if (config.LOG_REQUESTS) log.info({ request_id: requestId, status, error: error.code }, 'Malformed request')
  const body = JSON.stringify(new Problem(status, codeOf(status), 'The request can\'t be read as HTTP').toBody(requestId))
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Content-Type: application/problem+json\r\nRequest-Id: ${requestId}\r\nConnection: close\r\n\r\n${body}`)
  }
  socket.destroySoon()
}

function toProblem (error: Error & Partial<FastifyError>): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StoreError) return unavailable(error.code, describeFailure(error.code))
  if (error instanceof NoDataError) return noData([])
  const status = error.statusCode ?? 500
  return status < 500
    ? new Problem(status, codeOf(status), error.message)
    : new Problem(status, 'internal_error', describeFailure('internal_error'))
}

/** "Unsupported Media Type" -> unsupported_media_type */
function codeOf (status: number): string {
  return (STATUS_CODES[status] ?? 'error').toLowerCase().replace(/[^a-z]+/g, '_')
}

/** "unknown parameter; did you mean min_age?" */
export function unknownMessage (what: string, meant: string | undefined): string {
  return `unknown ${what}` + (meant === undefined ? '' : `; did you mean ${meant}?`)
}
