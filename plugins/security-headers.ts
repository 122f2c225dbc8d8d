import fp from 'fastify-plugin'

/** What browsers may do with a response: pages of other origins cannot embed it, and nothing is taken for another type than it has. */
export const SECURITY_HEADERS = {
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff'
} as const

/** Sets the security headers on every response. */
export default fp(async (fastify) => {
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.headers(SECURITY_HEADERS)
    done()
  })
}, { name: 'security-headers' })
