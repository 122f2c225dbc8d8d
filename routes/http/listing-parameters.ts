import type { Sort } from '../../lib/query/data-version.js'
import type { Schema } from '../../lib/schema/schema.js'
import { choiceParameter, listParameter } from './parameter.js'
import { filterParameters, type FilterQuery } from './parameters.js'
import { perSchema } from './per-schema.js'
import type { Parameters } from './query.js'
import { recordSchemas } from './record-schemas.js'

export type ListingQuery = FilterQuery & { readonly columns?: readonly string[] | undefined, readonly sort?: Sort | undefined }

const columnsParameter = (example: readonly string[]) => listParameter({
  description: 'The columns of the response, in this order: separated by commas, repeated, or both. `*`: all columns. Default: the columns of a Record.',
  example,
  separator: ',',
  accepted: 'a list of columns, separated by commas or repeated, or *'
})

/** The parameters of a listing of records, without those of paging. */
export const listingParameters: (schema: Schema) => Parameters = perSchema((schema) => {
  const { key, files } = schema
  return {
    ...filterParameters(schema),
    columns: columnsParameter([key, ...files.slice(0, 2).slice(-1)].map(({ name }) => name)),
    sort: choiceParameter({ schema: recordSchemas(schema).named.RecordSort, description: 'The order of the records.' })
  }
})

/** Not in the document, which describes it in words: with it, clients would get a record whose columns are all optional. */
export const recordColumnsParameter = { columns: { ...columnsParameter(['*']), isHidden: true } }
