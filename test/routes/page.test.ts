import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import ts from 'typescript'
import { build, csv } from '../support/app.js'
import { ONE_KEY_PER_SCOPE } from '../support/api-keys.js'

/** Bytes of the page with all that it loads, uncompressed. */
const MAX_BYTES = 150_000

/** The paths of the files that the page loads: those in its markup, and the modules that they import. */
async function assetsOf (app: FastifyInstance): Promise<string[]> {
  const { body } = await app.inject('/')
  const paths = [...body.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => `/${path}`)
  const found = new Set<string>(paths)
  // A set yields what is added during the loop as well.
  for (const path of found) {
    if (!path.endsWith('.js') || path.endsWith('uplot.js')) continue
    for (const [, name] of (await app.inject(path)).body.matchAll(/\b(?:import|export)\b[^'"]*['"]\.\/([^'"]+)['"]/g)) found.add(path.replace(/[^/]+$/, name!))
  }
  return [...found]
}

t.test('the page and its files are served with their types, an ETag, and a policy without exceptions', async (t) => {
  const { app } = await build(t)
  const page = await app.inject('/')
  t.equal(page.statusCode, 200)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.equal(page.headers['cache-control'], 'no-cache')
  t.match(page.headers['content-security-policy'], /^default-src 'none';.*script-src 'self';.*style-src 'self';.*frame-ancestors 'none'/)
  t.notMatch(page.headers['content-security-policy'], /unsafe/)
  t.notMatch(page.body, /<script>|<style| style=| on\w+=/, 'the policy forbids scripts and styles in the page itself')
  t.equal((await app.inject({ url: '/', headers: { 'if-none-match': page.headers.etag as string } })).statusCode, 304)
  const types: Record<string, string> = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' }
  const paths = await assetsOf(app)
  t.ok(paths.length > 20)
  for (const path of paths) {
    const asset = await app.inject(path)
    t.equal(asset.statusCode, 200, path)
    t.equal(asset.headers['content-type'], types[path.slice(path.lastIndexOf('.') + 1)])
    t.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable')
    t.notMatch(asset.body, /sourceMappingURL/)
    t.equal((await app.inject({ url: path, headers: { 'if-none-match': asset.headers.etag as string } })).statusCode, 304)
  }
})

t.test('the page loads every module of web/, and weighs less than 150 kB', async (t) => {
  const { app } = await build(t)
  const paths = await assetsOf(app)
  const modules = readdirSync('web').filter((name) => name.endsWith('.ts') && name !== 'types.ts').map((name) => name.replace(/ts$/, 'js'))
  t.same(paths.filter((path) => path.endsWith('.js') && !path.endsWith('uplot.js')).map((path) => path.slice(path.lastIndexOf('/') + 1)).sort(), modules.sort())
  const sizes = await Promise.all(['/', ...paths].map(async (path) => (await app.inject(path)).rawPayload.length))
  const bytes = sizes.reduce((sum, size) => sum + size)
  t.ok(bytes < MAX_BYTES, `${bytes} bytes`)
})

t.test('the shortening of the scripts changes no text of the page', async (t) => {
  const { app } = await build(t)
  const textsOf = (script: string) => {
    const texts: string[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isLiteralExpression(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node)) texts.push(node.text)
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile('x.js', script, ts.ScriptTarget.Latest))
    return texts
  }
  for (const path of await assetsOf(app)) {
    if (!path.endsWith('.js') || path.endsWith('uplot.js')) continue
    const source = readFileSync(new URL(`../../web/${path.slice(path.lastIndexOf('/') + 1)}`, import.meta.url), 'utf8')
    t.same(textsOf((await app.inject(path)).body), textsOf(source), path)
  }
})

t.test('the page is compressed if the request accepts it, and HEAD has the same headers', async (t) => {
  const { app } = await build(t)
  const plain = await app.inject('/')
  const zipped = await app.inject({ url: '/', headers: { 'accept-encoding': 'gzip' } })
  t.equal(zipped.headers['content-encoding'], 'gzip')
  t.equal(gunzipSync(zipped.rawPayload).toString(), plain.body)
  t.not(zipped.headers.etag, plain.headers.etag)
  const head = await app.inject({ url: '/', method: 'HEAD' })
  t.equal(head.body, '')
  t.same([head.statusCode, head.headers.etag, head.headers['content-security-policy']], [200, plain.headers.etag, plain.headers['content-security-policy']])
})

t.test('the page takes the parameters of a query, which its script reads', async (t) => {
  const { app } = await build(t)
  t.equal((await app.inject('/?min_age=30&where=city~a&unknown=1')).body, (await app.inject('/')).body)
})

t.test('a file of another build is not cached for long, and an unknown file is 404', async (t) => {
  const { app } = await build(t)
  const other = await app.inject('/page/another/main.js')
  t.same([other.statusCode, other.headers['cache-control']], [200, 'no-cache'])
  for (const path of ['/page/another/unknown.js', '/page/another/main.js.map', '/page/another/index.html', '/page/another/..%2fpackage.json']) {
    const { statusCode, json } = await app.inject(path)
    t.same([statusCode, json().code], [404, 'not_found'], path)
  }
})

t.test('the page needs no key, contains nothing of the records, and is not an operation of the document', async (t) => {
  const { app } = await build(t, { files: { 'secret-id.csv': csv('Secretname') }, settings: { API_KEYS: ONE_KEY_PER_SCOPE } })
  for (const path of ['/', ...await assetsOf(app)]) {
    const { statusCode, body } = await app.inject(path)
    t.equal(statusCode, 200, path)
    t.notMatch(body, /secret-id|Secretname/)
  }
  const { paths } = (await app.inject('/openapi.json')).json()
  t.same(Object.keys(paths).filter((path) => path === '/' || path.startsWith('/page')), [])
})
