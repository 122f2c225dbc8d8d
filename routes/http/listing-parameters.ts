import type { Schema } from '../../lib/schema/schema.js'
import { columnsParameter, sortParameter } from './columns.js'
import { filterParameters, type FilterQuery } from './parameters.js'
import { perSchema } from './per-schema.js'
import type { Parameters } from './query.js'

export type ListingQuery = FilterQuery & { readonly columns?: readonly string[] | undefined, readonly sort?: readonly string[] | undefined }

/** The parameters of a listing of records, without those of paging. */
export const listingParameters: (schema: Schema) => Parameters = perSchema((schema) => {
  const { key, files } = schema
  const [first, last] = [files[0] ?? key, files.at(-1) ?? key]
  return {
    ...filterParameters(schema),
    columns: columnsParameter([key, ...files.slice(0, 2).slice(-1)].map(({ name }) => name)),
    sort: sortParameter(first === last ? [`-${first.name}`] : [first.name, `-${last.name}`])
  }
})

/** Not in the document, which describes it in words: with it, clients would get a record whose columns are all optional. */
export const recordColumnsParameter = { columns: { ...columnsParameter(['*']), isHidden: true } }
