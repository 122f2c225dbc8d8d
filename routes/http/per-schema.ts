import { memoize } from '../../lib/base/memoize.js'
import type { Schema } from '../../lib/schema/schema.js'

/**
 * Computes a function once for each schema of a lake. The OpenAPI document recognizes the JSON schemas that have a name in it by the identity of the object, so that all
 * routes must use the same objects.
 */
export function perSchema<T> (compute: (schema: Schema) => T): (schema: Schema) => T {
  return memoize(compute)
}
