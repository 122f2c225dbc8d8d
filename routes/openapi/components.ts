import type { Schema } from '../../lib/schema/schema.js'
import { perSchema } from '../http/per-schema.js'
import { recordSchemas } from '../http/record-schemas.js'
import * as schemas from '../http/schemas.js'
import { headerComponents, type Header } from './headers.js'

const { ImageBody, TableSchemaBody, RejectReason, ...common } = schemas

/** The components of the document, and a function that refers to them. */
export interface Components {
  readonly components: { readonly schemas: Record<string, object>, readonly headers: Record<string, Header> }
  /** The value as the document shows it: with a reference in place of each schema and header that has a name. */
  readonly withReferences: <T>(value: T) => T
}

/** The schemas that have a name in the document; generated clients have types of these names. */
export const componentsOf: (schema: Schema) => Components = perSchema((schema) => {
  const { Record, ...others } = recordSchemas(schema).named
  const inOrder = Object.entries<object>({ ...common, ...others }).sort(([a], [b]) => a < b ? -1 : 1)
  const named: readonly (readonly [name: string, schema: object])[] = [...inOrder, ['Record', Record]]
  const references = new Map<unknown, string>([
    ...named.map(([name, schema]) => [schema, `#/components/schemas/${name}`] as const),
    ...[...headerComponents].map(([name, header]) => [header, `#/components/headers/${name}`] as const)
  ])
  const withReferences = <T>(value: T): T => JSON.parse(JSON.stringify(value, (_key, part: unknown) => {
    const $ref = references.get(part)
    return $ref === undefined ? part : { $ref }
  }))
  return {
    components: {
      schemas: Object.fromEntries(named.map(([name, schema]) => [name, withReferences({ ...schema })])),
      headers: Object.fromEntries(headerComponents)
    },
    withReferences
  }
})
