import type { TObject, TSchema } from 'typebox'

const BOOLEAN = { type: 'boolean' }
const YEARS = { type: 'number', minimum: 0, exclusiveMaximum: 10_000 }

/**
 * Query parameters are validated as the text that they are, which is generous: TRUE, 1, 030. The document shows the type
 * that is meant, so that clients made from it take booleans and numbers; whatever such a client writes is valid.
 */
const MEANT: Readonly<Record<string, object>> = {
  image_exists: BOOLEAN,
  is_image_exists: BOOLEAN,
  dry_run: BOOLEAN,
  min_age: YEARS,
  max_age: YEARS,
  bin_width: { type: 'integer', minimum: 1, maximum: 999 },
  as_of: { type: 'string', format: 'date-time' },
  columns: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }
}

/** Lists in one parameter; those that may be repeated are not of these. */
const COMMA_SEPARATED = ['columns']

/** The parameters of a validated query as the document shows them. */
export function meant (query: TObject): object {
  const shown = Object.entries(query.properties).map(([name, schema]: [string, TSchema & { description?: string }]) =>
    [name, name in MEANT ? { ...MEANT[name], description: schema.description } : schema])
  return { ...query, properties: Object.fromEntries(shown) }
}

/** Parameter objects are completed with how a list is written. */
export function withStyle<T extends { readonly name: string, readonly in: string, readonly schema: { readonly type?: unknown } }> (parameter: T): T {
  if (parameter.in !== 'query' || parameter.schema.type !== 'array') return parameter
  return { ...parameter, style: 'form', explode: !COMMA_SEPARATED.includes(parameter.name) }
}
