import type { Schema } from '../../lib/schema/schema.js'
import { columnsParameter, sortParameter } from './columns.js'
import { AgeParameters, filterParameters, type FilterQuery } from './parameters.js'
import type { Parameter } from './parameter.js'
import { perSchema } from './per-schema.js'
import type { Parameters } from './query.js'

export type ListingQuery = FilterQuery & { readonly columns?: readonly string[] | undefined, readonly sort?: readonly string[] | undefined }

/** The parameters of a listing of records, without those of paging. Their examples have real columns of the schema. */
export const listingParameters: (schema: Schema) => Parameters = perSchema((schema) => {
  const { key, fileFields } = schema
  const [first, last] = [fileFields[0] ?? key, fileFields.at(-1) ?? key]
  return {
    ...filterParameters(schema),
    columns: columnsParameter([key, ...fileFields.slice(0, 2).slice(-1)].map(({ name }) => name)),
    sort: withDefault(sortParameter(first === last ? [`-${first.name}`] : [first.name, `-${last.name}`]), [key.name])
  }
})

export type RecordQuery = Pick<ListingQuery, 'columns' | 'as_of'>

/**
 * The parameters of one record. `columns` is not among the parameters of the OpenAPI document, where the description of the operation names it: as a parameter, it would make all columns of the response
 * optional in generated clients.
 */
export const recordParameters: (schema: Schema) => Parameters = perSchema(({ birth }) => ({
  columns: { ...columnsParameter(['*']), isHidden: true },
  ...birth && { as_of: { ...AgeParameters.as_of, description: `${AgeParameters.as_of.description} It applies to \`columns=age\`.` } }
}))

/** Adds a default to a list. An equal list is replaced by the same object, so that `toEntries` omits it like an absent parameter. */
function withDefault (parameter: Parameter<readonly string[] | undefined>, value: readonly string[]): Parameter<readonly string[] | undefined> {
  const isDefault = (given: readonly string[] | undefined) => given?.length === value.length && given.every((text, i) => text === value[i])
  return {
    ...parameter,
    absent: value,
    parse: (given) => {
      const parsed = parameter.parse(given)
      return isDefault(parsed) ? value : parsed
    }
  }
}
