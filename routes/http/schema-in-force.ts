import type { SchemaDescriptor } from '../../lib/schema/descriptor.js'
import type { Schema } from '../../lib/schema/schema.js'

/** The descriptor of a schema with what applies by default, so that other programs read it in the same way. */
export function schemaInForce ({ descriptor, fields, key, fieldsMatch }: Schema, imageExtensions: readonly string[]): SchemaDescriptor {
  return {
    ...descriptor,
    fields: fields.map(({ descriptor, source, extensions = imageExtensions }) => source === 'image' ? { ...descriptor, extensions } : descriptor),
    fieldsMatch,
    missingValues: descriptor.missingValues ?? [''],
    primaryKey: key.name
  }
}
