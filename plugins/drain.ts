import fp from 'fastify-plugin'

const SWEEP_MS = 50

/**
 * Ends each connection with the last answer that it waits for once the server closes. Node ends those that are idle at that
 * moment and keeps the others until they time out.
 */
export default fp(async (fastify) => {
  let sweep: NodeJS.Timeout | undefined
  fastify.addHook('preClose', async () => {
    sweep = setInterval(() => fastify.server.closeIdleConnections(), SWEEP_MS)
  })
  fastify.addHook('onClose', async () => clearInterval(sweep))
}, { name: 'drain', dependencies: ['jobs'] })
