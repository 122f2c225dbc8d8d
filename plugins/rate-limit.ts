import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { countOf } from '../lib/base/count-of.js'
import { httpProblem } from './problems/problem.js'
import { isLoopback } from './request-checks/host.js'

/** The value of `RATE_LIMIT=auto`, unless the service listens on a loopback address only and has no credentials. */
const REQUESTS_PER_MINUTE = 60

/** IPv6 addresses that have this number of leading bits in common count as one client, because a client usually has such a network. */
const IPV6_PREFIX = 64

/** Whether a request requires a listing of the lake that begins after it. */
export function requiresListing ({ headers: { 'cache-control': cacheControl } }: FastifyRequest): boolean {
  return cacheControl !== undefined && /(^|,)\s*no-cache\s*(,|$)/i.test(cacheControl)
}

/** Limits the requests of each client that make the service list the lake. Other requests, events among them, are not counted. Needs: config, access. */
export default fp(async (fastify) => {
  const { RATE_LIMIT: setting, HOST: host } = fastify.config
  const isPrivate = isLoopback(host) && !fastify.hasCredentials
  if (setting === 'unlimited' || (setting === 'auto' && isPrivate)) return
  const { default: rateLimit, normalizeIP } = await import('@fastify/rate-limit') // takes 20 ms
  const max = setting === 'auto' ? REQUESTS_PER_MINUTE : Number(setting)
  const keyGenerator = ({ client, ip }: FastifyRequest) => client === undefined ? normalizeIP(ip, IPV6_PREFIX) : `client ${client.name}`
  await fastify.register(rateLimit, { global: false, max, timeWindow: 60_000, keyGenerator })
  const count = fastify.createRateLimit()
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { access } = request.routeOptions.config
    if (access === 'public' || access === 'events' || !(request.method === 'POST' || requiresListing(request))) return done()
    count(request).then((state) => done('isExceeded' in state && state.isExceeded ? tooMany(max, state.ttlInSeconds) : undefined), done)
  })
}, { name: 'rate-limit', dependencies: ['config', 'access'] })

function tooMany (max: number, seconds: number) {
  return httpProblem(429, `This client has sent more than ${countOf(max, 'request')} in a minute that make the service list the lake (POST /data, or Cache-Control: no-cache); try again in ${seconds} s`, {
    headers: { 'retry-after': String(seconds) }
  })
}
