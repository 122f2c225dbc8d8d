import assert from 'node:assert/strict'
import fc from 'fast-check'
import { build, csv, PNG } from '../support/app.js'
import type { Target } from './target.js'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly default?: unknown
  readonly examples?: readonly unknown[]
}
interface Parameter { readonly name: string, readonly in: string, readonly schema: Schema }
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly parameters?: readonly Parameter[] }>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const FILES = {
  '1000.csv': csv('Ann', 'Lee', 0),
  '1000.png': PNG,
  '1001.csv': 'first_name,last_name,birthts,city\n"=1+1","O, ""Neil""",-62135596800000,Rome\n',
  '1002.json': '{"first_name":"😀","last_name":"Straße","birthts":8640000000000000,"__proto__":"x"}',
  'a b.csv': csv('Łukasz', '', 1e12),
  'a b.jpg': 'not a photo',
  'x%2Fy.csv': csv('李', 'Ωmega', -1),
  'bad.csv': 'first_name\nAnn\n',
  'bad.json': '{',
  'orphan.png': PNG
}

const KEYS = ['1000', '1001', 'a b', 'x%2Fy', 'bad', 'orphan', 'none']
const COLUMNS = ['user_id', 'first_name', 'last_name', 'birthts', 'img_path', 'city', '__proto__', 'none', '*', 'average_age']

/** Values for any parameter or header. They are seldom valid. */
const ODD = fc.oneof(
  fc.constantFrom('', ' ', '*', ',', ',,', '%', '%00', '\0', '\n', '\ud83d', '😀', 'null', 'true', 'NaN', '-0', '1e999', '-1', '9007199254740993', '0x10', '1,2', '"', '""', '__proto__', 'constructor', '2025-02-30T00:00:00Z', '0000-01-01T00:00:00Z', 'a'.repeat(3000)),
  fc.string({ unit: 'grapheme', maxLength: 12 })
)

const condition = fc.tuple(fc.constantFrom('', '!'), fc.constantFrom(...COLUMNS), fc.constantFrom('', '=', '!=', '<', '<=', '>', '>=', '~', '^=', '==', '<>'), fc.oneof(fc.constantFrom('0', 'Ann', '1000', '-1', '9e15', ''), ODD)).map((parts) => parts.join(''))
const columnList = fc.array(fc.tuple(fc.constantFrom('', '', '', '-'), fc.constantFrom(...COLUMNS)).map((parts) => parts.join('')), { minLength: 1, maxLength: 3 }).map((names) => names.join())

/** Names that the service has returned in earlier responses, and that clients send back. */
interface Named { readonly cursors: readonly string[], readonly versions: readonly string[], readonly etags: readonly string[], readonly jobs: readonly string[] }

/** Values of a parameter: valid ones, its bounds and the values just beyond them, and others. */
function valuesOf (name: string, schema: Schema, named: Named): fc.Arbitrary<string> {
  const { type, format, enum: values, minimum = -1e6, maximum = 1e6, items, default: defaultValue, examples = [] } = schema
  const known = [...examples.flat(), ...values ?? [], ...defaultValue === undefined ? [] : [defaultValue]].map(String)
  const special: Readonly<Record<string, fc.Arbitrary<string>>> = {
    where: condition,
    columns: columnList,
    sort: columnList,
    group_by: fc.constantFrom(...COLUMNS),
    cursor: fc.constantFrom(...named.cursors),
    since: fc.tuple(fc.constantFrom(...named.versions), fc.constantFrom('', '~0', '~1', '~')).map((parts) => parts.join('')),
    'Last-Event-ID': fc.constantFrom(...named.versions),
    user_id: fc.constantFrom(...KEYS),
    id: fc.constantFrom(...named.jobs),
    Range: fc.constantFrom('bytes=0-0', 'bytes=-1', 'bytes=5-', 'bytes=0-1,3-4', 'bytes=9-1', 'bytes=999-', 'bytes=-0', 'items=0-1', 'bytes=0-99999999999999999999'),
    'Cache-Control': fc.constantFrom('no-cache', 'max-age=0', 'only-if-cached', 'max-age=-1', 'max-age=x, no-cache', 'no-cache, no-cache'),
    Prefer: fc.constantFrom('respond-async', 'wait=1', 'respond-async, wait=0', 'RESPOND-ASYNC;x=1')
  }
  const conditional = /^If-(None-)?(Match|Range)$/.test(name) ? [fc.constantFrom('*', ...named.etags, ...named.etags.map((etag) => `W/${etag}, "x"`), named.etags.join(), '"', 'x')] : []
  const dates = /-Since$|^If-Range$/.test(name) ? [fc.constantFrom('Sun, 15 Jun 2025 12:15:30 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT', 'yesterday', '2025-06-15')] : []
  const typed = type === 'boolean'
    ? [fc.constantFrom('true', 'false', '1', '0', 'True')]
    : type === 'integer' || type === 'number'
      ? [fc.constantFrom(minimum, maximum, minimum - 1, maximum + 1, 0, 0.5).map(String), fc.integer({ min: Math.ceil(minimum), max: Math.floor(maximum) }).map(String), fc.double().map(String)]
      : format === 'date-time' ? [fc.constantFrom('2025-06-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '0001-01-01T00:00:00+14:00', '2025-06-01T02:00:00.123456+02:00')] : []
  const usual = [...known.length === 0 ? [] : [fc.constantFrom(...known)], ...Object.hasOwn(special, name) ? [special[name]!] : [], ...conditional, ...dates, ...typed, ...items === undefined ? [] : [valuesOf('', items, named)]]
  return fc.oneof(...usual.map((arbitrary) => ({ weight: 4, arbitrary })), { weight: 1, arbitrary: ODD })
}

/** A request, with names and values as they are before they are encoded. */
interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

const EXTRA_HEADERS = fc.record({
  accept: fc.constantFrom('*/*', 'text/csv', 'application/x-ndjson', 'application/json;q=0.5, text/csv;q=0.4', 'text/html', 'image/*', '', 'application/json;q=x', ';;,', 'a/b;c="'),
  'accept-encoding': fc.constantFrom('gzip', 'identity;q=0', 'gzip;q=0, *', 'br, gzip;q=0.001', '*;q=0', ''),
  origin: fc.constantFrom('null', 'https://example.org'),
  'content-type': fc.constantFrom('application/json', 'text/plain', 'x', 'application/json; charset=latin1'),
  'x-request-id': fc.constantFrom('abc', 'a b', 'é', 'x'.repeat(200)),
  authorization: fc.constantFrom('Bearer x', 'Basic', ''),
  host: fc.constantFrom('localhost', '', 'a b', '[::1'),
  traceparent: fc.constantFrom('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x')
}, { requiredKeys: [] })

/** Replaces the characters that HTTP does not allow in the value of a header. */
const toHeader = (text: string) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
const encode = (text: string) => encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'))

/** The values of a parameter that is given once or, in one of ten cases, twice. */
const repeated = (values: fc.Arbitrary<string>) => fc.oneof({ weight: 9, arbitrary: values.map((value) => [value]) }, { weight: 1, arbitrary: fc.tuple(values, values) })

function requestsTo (path: string, method: string, parameters: readonly Parameter[], resolve: (schema: Schema) => Schema, named: Named): fc.Arbitrary<Request> {
  const arbitrary = ({ name, schema }: Parameter) => valuesOf(name, resolve(schema), named)
  const inQuery = parameters.filter((parameter) => parameter.in === 'query')
  const inPath = parameters.filter((parameter) => parameter.in === 'path')
  const inHeader = parameters.filter((parameter) => parameter.in === 'header')
  // A few parameters at a time: with all of them, nearly every request would be invalid.
  const given = fc.subarray(inQuery, { maxLength: Math.min(4, inQuery.length) }).chain((chosen) =>
    fc.tuple(...chosen.map((parameter) => repeated(arbitrary(parameter)).map((values) => values.map((value) => `${parameter.name}=${encode(value)}`).join('&')))))
  return fc.record({
    query: given,
    unknown: fc.oneof({ weight: 19, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom('&x=1', '&', '&&=', '&=1', '&limit', '&%ff=1', '&a[b]=1', '?', '&__proto__=1') }),
    places: fc.tuple(...inPath.map(arbitrary)),
    chosen: fc.tuple(...inHeader.map((parameter) => fc.option(arbitrary(parameter), { freq: 3 }))),
    extra: fc.option(EXTRA_HEADERS, { freq: 2 }),
    verb: fc.oneof({ weight: 12, arbitrary: fc.constant(method.toUpperCase()) }, { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'DELETE', 'PUT', 'PATCH', 'POST', 'GET') }),
    body: fc.option(fc.constantFrom('', '{}', '{', 'x', '[]', '\0'), { nil: undefined, freq: 10 })
  }).map(({ query, unknown, places, chosen, extra, verb, body }): Request => {
    const search = query.join('&') + unknown
    const url = inPath.reduce((url, { name }, i) => url.replace(`{${name}}`, () => encode(places[i]!)), path) + (search === '' ? '' : `?${search}`)
    const headers = Object.fromEntries(inHeader.flatMap(({ name }, i) => chosen[i] === null ? [] : [[name.toLowerCase(), chosen[i]!]]))
    return { method: verb, url, headers: Object.fromEntries(Object.entries({ ...headers, ...extra }).map(([name, value]) => [name, toHeader(value)])), body: ['GET', 'HEAD'].includes(verb) ? undefined : body }
  })
}

export const requests: Target = {
  name: 'requests',
  // `inject` throws if a response is not as documented (see `build`).
  about: 'requests of the OpenAPI document with valid, extreme and invalid values: no 5xx, and every response is as documented',
  runs: 500,
  open: async () => {
    const closing: (() => unknown)[] = []
    const { app, bucket, fresh } = await build({ teardown: (close) => { closing.push(close!) } }, { files: FILES })
    const versions: string[] = []
    for (const name of ['Ann', 'Eve', 'Zoe']) {
      bucket.put('source_data/1000.csv', csv(name))
      await fresh('/data')
      versions.push(String((await app.inject('/data')).headers['data-version']))
    }
    const published = await app.inject({ method: 'POST', url: '/data' })
    const headers = async (url: string) => (await app.inject(url)).headers
    const named: Named = {
      versions,
      cursors: await Promise.all(['/data?limit=1', '/data?limit=2&sort=-birthts', '/rejects?limit=1', `/changes?since=${versions[0]}&limit=1`].map(async (url) => String((await headers(url))['next-cursor'] ?? 'x'))),
      etags: await Promise.all(['/data', '/stats', '/data/1000', '/data/1000/image'].map(async (url) => String((await headers(url))['etag']))),
      jobs: [String(published.json().id), 'none']
    }
    const document = (await app.inject('/openapi.json')).json() as Document
    const resolve = ({ $ref, ...own }: Schema): Schema => ({ ...own, ...$ref !== undefined && document.components.schemas[$ref.split('/').at(-1)!] })
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { parameters = [] }]) => ({ weight: Math.ceil((parameters.length + 1) / 4), arbitrary: requestsTo(path, method, parameters, resolve, named) })))
    const property = fc.asyncProperty(fc.oneof(...operations), async ({ method, url, headers, body }) => {
      const response = await app.inject({ method: method as 'GET', url, headers, ...body !== undefined && { body } })
      assert.ok(response.statusCode < 500, `${method} ${url} ${response.statusCode}: ${response.body}`)
    })
    return { property, close: async () => { for (const close of closing.toReversed()) await close() } }
  }
}
