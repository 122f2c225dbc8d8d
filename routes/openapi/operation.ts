import type { TSchema } from 'typebox'
import type { Header } from './headers.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the OpenAPI document says of the route beyond its parameters; a route without it has `hide` in its schema. */
    readonly operation?: Operation
  }
}

export interface Operation {
  readonly operationId: string
  readonly tags: readonly [string]
  readonly summary: string
  readonly description: string
  /** Those of the request, by name. */
  readonly headers?: Readonly<Record<string, RequestHeader>>
  /** By their status; `default` is any other. */
  readonly responses: Readonly<Record<string, Response>>
}

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

/** A real answer on the sample data; tests send the command and compare. */
export interface Example {
  readonly summary: string
  /** The request, as a curl command between backquotes. */
  readonly description: string
  readonly value: unknown
}

export type Examples = Readonly<Record<string, Example>>

/** An example of `curl <command>`; its URL lacks the origin. */
export function example (summary: string, command: string, value: unknown): Example {
  return { summary, description: '`curl ' + command.replace(/'\//, "'http://localhost:8080/") + '`', value }
}

/** The content of an answer in JSON. */
export function json (schema: TSchema, examples: Examples): Readonly<Record<string, Media>> {
  return { 'application/json': { schema, examples } }
}
