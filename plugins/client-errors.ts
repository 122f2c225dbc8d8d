import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { excerpt, httpProblem, type Problem } from './problems/problem.js'
import { newRequestId, REQUEST_ID, requestIdOf } from './request-id.js'
import { logRequest } from './request-log.js'
import { DEFAULT_HEADERS } from './default-headers.js'

/** Sends a problem for what Node does not emit as a request: an `Expect` header other than 100-continue, and CONNECT. Needs: config, exchanges, metrics. */
export default fp(async (fastify) => {
  fastify.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    fastify.exchanges.enqueue(request, response, () => sendExpectationFailed(fastify, request, response))
  })
  fastify.server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    const problem = httpProblem(405, 'CONNECT is not supported, because this service is not a proxy; allowed: GET, HEAD, POST', { headers: { allow: 'GET, HEAD, POST' } })
    fastify.metrics.problems.add(problem.code)
    fastify.exchanges.stop(socket, () => writeProblem(socket, problem, newRequestId()))
  })
}, { name: 'client-errors', dependencies: ['config', 'exchanges', 'metrics'] })

function sendExpectationFailed (fastify: FastifyInstance, request: IncomingMessage, response: ServerResponse): void {
  const requestId = requestIdOf(request)
  logRequest(fastify, requestId, request, response)
  const problem = httpProblem(417, `Expect: got ${JSON.stringify(excerpt(String(request.headers.expect)))}; must be 100-continue`)
  fastify.metrics.problems.add(problem.code)
  const { headers, body } = serialize(problem, requestId)
  response.writeHead(417, headers).end(body)
}

type ClientError = Error & { readonly code?: string }

/**
 * Sends a problem for bytes that are not an HTTP request, for headers that are too large and for a request that did not arrive in time,
 * and closes the connection. The responses to earlier, complete requests of the connection are sent first.
 */
export function onClientError (this: FastifyInstance, error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { request, response } = this.exchanges.inFlight(socket) ?? {}
  if (request?.complete) return this.exchanges.stop(socket, () => sendClientError(this, error, socket))
  // The response has begun before its request was read to the end. A problem cannot replace it any more, so the connection is cut.
  if (response?.headersSent) socket.destroy(error)
  else sendClientError(this, error, socket)
}

function sendClientError ({ config, log, metrics }: FastifyInstance, error: ClientError, socket: Socket): void {
  const requestId = newRequestId()
  const problem = toProblem(error)
  metrics.problems.add(problem.code)
  if (config.LOG_REQUESTS) log.info({ request_id: requestId, status: problem.status, error: error.code }, 'Malformed request')
  writeProblem(socket, problem, requestId)
}

function toProblem ({ code }: ClientError): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW': return httpProblem(431, 'The URL and the headers are larger than 16 KiB')
    case 'ERR_HTTP_REQUEST_TIMEOUT': return httpProblem(408, 'The request did not arrive in time: its headers must arrive within 15 s, the whole request within 30 s')
    case 'HPE_INVALID_URL': return httpProblem(400, 'The URL has characters that must be percent-encoded as UTF-8: ü is %C3%BC, a space is %20. --data-urlencode of curl encodes the value only; if the name of a column must be encoded, use --data-urlencode "where=<column>=<value>"')
    default: return httpProblem(400, 'The request is not valid HTTP/1.1')
  }
}

/** Writes a response directly to the socket, for which Node has created no ServerResponse, and closes the connection. */
function writeProblem (socket: Socket, problem: Problem, requestId: string): void {
  const { headers, body } = serialize(problem, requestId)
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`)
  if (socket.writable) socket.write(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`)
  socket.destroySoon()
}

function serialize (problem: Problem, requestId: string): { readonly headers: Record<string, string | number>, readonly body: string } {
  const body = JSON.stringify(problem.toBody(requestId))
  const headers = {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    [REQUEST_ID]: requestId,
    ...DEFAULT_HEADERS,
    ...problem.headers
  }
  return { headers, body }
}
