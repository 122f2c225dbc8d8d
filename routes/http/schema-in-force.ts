import type { SchemaDescriptor } from '../../lib/schema/descriptor.js'
import type { Schema } from '../../lib/schema/schema.js'

/**
 * The descriptor of a schema with the default values filled in, so that programs with other defaults read the files in the same way.
 *
 * @param imageExtensions those of the settings, for the image field that declares none; the ones that other fields declare are left out
 */
export function schemaInForce ({ descriptor, fields, key, imageFields, fieldsMatch }: Schema, imageExtensions: readonly string[]): SchemaDescriptor {
  const declared = imageFields.flatMap(({ extensions = [] }) => extensions)
  const others = imageExtensions.filter((extension) => !declared.includes(extension))
  return {
    ...descriptor,
    fields: fields.map(({ descriptor, source, extensions = others }) => source === 'image' ? { ...descriptor, extensions } : descriptor),
    fieldsMatch,
    missingValues: descriptor.missingValues ?? [''],
    primaryKey: key.name
  }
}
