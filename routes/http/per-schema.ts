import { memoize } from '../../lib/base/memoize.js'
import type { Schema } from '../../lib/schema/schema.js'

/** Computes a function once for each schema: the document finds named schemas by identity, so the routes must use the same objects. */
export function perSchema<T> (compute: (schema: Schema) => T): (schema: Schema) => T {
  return memoize(compute)
}
