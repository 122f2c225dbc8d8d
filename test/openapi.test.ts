import { readFileSync } from 'node:fs'
import t from 'tap'
import { entryOf } from './support/api-keys.js'
import { buildOnSampleData, maskVariableParts, toRequest } from './support/examples.js'
import { build, csv } from './support/app.js'

interface Described { readonly $ref?: string, readonly name?: string, readonly description?: string }
interface Schema extends Described { readonly properties?: Record<string, Described> }
interface Example { readonly description: string, readonly value: unknown }
interface Response { readonly content?: Record<string, { readonly examples?: Record<string, Example> }> }
interface Operation { readonly operationId: string, readonly parameters?: { name: string, in: string }[], readonly responses: Record<string, Response> }

t.test('openapi.json is the response of GET /openapi.json', async (t) => {
  const { app } = await build(t)
  const response = await app.inject('/openapi.json')
  t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  t.ok(response.body === readFileSync('openapi.json', 'utf8'), 'openapi.json is stale: npm run openapi')
})

t.test('every example is a response of the service', async (t) => {
  const fastify = await buildOnSampleData(t)
  const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as { paths: Record<string, Record<string, Operation>> }
  const instance = fastify.jobs.list()[0]!.instance
  let count = 0
  const examples = Object.values(document.paths).flatMap((path) => Object.values(path)).flatMap(({ responses }) =>
    Object.entries(responses).flatMap(([status, { content = {} }]) => Object.entries(content).flatMap(([type, { examples = {} }]) =>
      Object.values(examples).map((example) => ({ ...example, status, type })))))
  // The list of jobs comes first: the examples of POST make more of them.
  const byUrl = examples.sort((a, b) => Number(b.description.includes('/jobs\'')) - Number(a.description.includes('/jobs\'')))
  for (const { description, value, status, type } of byUrl) {
    const response = await fastify.inject(toRequest(description.slice(1, -1).replace('5e2f8a10', instance)))
    t.equal(String(response.statusCode), status, description)
    t.ok(String(response.headers['content-type']).startsWith(type), description)
    t.equal(maskVariableParts(type.endsWith('json') && type !== 'application/x-ndjson' ? response.body.trim() : JSON.stringify(response.body)), maskVariableParts(JSON.stringify(value)), description)
    count++
  }
  t.ok(count >= 20)
})

t.test('every schema, property, parameter and header has a description, and every number a format', async (t) => {
  const { app } = await build(t)
  const document = (await app.inject('/openapi.json')).json()
  const { components, paths } = document as { components: { schemas: Record<string, Schema>, headers: Record<string, Described> }, paths: Record<string, Record<string, { parameters: Described[] }>> }
  const described = new Map<string, Described>(Object.entries(components.headers))
  for (const [name, schema] of Object.entries(components.schemas)) {
    described.set(name, schema)
    for (const [property, value] of Object.entries(schema.properties ?? {})) described.set(`${name}.${property}`, value)
  }
  for (const [path, item] of Object.entries(paths)) {
    for (const { parameters } of Object.values(item)) for (const parameter of parameters) described.set(`${path} ${parameter.name}`, parameter)
  }
  t.same([...described].filter(([, { $ref, description }]) => ($ref ?? description ?? '') === '').map(([name]) => name), [])
  t.ok(described.size > 100)
  const numbers = [...JSON.stringify(document).matchAll(/\{[^{}]*"type":"(integer|number)"[^{}]*\}/g)]
  t.same(numbers.filter(([text, type]) => !(type === 'number' ? /"format":"double"/ : /"format":"int(32|64)"/).test(text)), [])
  t.ok(numbers.length > 25)
})

t.test('the objects of responses have names, which generated clients use for their types; only two small ones have none', async (t) => {
  const { app } = await build(t)
  const { components, paths } = (await app.inject('/openapi.json')).json()
  const unnamed: string[] = []
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return
    if ('type' in value && value.type === 'object' && 'properties' in value) unnamed.push(path)
    for (const [name, child] of Object.entries(value)) if (!/^examples?$/.test(name)) visit(child, `${path}/${name}`)
  }
  visit(paths, 'paths')
  for (const [name, schema] of Object.entries(components.schemas as Record<string, object>)) for (const [key, child] of Object.entries(schema)) visit(child, `${name}/${key}`)
  t.same(unnamed.filter((path) => !path.startsWith('BucketNotification/')), ['Problem/properties/reject', 'Statistics/properties/other'])
})

t.test('every component is used', async (t) => {
  const { app } = await build(t)
  const { body } = await app.inject('/openapi.json')
  for (const [kind, components] of Object.entries(JSON.parse(body).components as Record<string, object>)) {
    for (const name of Object.keys(components)) t.ok(body.includes(kind === 'securitySchemes' ? `"${name}": [` : `"#/components/${kind}/${name}"`), name)
  }
})

t.test('the document contains nothing that client generators cannot handle', async (t) => {
  const { app } = await build(t)
  const faults: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || path.endsWith('/value')) return
    const { type, exclusiveMinimum, exclusiveMaximum, ...schema } = value as Record<string, unknown>
    if (Array.isArray(type)) faults.push(`${path}: several types`)
    if ('const' in schema) faults.push(`${path}: const`)
    if ('enum' in schema && 'minLength' in schema) faults.push(`${path}: minLength beside enum`)
    if (exclusiveMinimum !== undefined || exclusiveMaximum !== undefined) faults.push(`${path}: an exclusive bound`)
    for (const [name, part] of Object.entries(value)) visit(part, `${path}/${name}`)
  }
  visit((await app.inject('/openapi.json')).json(), '')
  t.same(faults, [])
})

t.test('booleans and numbers as clients write them are accepted', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const table = ['image_exists=true&is_image_exists=true', 'min_age=0&max_age=9999.5', 'as_of=2025-06-01T00:00:00.000Z', 'user_id=1&user_id=2']
  for (const search of table) t.equal((await app.inject(`/stats?bin_width=999&${search}`)).statusCode, 200, search)
  t.equal((await app.inject('/data?columns=user_id,last_name')).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/data?dry_run=false' })).statusCode, 200)
})

t.test('the document of the page of GET /docs has the security of operations only if credentials are configured', async (t) => {
  for (const settings of [{}, { API_KEYS: entryOf('read') }]) {
    const { app } = await build(t, { settings })
    const [shown, served] = [(await app.inject('/docs/json')).json(), (await app.inject('/openapi.json')).json()]
    t.match(served.paths['/data'].get.security, [{ bearer: ['read'] }, {}])
    if ('API_KEYS' in settings) {
      t.same(shown, served)
      continue
    }
    t.notMatch(JSON.stringify(shown), /"security(Schemes)?"/)
    const withoutSecurity = (document: object) => JSON.parse(JSON.stringify(document, (name, value) => name === 'security' || name === 'securitySchemes' ? undefined : value))
    t.same(shown, withoutSecurity(served), 'and nothing else is different')
  }
})

t.test('the page of GET /docs loads nothing from another origin', async (t) => {
  const { app } = await build(t)
  const page = await app.inject('/docs')
  t.match(page.headers['content-security-policy'], /default-src 'none'/)
  const assets = [...page.body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url!)
  t.ok(assets.length >= 5)
  for (const url of assets) {
    t.ok(url.startsWith('/docs/'), url)
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
  t.equal((await app.inject('/docs/json')).statusCode, 200)
  t.ok(assets.includes('/docs/static/theme/viewport.js'))
})
