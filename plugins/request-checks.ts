import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { parseOrigins } from './cors.js'
import { httpProblem, type Problem } from './problems/problem.js'
import { notFound } from './problems.js'
import { AllowedMethods } from './request-checks/allowed-methods.js'
import { findForeignHost, findMalformedHost, parseAllowedHosts } from './request-checks/host.js'
import { findForeignOrigin } from './request-checks/origin.js'
import { routeHint } from './request-checks/route-hint.js'
import { findMalformedUrl } from './request-checks/url.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route accepts any name in `Host`. Probes of orchestrators use the IP address of the container. */
    readonly anyHost?: boolean
  }
}

/**
 * Rejects requests with a wrong or malformed `Host`, a malformed URL, an unknown path or method, or a foreign `Origin`. Must be registered
 * before the routes. Needs: config.
 */
export default fp(async (fastify) => {
  const { ALLOWED_HOSTS: setting, HOST: listensOn } = fastify.config
  const allowedHosts = parseAllowedHosts(setting, listensOn)
  const origins = parseOrigins(fastify.config.CORS_ORIGINS)
  const allowedMethods = new AllowedMethods()
  fastify.addHook('onRoute', ({ url, method }) => allowedMethods.add(url, [method].flat()))
  fastify.addHook('onRequest', (request, _reply, done) => done(check(request)))

  function check (request: FastifyRequest): Problem | undefined {
    const { raw } = request
    return findMalformedHost(raw) ??
      findWrongHost(request) ??
      findMalformedUrl(raw.url!) ??
      (request.is404 || hasEmptyPart(request) ? findNoRoute(request) : undefined) ??
      findForeignOrigin(raw, origins)
  }

  function findWrongHost (request: FastifyRequest): Problem | undefined {
    const problem = findForeignHost(request.raw, allowedHosts)
    return problem !== undefined && request.routeOptions.config.anyHost ? undefined : problem
  }

  function findNoRoute (request: FastifyRequest): Problem {
    const path = request.url.split('?', 1)[0]!
    const allow = allowedMethods.of(path).join(', ')
    return allow === '' ? notFound(request, routeHint(path, allowedMethods.urls)) : httpProblem(405, `${request.method} is not allowed for this URL; allowed: ${allow}`, { headers: { allow } })
  }
}, { name: 'request-checks', dependencies: ['config'] })

/** Whether a parameter of the path is empty, as in /data/. Such a path is not that of a route. */
function hasEmptyPart ({ params }: FastifyRequest): boolean {
  return Object.entries(params as Readonly<Record<string, string>>).some(([name, value]) => value === '' && name !== '*')
}
