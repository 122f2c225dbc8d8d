import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { gzipBuffer } from '../lib/output/compress.js'
import { notFound } from '../plugins/problems.js'
import { entityTag, headersOnly, isNotModified, notModified } from './http/conditional.js'
import { encodingOf } from './http/negotiation.js'

/** The page runs its own scripts only, has no styles in attributes, and no script can turn text into markup. */
const CSP = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"
].join('; ')

/** Where index.html expects the other files. The name of the build replaces `current`. */
const PREFIX = 'page/current/'

/** A file of the page, as it is sent. */
interface Asset { readonly type: string, readonly body: Buffer, readonly gzip: Buffer, readonly name: string }

/** GET /, the web page, and the files that it loads. Nothing in them comes from records: the page reads those from the other routes. */
const routes: FastifyPluginAsync = async (fastify) => {
  const texts = readFiles()
  const build = hashOf([...texts].flat().join('\n'))
  const index = await toAsset('index.html', texts.get('index.html')!.replaceAll(PREFIX, `page/${build}/`))
  texts.delete('index.html')
  const assets = new Map(await Promise.all([...texts].map(async ([name, text]) => [name, await toAsset(name, text)] as const)))
  const options = { config: { access: 'public' as const }, schema: { hide: true } }

  fastify.route({
    ...options,
    url: '/',
    method: ['GET', 'HEAD'],
    handler: async (request, reply) => {
      reply.headers({ 'content-security-policy': CSP, 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin' })
      return send(request, reply, index, 'no-cache')
    }
  })

  fastify.route<{ Params: { readonly build: string, readonly name: string } }>({
    ...options,
    url: '/page/:build/:name',
    method: ['GET', 'HEAD'],
    handler: async (request, reply) => {
      const asset = assets.get(request.params.name)
      if (asset === undefined) throw notFound(request)
      // During an update, a replica may be asked for the files of another build.
      return send(request, reply, asset, request.params.build === build ? 'public, max-age=31536000, immutable' : 'no-cache')
    }
  })

  function send (request: FastifyRequest, reply: FastifyReply, { type, body, gzip, name }: Asset, cacheControl: string): FastifyReply {
    const encoding = encodingOf(request)
    const etag = entityTag(fastify, 'page', name, encoding)
    reply.headers({ vary: 'accept-encoding', etag, 'cache-control': cacheControl })
    if (isNotModified(request, { etag })) return notModified(reply)
    reply.type(type)
    if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
    if (request.method === 'HEAD') return headersOnly(reply)
    return reply.send(encoding === 'gzip' ? gzip : body)
  }
}

export default routes

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml'
}

/** The files of the page by their names: the compiled scripts, the other files in web/, and the plotting library. */
function readFiles (): Map<string, string> {
  const { resolve } = createRequire(import.meta.url)
  const scripts = new URL('../web/', import.meta.url)
  const files = new Map<string, string | URL>([
    ...['index.html', 'style.css', 'icon.svg'].map((name) => [name, resolve(`#web/${name}`)] as const),
    ...readdirSync(scripts).filter((name) => name.endsWith('.js')).sort().map((name) => [name, new URL(name, scripts)] as const),
    ['uplot.js', resolve('uplot/dist/uPlot.iife.min.js')]
  ])
  return new Map([...files].map(([name, path]) => {
    const text = readFileSync(path, 'utf8').replaceAll(/\n\s+/g, '\n')
    return [name, name === 'style.css' ? withoutSpaces(text) : path instanceof URL ? withoutLines(text) : text]
  }))
}

/**
 * A compiled script without the line breaks and semicolons that have no meaning, without the spaces of its imports and around some operators, and without the link to its source map, which is not served. The compiler
 * removes comments and ends each statement with a semicolon, so that a line break is needed between words only. No string of the page has several lines, or an operator between spaces.
 */
function withoutLines (script: string): string {
  const short = script.replace(/\/\/# sourceMappingURL=\S+\s*$/, '').replaceAll(/^import \{ (.+) \} from (?=')/gm, (_, names: string) => `import{${names.replaceAll(', ', ',')}}from`)
  return short.replaceAll(/;\n(?=\})|(?<![\w$])\n|\n(?![\w$])/g, '').replaceAll(/ (=>|[=!]==|&&|\|\||\?\??|:) |(?<=\)) (?=\{)|(?<=\bif) (?=\()/g, '$1')
}

/** A style sheet without comments and the spaces that have no meaning. In style.css, a colon before a space is in a declaration or a media query. */
function withoutSpaces (css: string): string {
  return css.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/\s*([{};>])\s*/g, '$1').replaceAll(/([:,]) /g, '$1').replaceAll(';}', '}')
}

async function toAsset (name: string, text: string): Promise<Asset> {
  const body = Buffer.from(text)
  return { type: TYPES[name.slice(name.lastIndexOf('.') + 1)]!, body, gzip: await gzipBuffer(body), name: hashOf(text) }
}

function hashOf (text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}
