import type { Schema } from '../../lib/schema/schema.js'

/** Computes a function once for each schema: the document finds named schemas by identity, so the routes must use the same objects. */
export function perSchema<T> (compute: (schema: Schema) => T): (schema: Schema) => T {
  const results = new WeakMap<Schema, { readonly result: T }>()
  return (schema) => {
    const cached = results.get(schema)
    if (cached !== undefined) return cached.result
    const result = compute(schema)
    results.set(schema, { result })
    return result
  }
}
