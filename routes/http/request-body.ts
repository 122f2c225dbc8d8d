import type { Static, TSchema, TUnsafe } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { Problem } from '../../plugins/problems/problem.js'

/** The schema of a request body in a route, for the validator that `parseParameters` makes of its `parse`. */
export function bodySchema<T extends TSchema> (type: T, code: string): TUnsafe<Static<T>> {
  const parse = (body: unknown) => {
    if (Check(type, body)) return body
    const [error] = Errors(type, body)
    throw new Problem(400, code, `The body${error!.instancePath === '' ? '' : ` at ${error!.instancePath}`} ${error!.message}`)
  }
  return { ...type, parse } as unknown as TUnsafe<Static<T>>
}
