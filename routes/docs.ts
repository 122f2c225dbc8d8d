import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { documentOptions } from './openapi/document.js'

/** The page needs nothing but its own files: no other origin, no script in the page itself. */
const CSP = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': ["'self'", "'unsafe-inline'"], // Swagger UI sets styles on its elements
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'", 'data:'],
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'"
}

/** Makes phones show the page at their own width. The page of Swagger UI has no such element, and no option for one. */
const VIEWPORT = 'document.head.append(Object.assign(document.createElement("meta"), { name: "viewport", content: "width=device-width, initial-scale=1" }))\n'

/** GET /openapi.json, and GET /docs, the page that shows it. Must be registered before the routes that it documents. */
export default fp(async (fastify) => {
  await fastify.register(swagger, documentOptions(fastify.tableSchema))
  await fastify.register(async (docs) => {
    docs.addHook('onRoute', (route) => { route.config = { ...route.config, access: 'public' } })
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: CSP,
      // Without configured credentials, the page shows no padlocks. /openapi.json has the security of operations in any case, so that clients generated from any service are the same.
      ...!fastify.hasCredentials && { transformSpecification: withoutSecurity },
      theme: { title: 'Userlake', js: [{ filename: 'viewport.js', content: VIEWPORT }] },
      uiConfig: { deepLinking: true, defaultModelsExpandDepth: 0, displayRequestDuration: true }
    })
  })

  let text: string | undefined
  fastify.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(fastify.swagger(), undefined, 2) + '\n'
    return reply.type('application/json; charset=utf-8').header('cache-control', 'no-cache').send(text)
  })
}, { name: 'docs', dependencies: ['access'] })

/** Removes the security schemes from a document, and the requirements of its operations. */
function withoutSecurity ({ components, paths, security, ...document }: Readonly<Record<string, any>>): Record<string, any> {
  const { securitySchemes, ...otherComponents } = components
  const mapValues = (object: object, change: (value: any) => unknown) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))
  return { ...document, components: otherComponents, paths: mapValues(paths, (path) => mapValues(path, ({ security, ...operation }) => operation)) }
}
