import * as schemas from '../http/schemas.js'
import { headerComponents, type Header } from './headers.js'

/** The schemas that have a name in the document; generated clients have types of these names. */
const { RecordArray, OneRecord, ImageBody, QuarantineBody, StatisticsBody, RejectReason, RecordObject, ...others } = schemas
const named = { ...others, Record: RecordObject }

const references = new Map<unknown, string>([
  ...Object.entries(named).map(([name, schema]) => [schema, `#/components/schemas/${name}`] as const),
  ...[...headerComponents].map(([name, header]) => [header, `#/components/headers/${name}`] as const)
])

/** The value as the document shows it: with a reference in place of each schema and header that has a name. */
export function withReferences<T> (value: T): T {
  return JSON.parse(JSON.stringify(value, (_key, part: unknown) => {
    const $ref = references.get(part)
    return $ref === undefined ? part : { $ref }
  }))
}

/** The components of the document. */
export const components: { readonly schemas: Record<string, object>, readonly headers: Record<string, Header> } = {
  schemas: Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, withReferences({ ...schema })])),
  headers: Object.fromEntries(headerComponents)
}
