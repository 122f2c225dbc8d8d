import { Type } from 'typebox'
import { AGE, columnType, isAge, type Columns } from '../../lib/query/age-column.js'
import { DEFAULT_BINS, DEFAULT_MAX_GROUPS, type StatisticsQuery } from '../../lib/query/data-version.js'
import { STATISTICS_TYPES } from '../../lib/query/value-statistics.js'
import type { Schema } from '../../lib/schema/schema.js'
import { invalidParameter } from '../../plugins/problems/problem.js'
import { checkNames } from './columns.js'
import { count, number } from './json-schema.js'
import { booleanParameter, integerParameter, listParameter, textParameter } from './parameter.js'
import type { Parameters, Values } from './query.js'
import { AGE_BINS_HINT } from './unknown-column.js'

// What GET /stats reports beyond ages: statistics of columns, and groups.

const MAX_GROUPS = 1000
/** The maximum number of bins in the histogram of ages, empty ones included. */
export const MAX_AGE_BINS = 1000

const COLUMN_PARAMETERS = {
  columns: listParameter({
    description: 'The columns of which statistics are computed: columns of numbers, dates and datetimes; separated by commas, repeated, or both. ' +
      '`age`, if the schema has a birth field: the age in completed years at `as_of`.',
    separator: ',',
    accepted: 'a list of columns, separated by commas or repeated'
  }),
  bins: integerParameter({ minimum: 1, maximum: 100, default: DEFAULT_BINS, description: 'The maximum number of bins in the histogram of each of `columns`. Without `columns`, only the default is accepted.', example: 10 }),
  group_by: textParameter({ accepted: 'the name of a column', description: 'The column by whose values the records are grouped. The response has the number of records of each group and its statistics of `columns`.' }),
  limit: integerParameter({
    minimum: 1,
    maximum: MAX_GROUPS,
    default: DEFAULT_MAX_GROUPS,
    description: 'The maximum number of `groups`. The largest groups are listed, and `other` counts the others. Without `group_by`, only the default is accepted.',
    example: 10
  })
}

const AGE_PARAMETERS = {
  empty_bins: booleanParameter({ description: `Whether \`age_histogram\` includes bins without records between the others. An error if it would have more than ${MAX_AGE_BINS} bins.`, default: false, example: true })
}

export type ColumnStatisticsQuery = Partial<Values<typeof COLUMN_PARAMETERS & typeof AGE_PARAMETERS>>

/** The parameters of GET /stats for statistics of columns and for groups. */
export function columnStatisticsParameters ({ fileFields, birth }: Schema): Parameters {
  const statisticsExample = fileFields.find(({ type }) => STATISTICS_TYPES.includes(type.name))
  const groupExample = fileFields.find(({ type }) => type.name === 'string') ?? fileFields[0]
  const withExample = <P extends { readonly schema: object }>(parameter: P, example: unknown) => example === undefined ? parameter : { ...parameter, schema: { ...parameter.schema, examples: [example] } }
  return {
    ...COLUMN_PARAMETERS,
    columns: withExample(COLUMN_PARAMETERS.columns, statisticsExample && [statisticsExample.name]),
    group_by: withExample(COLUMN_PARAMETERS.group_by, groupExample?.name),
    ...birth && AGE_PARAMETERS
  }
}

type ColumnQuery = Pick<StatisticsQuery, 'columns' | 'bins' | 'groupBy' | 'maxGroups'>

/**
 * Reads these parameters.
 *
 * @throws {Problem} if a column has a type without statistics, or a parameter has no effect; `checkColumns` finds unknown columns later
 */
export function columnQueryOf (query: ColumnStatisticsQuery, version: Columns): ColumnQuery {
  const { columns, bins, group_by: groupBy, limit } = query
  // The defaults are accepted everywhere, as some generated clients send them with every request.
  if (columns === undefined) checkNoEffect('bins', query, 'applies to the histograms of columns; name them with columns=')
  if (groupBy === undefined) checkNoEffect('limit', query, 'applies to groups; name their column with group_by=')
  if (columns !== undefined) checkNames('columns', columns)
  if (groupBy !== undefined) {
    if (/\(|[*/+%] *\d/.test(groupBy) && !version.columns.includes(groupBy)) {
      throw invalidParameter('group_by', `got ${JSON.stringify(groupBy)}; must be the name of a column, not an expression${/\bage\b/.test(groupBy) && isAge(version, AGE) ? AGE_BINS_HINT : ''}`)
    }
    if (groupBy.includes(',') && !version.columns.includes(groupBy)) throw invalidParameter('group_by', `got ${JSON.stringify(groupBy)}; must be one column, not a list; to count by several columns, read them with columns= of GET /data.csv`)
    checkNames('group_by', [groupBy])
  }
  for (const column of columns ?? []) {
    const type = columnType(version, column)
    if (type !== undefined && !STATISTICS_TYPES.includes(type)) {
      const accepted = `must be a column of one of the types ${STATISTICS_TYPES.join(', ')}; use group_by to count other values`
      throw invalidParameter('columns', `got ${JSON.stringify(column)}, which has values of the type ${type}; ${accepted}`)
    }
  }
  return { columns, groupBy, ...columns && { bins }, ...groupBy !== undefined && { maxGroups: limit } }
}

function checkNoEffect (name: 'bins' | 'limit', { [name]: value }: ColumnStatisticsQuery, detail: string): void {
  if (value === undefined || value === COLUMN_PARAMETERS[name].absent) return
  throw invalidParameter(name, `got "${value}", which has no effect here: it ${detail}`)
}

/** A value of any column. Its schema has no `type`, as client generators fail on a schema with several types. */
const value = (description: string) => Type.Unsafe<unknown>({ description })

const ColumnBin = Type.Object({
  min: value('The lower end of the bin, which is included'),
  max: value('The upper end of the bin; included in the last bin only'),
  count: count('The number of records in the bin')
}, { description: 'A bin of the histogram of a column' })

const ColumnStatistics = Type.Object({
  count: count('The number of records that have a value'),
  sum: Type.Optional(Type.Union([number(), Type.Null()], {
    description: 'For numbers only: the sum; 0 without values, null if it exceeds the largest double. Sums of integers are exact before they are rounded to a double'
  })),
  mean: value('The mean; null without values'),
  median: value('The median; null without values'),
  min: value('The lowest value; null without values'),
  max: value('The highest value; null without values'),
  histogram: Type.Array(ColumnBin, { description: 'Bins of equal width, empty ones included; fewer than `bins` if the range of the values is too small for that number' })
}, { description: 'The statistics of a column. For dates and datetimes they are values of the same type, rounded down to the day or millisecond' })

const statisticsByColumn = (description: string) => Type.Optional(Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: ColumnStatistics, description }))

const Group = Type.Object({
  value: value('The value of the column; null for the records without one'),
  count: count('The number of records'),
  columns: statisticsByColumn('The statistics of the records of the group, by column')
}, { description: 'The records with one value of a column' })

const OtherGroups = Type.Object({
  groups: count('The number of these groups'),
  count: count('The number of records in these groups')
}, { description: 'The groups that are not in `groups`' })

/** The schemas that have a name in the document, by this name. */
export const columnStatisticsSchemas = { ColumnBin, ColumnStatistics, Group }

/** The members that these parameters add to the response. */
export const columnStatisticsMembers = {
  columns: statisticsByColumn('With `columns`: the statistics by column'),
  group_by: Type.Optional(Type.String({ description: 'With `group_by`: the name of the column' })),
  groups: Type.Optional(Type.Array(Group, { description: 'With `group_by`: the largest groups, the largest first; groups of equal size are ordered by value, null last' })),
  other: Type.Optional(OtherGroups)
}
