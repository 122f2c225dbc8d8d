import * as schemas from '../http/schemas.js'

/** The schemas that the document names; generated clients get types of these names. */
const { RecordArray, OneRecord, ImageBody, RecordObject, ...others } = schemas
const named = { ...others, Record: RecordObject }

const names = new Map<unknown, string>(Object.entries(named).map(([name, schema]) => [schema, name]))

/** The value as the document shows it: with a reference in place of each schema that has a name. */
export function withReferences<T> (value: T): T {
  return JSON.parse(JSON.stringify(value, (_key, part: unknown) => {
    const name = names.get(part)
    return name === undefined ? part : { $ref: `#/components/schemas/${name}` }
  }))
}

/** The schemas themselves, by name. */
export const components: Record<string, object> = Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, withReferences({ ...schema })]))
