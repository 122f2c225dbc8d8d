import type { TSchema } from 'typebox'
import type { Header } from './headers.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The operation of the route in the OpenAPI document, without its query and path parameters. A route without an operation has `hide` in its schema. */
    readonly operation?: Operation
  }
}

export interface Operation {
  readonly operationId: string
  readonly tags: readonly [string]
  readonly summary: string
  readonly description: string
  readonly requestBody?: { readonly description: string, readonly required: true, readonly content: Readonly<Record<string, { readonly schema: TSchema }>> }
  /** The headers of the request, by name. */
  readonly headers?: Readonly<Record<string, RequestHeader>>
  /** The responses by status; `default` is any other status. */
  readonly responses: Readonly<Record<string, Response>>
}

/** The description of the response 304. */
export const NOT_MODIFIED = 'The client already has the current response'

/** A schema with a description. */
export interface RequestHeader {
  readonly description: string
  readonly [keyword: string]: unknown
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, Header>>
  readonly content?: Readonly<Record<string, Media>>
}

export interface Media {
  readonly schema: TSchema
  readonly examples?: Readonly<Record<string, Example>>
}

/** A response with the sample data. A test sends the request and compares the responses. */
export interface Example {
  readonly summary: string
  /** The request, as a curl command in backticks. */
  readonly description: string
  readonly value: unknown
}

export type Examples = Readonly<Record<string, Example>>

/** An example of `curl <command>`; the URL in the command has no origin. */
export function example (summary: string, command: string, value: unknown): Example {
  return { summary, description: '`curl ' + command.replace(/'\//, "'http://localhost:8080/") + '`', value }
}

/** The content of a response in JSON. */
export function json (schema: TSchema, examples: Examples): Readonly<Record<string, Media>> {
  return { 'application/json': { schema, examples } }
}
