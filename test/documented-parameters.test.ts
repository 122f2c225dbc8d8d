import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { buildOnSampleData } from './support/examples.js'

/** Parameters of which any value but the default is an error without another parameter: the other one, with a value. */
const REQUIRED_BESIDE: Readonly<Record<string, readonly [name: string, value: string]>> = {
  'getStatistics bins': ['columns', 'birthts'],
  'getStatistics limit': ['group_by', 'last_name']
}

/** The status of a request with a documented value, if it is not 200: the sample data has another data version than the one of the example. */
const STATUS: Readonly<Record<string, number>> = { 'publishOutput confirm': 409 }

interface Schema {
  readonly $ref?: string
  readonly type: string
  readonly format?: string
  readonly enum?: string[]
  readonly pattern?: string
  readonly minimum: number
  readonly maximum: number
  readonly items?: Schema
  readonly default?: unknown
  readonly examples?: unknown[]
}
interface Parameter { readonly name: string, readonly in: string, readonly description: string, readonly schema: Schema }
interface Document {
  readonly paths: Record<string, Record<string, { readonly operationId: string, readonly parameters: Parameter[] }>>
  readonly components: { readonly schemas: Record<string, Schema> }
}

t.test('the documented values, bounds, default and example of every parameter are those of the service', async (t) => {
  const app = await buildOnSampleData(t)
  const document: Document = (await app.inject('/openapi.json')).json()
  const cursor = String((await app.inject('/data?limit=1')).headers['next-cursor'])
  let count = 0
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { operationId, parameters }] of Object.entries(item)) {
      for (const { name, in: place, schema: { $ref, ...own } } of parameters) {
        if (place !== 'query') continue
        const schema = { ...own, ...$ref !== undefined && document.components.schemas[$ref.split('/').at(-1)!] } as Schema
        const beside = REQUIRED_BESIDE[`${operationId} ${name}`]
        const send = sender(app, method, path, parameters, [name])
        const sendBeside = beside === undefined ? send : sender(app, method, path, parameters, [name, beside])
        const { accepted, rejected } = valuesOf(schema)
        // The sample data has fewer than two rejects, so their listing has no cursor.
        const cursors = path.startsWith('/data') ? [cursor] : []
        for (const value of name === 'cursor' ? cursors : [...accepted, ...schema.examples ?? []]) {
          t.equal((await sendBeside(value)).statusCode, STATUS[`${operationId} ${name}`] ?? 200, `${operationId} accepts ${name}=${String(value)}`)
        }
        for (const value of rejected) {
          t.match((await send(value)).json(), { status: 400, errors: [{ parameter: name }] }, `${operationId} rejects ${name}=${String(value)}`)
        }
        if (beside !== undefined) {
          const other = accepted.find((value) => value !== schema.default)
          t.match((await send(other)).json(), { status: 400, errors: [{ parameter: name, detail: 'no effect' }] }, `${operationId} rejects ${name}=${String(other)} without ${beside[0]}`)
        }
        if (schema.default !== undefined) t.equal(maskVariableParts((await send(schema.default)).body), maskVariableParts((await send(undefined)).body), `${operationId}: the default of ${name}`)
        count++
      }
    }
  }
  t.equal(count, Object.values(document.paths).flatMap((item) => Object.values(item)).flatMap(({ parameters }) => parameters).filter((p) => p.in === 'query').length)
  t.ok(count > 40)
})

/** Values that the schema of a parameter allows and forbids. */
function valuesOf ({ type, format, enum: values, pattern, minimum, maximum, items }: Schema): { accepted: unknown[], rejected: unknown[] } {
  if (values !== undefined) return { accepted: values, rejected: [`${values[0]}x`, ''] }
  if (type === 'boolean') return { accepted: [true, false], rejected: ['maybe', ''] }
  if (type === 'integer') return { accepted: [minimum, maximum], rejected: [minimum - 1, maximum + 1, Math.max(minimum, -1) + 0.5, 'x', ''] }
  if (type === 'number') return { accepted: [minimum, maximum, 0.1 + 0.2, (maximum / 3).toFixed(10)], rejected: [minimum - 1, maximum + 1, 'x', ''] }
  if (type === 'array') {
    const { accepted, rejected } = valuesOf(items!)
    return { accepted: accepted.map((value) => [value]), rejected: rejected.map((value) => [value]) }
  }
  if (format === 'date-time') return { accepted: ['2025-06-01T00:00:00Z', '2025-06-01T02:00:00.123456+02:00', '2025-06-01'], rejected: ['2025-06-31', 'x', ''] }
  return { accepted: [], rejected: pattern === undefined ? [''] : ['x', ''] }
}

/** Sends requests that are valid except for the parameter, which may have one value, several or none. `beside`: another parameter and its value. */
function sender (app: FastifyInstance, method: string, path: string, parameters: readonly Parameter[], [name, beside]: readonly [name: string, beside?: readonly [string, string]]) {
  const examples = Object.fromEntries(parameters.filter((parameter) => parameter.in === 'path').map((parameter) => [parameter.name, String(parameter.schema.examples![0])]))
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => examples[name]!)
  return async (value: unknown) => {
    const search = new URLSearchParams(value === undefined ? [] : [value].flat().map((text): [string, string] => [name, String(text)]))
    if (beside !== undefined) search.append(...beside)
    return await app.inject({ method: method.toUpperCase() as 'GET', url: `${url}?${search}` })
  }
}

/** A body without the values that differ from request to request. The progress is one, because files of the new folder are read again until they are 2 s old. */
function maskVariableParts (body: string): string {
  return body.replaceAll(/"(id|\w+_at)":"[^"]*"/g, '"$1":""').replaceAll(/"progress":\{[^}]*\}/g, '"progress":{}')
}
