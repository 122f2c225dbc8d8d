import type { Parameters } from '../http/query.js'
import type { Components } from './components.js'

/** A parameter object of the document. */
export interface ParameterObject {
  readonly name: string
  readonly in: 'query' | 'path' | 'header'
  readonly required: boolean
  readonly description: string
  readonly schema: object
}

/** The parameter objects of what a route reads from its query or path. */
export function toParameterObjects (place: 'query' | 'path', parameters: Parameters, { withReferences }: Components): ParameterObject[] {
  return Object.entries(parameters).filter(([, { isHidden }]) => !isHidden).map(([name, { schema, description }]) =>
    ({ name, in: place, required: place === 'path', description, schema: withReferences(schema) }))
}
