import { parse as parseQuery } from 'node:querystring'
import type { FastifySchemaCompiler } from 'fastify'
import type { TUnsafe } from 'typebox'
import { BoundedCache } from '../../lib/base/bounded-cache.js'
import { memoize } from '../../lib/base/memoize.js'
import type { Columns } from '../../lib/query/age-column.js'
import { invalidParameters, type ParameterError, type Problem } from '../../plugins/problems/problem.js'
import type { Parameter, Parameters } from './parameter.js'
import { describeUnknown, type HintSources, type RouteParameters } from './unknown-parameter.js'

export type { Parameters }

/** The values that the parameters of a request are parsed to, by name. */
export type Values<P extends Parameters> = { readonly [N in keyof P]: P[N] extends Parameter<infer T> ? T : never }

type Query = Readonly<Record<string, string | string[]>>

/** The schema of a query or path in a route: what the document shows, and how requests are read. */
export type ParametersSchema<P extends Parameters> = TUnsafe<Values<P>> & {
  readonly parameters: P
  /** @throws {Problem} names each parameter that is unknown or wrong */
  readonly parse: (query: Query, hints?: HintSources) => Values<P>
}

const NO_HINTS: HintSources = { routes: [], url: '', columns: undefined }

export function parametersSchema<P extends Parameters> (parameters: P): ParametersSchema<P> {
  const absent = Object.fromEntries(Object.entries(parameters).map(([name, { absent }]) => [name, absent]))
  return {
    type: 'object',
    parameters,
    parse: (query: Query, hints: HintSources = NO_HINTS) => parse(parameters, absent, query, hints)
  } as unknown as ParametersSchema<P>
}

/**
 * The maximum number of bytes of all cached queries, and the approximate number for one: its text, its parsed parameters and its plans.
 * Small, because objects that live long cost the garbage collector more than they save.
 */
const CACHE_BYTES = 1024 * 1024
const ENTRY_BYTES = 4096

const recentQueries = new BoundedCache<Query>(CACHE_BYTES)

/**
 * Parses a query string. Recent ones are cached, so that equal query strings give the same object, whose parameters are parsed once, and
 * whose requests are planned once.
 */
export function parseQueryString (text: string): Query {
  const cached = recentQueries.get(text)
  if (cached !== undefined) return cached
  const query = parseQuery(text, '&', '=', { maxKeys: 0 }) as Query
  recentQueries.set(text, query, ENTRY_BYTES)
  return query
}

/**
 * Makes Fastify parse queries and paths with the `parse` of their schemas. The results for queries are cached by the object that `parseQueryString` returns.
 *
 * @param columnsOf returns the columns of the records, for hints about unknown parameters; `undefined` until the lake has been read
 */
export function parameterCompiler (columnsOf: () => Columns | undefined): FastifySchemaCompiler<ParametersSchema<Parameters>> {
  const routes: RouteParameters[] = []
  return ({ schema, httpPart, method, url }) => {
    if (httpPart === 'querystring') routes.push({ method: [method].flat()[0]!, url, parameters: schema.parameters })
    const hints: HintSources = { routes, url, get columns () { return columnsOf() } }
    const parseNew = (query: Query) => schema.parse(query, hints)
    const parse = httpPart === 'querystring' ? memoize(parseNew) : parseNew
    return (query: Query) => {
      try {
        return { value: parse(query) }
      } catch (error) {
        return { error: error as Problem }
      }
    }
  }
}

function parse<P extends Parameters> (parameters: P, absent: Readonly<Record<string, unknown>>, query: Query, hints: HintSources): Values<P> {
  const values = { ...absent }
  const errors: ParameterError[] = []
  for (const [name, given] of Object.entries(query)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name]! : undefined
    const value: unknown = parameter?.parse(given)
    if (value === undefined) errors.push({ parameter: name, detail: parameter === undefined ? describeUnknown(name, given, parameters, hints) : wrongValue(given, parameter) })
    else values[name] = value
  }
  if (errors.length > 0) throw invalidParameters(errors)
  return values as Values<P>
}

function wrongValue (given: string | readonly string[], parameter: Parameter<unknown>): string {
  if (typeof given !== 'string' && !parameter.isList) return `got ${given.length} values; must be given at most once`
  const wrong = [given].flat().find((text) => parameter.parse(text) === undefined)
  return `got ${JSON.stringify(wrong)}; must be ${parameter.accepted}${parameter.hint?.(wrong!) ?? ''}`
}

/** The values as pairs of name and text, sorted by name. Omits those that are equal to the value of an absent parameter. */
export function toEntries (parameters: Parameters, values: Readonly<Record<string, unknown>>): [name: string, text: string][] {
  return Object.entries(parameters)
    .filter(([name, { absent }]) => values[name] !== absent)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .flatMap(([name, { format }]) => format(values[name]).map((text): [string, string] => [name, text]))
}

/** The entries as a parsed query string. */
export function toQuery (entries: readonly (readonly [name: string, text: string])[]): Query {
  const texts = new Map<string, string[]>()
  for (const [name, text] of entries) texts.set(name, [...texts.get(name) ?? [], text])
  return Object.fromEntries([...texts].map(([name, texts]) => [name, texts.length === 1 ? texts[0]! : texts]))
}
