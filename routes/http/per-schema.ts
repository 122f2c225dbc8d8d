import type { Schema } from '../../lib/schema/schema.js'

/** Caches what a function makes of a schema: the routes and the document share the same objects. */
export function perSchema<T> (make: (schema: Schema) => T): (schema: Schema) => T {
  const made = new WeakMap<Schema, { readonly value: T }>()
  return (schema) => {
    const cached = made.get(schema)
    if (cached !== undefined) return cached.value
    const value = make(schema)
    made.set(schema, { value })
    return value
  }
}
