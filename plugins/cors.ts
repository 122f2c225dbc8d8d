import fp from 'fastify-plugin'

/** Response headers that pages of other origins may read, in addition to those that CORS always exposes, such as Content-Type and Last-Modified. */
const EXPOSED = 'age, content-disposition, data-last-good, data-stale, data-version, etag, link, location, next-cursor, preference-applied, request-id, retry-after, server-timing, www-authenticate, x-total-count'

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST',
  'access-control-allow-headers': 'authorization, cache-control, if-match, if-modified-since, if-none-match, if-unmodified-since, last-event-id, prefer, range, request-id, traceparent',
  'access-control-max-age': '600'
}

/** Parses the setting CORS_ORIGINS. */
export function parseOrigins (setting: string): ReadonlySet<string> {
  return new Set(setting === '' ? [] : setting.split(','))
}

/** Whether `parseOrigins` accepts a setting. `*` is not accepted: any web page could then use a service that only its visitor's machine or network can reach. */
export function isOrigins (setting: string): boolean {
  return [...parseOrigins(setting)].every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)
}

/**
 * Allows pages of CORS_ORIGINS to use the service, by the CORS protocol of the Fetch standard. Responds to preflight requests, so it must be registered
 * before the plugin that rejects unsupported methods. Needs: config.
 */
export default fp(async (fastify) => {
  const origins = parseOrigins(fastify.config.CORS_ORIGINS)
  if (origins.size === 0) return
  fastify.addHook('onRequest', (request, reply, done) => {
    const { origin, 'access-control-request-method': requested } = request.headers
    if (origin === undefined || !origins.has(origin)) return done()
    reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED })
    if (request.method !== 'OPTIONS' || requested === undefined) return done()
    reply.code(204).headers({ ...PREFLIGHT, vary: 'origin' }).send()
  })
  // Last, because routes and problems set the header.
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    const vary = reply.getHeader('vary')
    if (vary !== 'origin') reply.header('vary', vary === undefined ? 'origin' : `${String(vary)}, origin`)
    done()
  })
}, { name: 'cors', dependencies: ['config'] })
