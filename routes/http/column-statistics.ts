import { Type } from 'typebox'
import { columnType, type Columns } from '../../lib/query/age-column.js'
import type { StatisticsQuery } from '../../lib/query/data-version.js'
import { FIGURE_TYPES } from '../../lib/query/figures.js'
import type { Schema } from '../../lib/schema/schema.js'
import { invalidParameters } from '../../plugins/problems/problem.js'
import { checkNames } from './columns.js'
import { count, number } from './json-schema.js'
import { booleanParameter, integerParameter, listParameter, textParameter } from './parameter.js'
import type { Parameters, Values } from './query.js'

// What GET /stats reports beyond ages: figures of columns, and groups.

const MAX_GROUPS = 1000
/** The most bins of the histogram of ages, with the empty ones. */
export const MAX_AGE_BINS = 1000

const COLUMN_PARAMETERS = {
  columns: listParameter({
    description: 'The columns whose figures are computed: numbers, dates and datetimes; separated by commas, repeated, or both. `age`, if there are ages: completed years at `as_of`.',
    separator: ',',
    accepted: 'a list of columns, separated by commas or repeated'
  }),
  bins: integerParameter({ minimum: 1, maximum: 100, default: 20, description: 'The number of bins of the histograms of `columns`.', example: 10 }),
  group_by: textParameter({ description: 'Counts the records by the values of this column, and computes the figures of `columns` for each.' }),
  limit: integerParameter({ minimum: 1, maximum: MAX_GROUPS, default: 100, description: 'The greatest number of `groups`: the largest ones. The others are counted in `other`.', example: 10 })
}

const AGE_PARAMETERS = {
  empty_bins: booleanParameter({ description: `Whether \`age_histogram\` includes the bins without records between the others; at most ${MAX_AGE_BINS} bins.`, default: false, example: true })
}

export type ColumnStatisticsQuery = Partial<Values<typeof COLUMN_PARAMETERS & typeof AGE_PARAMETERS>>

/** The parameters of GET /stats for figures and groups. */
export function columnStatisticsParameters ({ files, birth }: Schema): Parameters {
  const figured = files.find(({ type }) => FIGURE_TYPES.includes(type.name))
  const grouped = files.find(({ type }) => type.name === 'string') ?? files[0]
  const withExample = <P extends { readonly schema: object }>(parameter: P, example: unknown) => example === undefined ? parameter : { ...parameter, schema: { ...parameter.schema, examples: [example] } }
  return {
    ...COLUMN_PARAMETERS,
    columns: withExample(COLUMN_PARAMETERS.columns, figured && [figured.name]),
    group_by: withExample(COLUMN_PARAMETERS.group_by, grouped?.name),
    ...birth && AGE_PARAMETERS
  }
}

type ColumnQuery = Pick<StatisticsQuery, 'columns' | 'bins' | 'groupBy' | 'maxGroups'>

/** The columns that a query asks for. @throws {Problem} if they have no figures; unknown columns are found later */
export function columnQueryOf ({ columns, bins, group_by: groupBy, limit }: ColumnStatisticsQuery, version: Columns): ColumnQuery {
  if (columns !== undefined) checkNames('columns', columns)
  if (groupBy !== undefined) checkNames('group_by', [groupBy])
  for (const column of columns ?? []) {
    const type = columnType(version, column)
    if (type !== undefined && !FIGURE_TYPES.includes(type)) {
      throw invalidParameters([{ parameter: 'columns', detail: `got ${JSON.stringify(column)}, which has values of the type ${type}; must be columns of the types ${FIGURE_TYPES.join(', ')}; use group_by to count other values` }])
    }
  }
  return { columns, groupBy, ...columns && { bins }, ...groupBy !== undefined && { maxGroups: limit } }
}

/** A value of any column. Without a type: generators fail on a schema of several types. */
const value = (description: string) => Type.Unsafe<unknown>({ description })

const FigureBin = Type.Object({
  min: value('The least value of the bin'),
  max: value('The end of the bin, which only the last bin includes'),
  count: count('The number of records in the bin')
}, { description: 'A bin of the histogram of a column' })

const Figures = Type.Object({
  count: count('The number of records that have a value'),
  sum: Type.Optional(Type.Union([number(), Type.Null()], { description: 'Of numbers only: the sum; 0 without values, null if it exceeds the largest double. Sums of whole numbers are exact before they are rounded to a double' })),
  mean: value('The mean; null without values'),
  median: value('The median; null without values'),
  min: value('The least value; null without values'),
  max: value('The greatest value; null without values'),
  histogram: Type.Array(FigureBin, { description: 'Bins of equal width, empty ones included; fewer than `bins` if they would have no width' })
}, { description: 'The figures of a column. Those of dates and datetimes are values of the column, cut to the day or millisecond' })

const figuresByColumn = (description: string) => Type.Optional(Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: Figures, description }))

const Group = Type.Object({
  value: value('The value of the column; null for the records without one'),
  count: count('The number of records'),
  columns: figuresByColumn('The figures of the records of the group, by column')
}, { description: 'The records with one value of a column' })

const OtherGroups = Type.Object({
  groups: count('The number of groups'),
  count: count('The number of their records')
}, { description: 'The groups that are not in `groups`' })

/** By their names in the document. */
export const columnStatisticsSchemas = { FigureBin, Figures, Group }

/** The members of the response. */
export const columnStatisticsMembers = {
  columns: figuresByColumn('With `columns`: the figures by column'),
  group_by: Type.Optional(Type.String({ description: 'With `group_by`: its column' })),
  groups: Type.Optional(Type.Array(Group, { description: 'With `group_by`: the largest groups, the largest first; ties by value, null last' })),
  other: Type.Optional(OtherGroups)
}
