import { gunzipSync } from 'node:zlib'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AnySchema } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'

/** Headers that any response may have, and that the document does not list. */
const UNIVERSAL = ['access-control-allow-origin', 'access-control-expose-headers', 'connection', 'content-length', 'content-type', 'date', 'transfer-encoding']

interface Header { readonly required?: boolean, readonly schema: { readonly type?: string } }
interface Reference { readonly $ref: string }
interface Media { readonly schema: object }
interface Response { readonly headers?: Record<string, Reference>, readonly content?: Record<string, Media> }
interface Document { readonly components: { readonly headers: Record<string, Header> }, readonly paths: Record<string, Record<string, { readonly responses: Record<string, Response> }>> }

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)

/** Makes `inject` throw if a response does not conform to the OpenAPI document of the app. */
export function validateResponses (fastify: FastifyInstance): void {
  const inject = fastify.inject.bind(fastify) as (request: unknown) => Promise<LightMyRequestResponse>
  let document: Document | undefined
  fastify.inject = (async (request: unknown) => {
    const response = await inject(request)
    document ??= fastify.swagger() as unknown as Document
    const { method, url } = response.raw.req as { method: string, url: string }
    const differences = compare(response, method, documentedResponses(document, method, url, typeOf(response)), document)
    if (differences.length > 0) throw new Error(`${method} ${url} ${response.statusCode} is not as documented: ${differences.join('; ')}`)
    return response
  }) as FastifyInstance['inject']
}

/** Extensions of paths: the document describes the responses of /data and /rejects in formats other than JSON under these paths. */
const FORMATS: Readonly<Record<string, string>> = { 'text/csv': '.csv', 'application/x-ndjson': '.ndjson' }

/** The documented responses to a request; `undefined` if the document does not have its path or method. */
function documentedResponses ({ paths }: Document, method: string, url: string, type: string): Record<string, Response> | undefined {
  const [requested] = url.split('?', 1) as [string]
  const pathname = ['/data', '/rejects'].includes(requested) ? requested + (FORMATS[type] ?? '') : requested
  const path = Object.keys(paths).find((template) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname))
  return path === undefined ? undefined : paths[path]![method === 'HEAD' ? 'get' : method.toLowerCase()]?.responses
}

function compare (response: LightMyRequestResponse, method: string, documented: Record<string, Response> | undefined, document: Document): string[] {
  const type = typeOf(response)
  // Not in the document: routes that are hidden (the web page, /docs, /openapi.json), and unknown paths and methods, whose response must be a problem.
  if (documented === undefined) return response.statusCode < 400 || type === 'application/problem+json' ? [] : [`undocumented path or method, with the type ${type}`]
  const expected = documented[response.statusCode] ?? ([405, 408, 417, 421, 431].includes(response.statusCode) ? documented['default'] : undefined)
  if (expected === undefined) return ['undocumented status']
  const { headers = {}, content } = expected
  // The document describes these bodies in words only, so there is no schema to check.
  if (isOtherFormatOfChanges(response, type)) return compareHeaders(response, headers, document)
  const differences = compareHeaders(response, headers, document)
  if (content === undefined) return response.body === '' ? differences : [...differences, 'undocumented body']
  const media = content[type]
  if (media === undefined) return [...differences, `undocumented type ${type}`]
  if (method === 'HEAD' || !type.endsWith('json') || type === 'application/x-ndjson') return differences
  return [...differences, ...errorsOf(isSelection(response) ? SELECTION : media.schema, JSON.parse(textOf(response)), document)]
}

const SELECTION = { $ref: '#/components/schemas/RecordSelection' }

function isOtherFormatOfChanges ({ raw, statusCode }: LightMyRequestResponse, type: string): boolean {
  return statusCode === 200 && String((raw.req as { url?: string }).url).startsWith('/changes') && ['application/x-ndjson', 'text/event-stream'].includes(type)
}

/** Whether a response is one record in selected columns, which the document describes in words. */
function isSelection ({ raw, statusCode }: LightMyRequestResponse): boolean {
  return statusCode === 200 && /^\/data\/[^/?]+\?/.test(String((raw.req as { url?: string }).url))
}

function typeOf ({ headers }: LightMyRequestResponse): string {
  return String(headers['content-type'] ?? '').split(';', 1)[0]!
}

function textOf ({ headers, rawPayload }: LightMyRequestResponse): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(rawPayload) : rawPayload).toString()
}

function compareHeaders ({ headers }: LightMyRequestResponse, documented: Record<string, Reference>, document: Document): string[] {
  const byName = new Map(Object.entries(documented).map(([name, { $ref }]) =>
    [name.toLowerCase(), document.components.headers[$ref.replace('#/components/headers/', '')]!]))
  const missing = [...byName].filter(([name, { required }]) => required && headers[name] === undefined).map(([name]) => `missing header ${name}`)
  return Object.entries(headers).filter(([name]) => !UNIVERSAL.includes(name)).flatMap(([name, value]) => {
    const header = byName.get(name)
    if (header === undefined) return name === 'vary' && value === 'origin' ? [] : [`undocumented header ${name}`]
    return errorsOf(header.schema, header.schema.type === 'integer' ? Number(value) : value, document).map((error) => `${name}: ${error}`)
  }).concat(missing)
}

function errorsOf (schema: object, value: unknown, document: Document): string[] {
  const validate = compiled(schema, document)
  return validate(value) ? [] : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`)
}

type Validators = Map<string, ReturnType<Ajv2020['compile']>>
const validatorsOfComponents = new Map<string, Validators>()
const validatorsOfDocument = new WeakMap<Document, Validators>()

/** Compiles a schema together with the components of its document, to which it may refer. */
function compiled (schema: object, document: Document) {
  const { components } = document as unknown as { components: object }
  const validators = validatorsOfDocument.get(document) ?? validatorsWith(components)
  validatorsOfDocument.set(document, validators)
  const key = JSON.stringify(schema)
  const validate = validators.get(key) ?? ajv.compile({ ...schema, components } as AnySchema)
  validators.set(key, validate)
  return validate
}

/** Cached, because most apps of a test file have equal documents. */
function validatorsWith (components: object): Validators {
  const key = JSON.stringify(components)
  const validators = validatorsOfComponents.get(key) ?? new Map()
  validatorsOfComponents.set(key, validators)
  return validators
}
