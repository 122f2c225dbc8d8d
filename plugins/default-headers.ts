import fp from 'fastify-plugin'

/**
 * The headers of every response, unless its route replaces them. Pages of other origins cannot embed the response, browsers do not guess
 * its type, and caches do not store it.
 */
export const DEFAULT_HEADERS = {
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store'
} as const

/** Sets the default headers on every response. */
export default fp(async (fastify) => {
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.headers(DEFAULT_HEADERS)
    done()
  })
}, { name: 'default-headers' })
