import fp from 'fastify-plugin'

/**
 * The headers of every response. Browsers must not embed it in pages of other origins or take it for another type than it has; caches
 * must not store it unless its route sets how long it stays true.
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
