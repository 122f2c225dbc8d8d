import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { EngineError, NoDataError, OverloadedError, RequestAbortedError, VersionForgottenError } from '../lib/base/errors.js'
import { describeFailure } from '../lib/base/failure-code.js'
import { joinParts } from '../lib/base/nearest.js'
import { StoreError } from '../lib/store/object-store.js'
import { PROBLEM_CODES } from './problems/codes.js'
import { excerpt, httpProblem, noData, Problem, unavailable } from './problems/problem.js'
import { REQUEST_ID } from './request-id.js'
import { logRequest, pathOf } from './request-log.js'
import { DEFAULT_HEADERS } from './default-headers.js'

/** Sends every error of a hook or a route as a problem. Needs: metrics. */
export default fp(async (fastify) => {
  fastify.setErrorHandler(sendProblem)
  fastify.setNotFoundHandler((request, reply) => sendProblem(notFound(request), request, reply))
}, { name: 'problems', dependencies: ['metrics'] })

/** 404: no route has this URL. `hint` begins with a semicolon, or is empty. */
export function notFound ({ method, url }: FastifyRequest, hint = ''): Problem {
  return new Problem(404, 'not_found', joinParts(`There is no route ${method} ${excerpt(url.split('?', 1)[0]!)}${hint}`, 'GET /docs shows the routes'))
}

/**
 * Handles errors that Fastify detects before it has found a route: a path that cannot be decoded, or a path parameter that is too long. No
 * hook runs for such a request, so it is logged here.
 */
export function onFrameworkError (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  logRequest(request.server, request.id, request.raw, reply.raw)
  sendProblem(error, request, reply)
}

/** Headers that a route may have set for its own response, and that do not apply to the problem that is sent instead. */
const REPLACED_HEADERS = ['data-last-good', 'etag', 'content-encoding', 'link', 'next-cursor', 'vary', 'x-total-count']

function sendProblem (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof RequestAbortedError) {
    reply.hijack()
    return
  }
  const problem = toProblem(error, request)
  if (error instanceof StoreError) request.server.lakeFailures.failed(error, 'The lake could not be read for a request', request.log)
  else if (error instanceof EngineError) request.server.lakeFailures.failed(error, 'The engine has failed for a request', request.log)
  else if (problem.code === 'internal_error') request.log.error({ err: error }, 'Request failed')
  request.server.metrics.problems.add(problem.code)
  if (problem.status === 401 || problem.status === 403) logDenied(request, problem)
  for (const name of REPLACED_HEADERS) reply.removeHeader(name)
  reply.code(problem.status).headers(DEFAULT_HEADERS).headers(problem.headers)
    .header(REQUEST_ID, request.id)
    .header('content-type', 'application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem.toBody(request.id))
}

/** One line for each request that is denied. It has no part of the credentials. */
function logDenied ({ log, ip, method, raw, client }: FastifyRequest, { status, code, message }: Problem): void {
  log.warn({ ip, method, path: pathOf(raw.url!), status, code, client: client?.name, reason: message }, 'Request denied')
}

function toProblem (error: Error & Partial<FastifyError>, { server: { transformer } }: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StoreError || error instanceof EngineError) return unavailable(error.code, describeFailure(error.code))
  if (error instanceof VersionForgottenError) {
    const { ageMs, staleReasons } = transformer.freshness()
    // If it was the current version, a client that reads from the beginning would get the same error.
    return ageMs === undefined ? noData(staleReasons) : new Problem(410, 'version_gone', error.message)
  }
  if (error instanceof NoDataError) return noData([])
  if (error instanceof OverloadedError) return unavailable('overloaded', error.message)
  const { statusCode = 500, code } = error
  if (code === 'FST_ERR_BAD_URL') return httpProblem(400, 'The path of the URL must be percent-encoded UTF-8')
  if (statusCode === 414) return httpProblem(414, PROBLEM_CODES['uri_too_long']!)
  if (statusCode >= 500) return new Problem(statusCode, 'internal_error', describeFailure('internal_error'))
  return httpProblem(statusCode, excerpt(error.message))
}
