import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { description, version } from '../../lib/base/package-info.js'
import { MIN_RECORDS } from '../../lib/query/suppress-few.js'
import type { Schema } from '../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import type { Parameters, ParametersSchema } from '../http/query.js'
import { componentsOf } from './components.js'
import { universal } from './headers.js'
import type { Operation } from './operation.js'
import { deniedProblems } from './problems.js'
import { toParameterObjects, type ParameterObject } from './parameters.js'

/** `files`: how files become records, as the rest of a sentence. */
const describe = (files: string) => `${description}: it ${files}, serves filtered
queries and statistics, and keeps one aggregated file, the output, up to date. A lake is an S3-compatible bucket or a folder.

Every response that contains data has the age of the data in \`Age\` and, if the data may be outdated, the reasons in \`Data-Stale\`. Errors
are \`application/problem+json\` with a stable \`code\`. HEAD is available wherever GET is. An unknown parameter is an error. The
responses whose headers include \`Content-Encoding\` are compressed if the request has \`Accept-Encoding: gzip\`.`

const SERVERS = [
  { url: '/', description: 'The server that this document was loaded from' },
  { url: 'http://localhost:8080', description: 'A server on this machine, with its default port' }
]

const BEARER = {
  type: 'http' as const,
  scheme: 'bearer',
  description: 'An API key or a token (JWT), if the service has credentials configured: `Authorization: Bearer <key or token>`. The scope that an operation needs is in its `security`; ' +
    `the scope \`read\` includes \`stats\`, which allows \`GET /stats\` only, without anything about fewer than ${MIN_RECORDS} records.`
}

const TAGS = [
  { name: 'Records', description: 'The records and their images' },
  { name: 'Statistics', description: 'Statistics of the records' },
  { name: 'Schema', description: 'The declared columns' },
  { name: 'Jobs', description: 'Updates of the output' },
  { name: 'Events', description: 'Notifications of the bucket' },
  { name: 'Quarantine', description: 'The objects of the lake that are not served' },
  { name: 'Probes', description: 'Probes for Kubernetes and metrics for Prometheus, which do not access the lake, and the version' }
]

/**
 * The options of @fastify/swagger. The parameters in the document are those that routes read; the rest comes from their operations. The
 * examples are responses with the sample data, so only the document of the default schema has them.
 */
export function documentOptions (schema: Schema): FastifyDynamicSwaggerOptions {
  const shared = componentsOf(schema)
  const { components, withReferences } = shared
  const hasExamples = schema.descriptor === USERS_SCHEMA
  const operations = new Map<string, { readonly parameters: readonly ParameterObject[], readonly requestBody?: object, readonly responses: object }>()
  return {
    openapi: {
      openapi: '3.1.1',
      info: { title: 'Userlake', version, summary: description, description: describe(describeFiles(schema)), contact: { name: 'Userlake' }, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      servers: SERVERS,
      security: [],
      tags: TAGS,
      components: { ...components, securitySchemes: { bearer: BEARER } }
    },
    transform: ({ schema = {}, url, route }) => {
      const operation = route.config?.operation
      if ('hide' in schema) return { url, schema }
      if (operation === undefined) throw new Error(`${url} is neither documented nor hidden`)
      const { headers = {}, tags, requestBody, ...texts } = operation
      const access = route.config?.access ?? 'public'
      const responses = { ...deniedProblems(access), ...operation.responses }
      const security = access === 'public' ? [] : [{ bearer: [access] }, {}]
      const { querystring, params } = schema as { querystring?: ParametersSchema<Parameters>, params?: ParametersSchema<Parameters> }
      operations.set(texts.operationId, {
        parameters: [
          ...toParameterObjects('query', querystring?.parameters ?? {}, shared),
          ...toParameterObjects('path', params?.parameters ?? {}, shared),
          ...Object.entries(headers).map(([name, { description, ...schema }]) => ({ name, in: 'header' as const, required: false, description, schema }))
        ],
        ...requestBody && { requestBody: withReferences(requestBody) },
        responses: withReferences(withUniversalHeaders(hasExamples ? responses : withoutExamples(responses)))
      })
      return { url, schema: { ...texts, tags, security } }
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { openapiObject } = document
      for (const path of Object.values(openapiObject.paths ?? {}) as PathItem[]) {
        delete path['head'] // described by GET
        for (const operation of Object.values(path)) Object.assign(operation, operations.get(operation.operationId))
      }
      return withoutUnusedHeaders(openapiObject)
    }
  }
}

/** Removes the headers that no operation has: those of images, if the schema has no image field. */
function withoutUnusedHeaders<T extends { readonly components?: { headers?: object }, readonly paths?: object }> (document: T): T {
  const paths = JSON.stringify(document.paths)
  const headers = Object.entries(document.components?.headers ?? {}).filter(([name]) => paths.includes(`"#/components/headers/${name}"`))
  return { ...document, components: { ...document.components, headers: Object.fromEntries(headers) } }
}

function withUniversalHeaders (responses: Operation['responses']): Operation['responses'] {
  return Object.fromEntries(Object.entries(responses).map(([status, response]) => [status, { ...response, headers: { ...universal, ...response.headers } }]))
}

function withoutExamples (responses: Operation['responses']): Operation['responses'] {
  return Object.fromEntries(Object.entries(responses).map(([status, { content = {}, ...response }]) => {
    const media = Object.entries(content).map(([type, { schema }]) => [type, { schema }])
    return [status, { ...response, ...media.length > 0 && { content: Object.fromEntries(media) } }]
  }))
}

function describeFiles ({ key: { name }, imageFields }: Schema): string {
  const file = `the *info file* of each record, \`<${name}>.csv\` (or \`.csv.gz\`, \`.tsv\`, \`.json\`),`
  return imageFields.length === 0 ? `reads ${file} as the record` : `joins ${file} and the image of the same name into the record`
}

type PathItem = Record<string, { operationId: string }>
