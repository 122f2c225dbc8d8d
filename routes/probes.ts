import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { noData, unavailable } from '../plugins/problems/problem.js'
import { livez, readyz, startupz } from './openapi/reports.js'
import { NoQuery } from './http/parameters.js'
import { ProbeStatus } from './http/schemas.js'

/** The probes of Kubernetes: none of them touches the bucket. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const schema = { querystring: NoQuery, response: { 200: ProbeStatus } }

  const requireData = () => {
    const { ageMs, staleReasons } = fastify.transformer.freshness()
    if (ageMs === undefined) throw noData(staleReasons)
  }

  fastify.get('/livez', { config: { operation: livez, anyHost: true }, schema }, async () => ({ status: 'alive' }) as const)

  fastify.get('/startupz', { config: { operation: startupz, anyHost: true }, schema }, async () => {
    requireData()
    return { status: 'started' } as const
  })

  fastify.get('/readyz', { config: { operation: readyz, anyHost: true }, schema }, async () => {
    requireData()
    if (fastify.isDraining) throw unavailable('draining', 'This process is about to end')
    return { status: 'ready' } as const
  })
}

export default routes
