import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { traceOf } from '../lib/base/trace-context.js'

/** The bytes that each connection had sent when its last request was logged. */
const loggedBytes = new WeakMap<Socket, number>()

/** What programs request every few seconds. Their lines have the level debug, so that they do not hide the lines of other requests, except for a failure with another status than the last one. */
const PROBES: readonly string[] = ['/livez', '/readyz', '/startupz', '/metrics']

/** The last status of each of these paths, by the settings of the service. */
const lastStatuses = new WeakMap<object, Map<string, number | undefined>>()

/**
 * Logs the request in one line when its response has been sent, or when the client has closed the connection. `LOG_REQUESTS=false` turns it off.
 *
 * @param request has the client, once its credentials have been checked
 */
export function logRequest ({ config, log }: FastifyInstance, id: string, { method, url, socket, headers }: IncomingMessage, response: ServerResponse, request?: FastifyRequest): void {
  if (!config.LOG_REQUESTS) return
  const began = performance.now()
  response.once('close', () => {
    const sent = socket.bytesWritten
    const bytes = sent - (loggedBytes.get(socket) ?? 0)
    loggedBytes.set(socket, sent)
    const ms = Math.round((performance.now() - began) * 100) / 100
    // Until the headers are sent, `statusCode` is the default of Node and not a status that the client received.
    const status = response.headersSent ? response.statusCode : undefined
    const path = pathOf(url!)
    const line = { request_id: id, method, path, status, ms, bytes, client: request?.client?.name, trace_id: traceOf(headers.traceparent)?.traceId }
    if (response.writableFinished) log[isExpected(config, path, status!) ? 'debug' : 'info'](line, 'Request')
    else log.info({ ...line, aborted: true }, 'Request aborted by the client')
  })
}

/** Whether the request is a probe that has succeeded, or failed as the one before it. */
function isExpected (config: object, path: string, status: number): boolean {
  if (!PROBES.includes(path)) return false
  const statuses = lastStatuses.get(config) ?? new Map<string, number | undefined>()
  lastStatuses.set(config, statuses)
  const last = statuses.get(path)
  statuses.set(path, status)
  return status < 400 || status === last
}

/** The URL without its query, which may contain names and other personal data and is therefore not logged. */
export function pathOf (url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** Logs every request that reaches the router. Must be registered before plugins whose hooks may reject a request. Needs: config. */
export default fp(async (fastify) => {
  if (!fastify.config.LOG_REQUESTS) return
  fastify.addHook('onRequest', (request, reply, done) => {
    logRequest(fastify, request.id, request.raw, reply.raw, request)
    done()
  })
}, { name: 'request-log', dependencies: ['config'] })
