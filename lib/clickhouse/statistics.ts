import { AGE } from '../query/age-column.js'
import { describeAges, type AgeFigures } from '../query/age-figures.js'
import { DEFAULT_MAX_GROUPS, type StatisticsQuery } from '../query/data-version.js'
import type { ColumnStatistics, Statistics, ValueStatistics } from '../query/statistics.js'
import type { Value } from '../schema/field-type.js'
import type { Cell } from '../schema/record.js'
import { toCell } from '../table/cell.js'
import { engineColumn, type EngineColumn } from './columns.js'
import { from, type EngineRecords } from './records.js'
import { chunksOf, identifier, number, raw, sql } from './sql.js'
import { valueColumn } from './tables.js'
import { figuresOf, maxEdgesLength, readFigures, valueStatistics, type FiguresRow, type StatisticsColumn } from './value-statistics.js'

/** The statistics of the records that match. Each part is one query, and they run at the same time. */
export async function statistics (records: EngineRecords, query: StatisticsQuery): Promise<Statistics & ColumnStatistics> {
  const { columns: names = [], groupBy } = query
  const columns = names.map((name) => statisticsColumn(records, name, query.asOf))
  const [ages, ofColumns, ofGroups] = await Promise.all([
    ageStatistics(records, query),
    columns.length === 0 ? [] : valueStatistics(records, query, columns),
    groupBy === undefined ? undefined : groups(records, query, groupBy, columns)
  ])
  return { ...ages, ...columns.length > 0 && { columns: byName(names, ofColumns[0]!) }, ...ofGroups }
}

function statisticsColumn (records: EngineRecords, name: string, asOf: number): StatisticsColumn {
  const column = engineColumn(records, name, asOf)
  if (column === undefined || column.fold !== undefined || column.type === 'boolean') throw new TypeError(`The column ${name} has no statistics`)
  return column as StatisticsColumn
}

function byName<T> (names: readonly string[], values: readonly T[]): Record<string, T> {
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]))
}

async function ageStatistics (records: EngineRecords, query: StatisticsQuery): Promise<Statistics> {
  const { asOf, binWidth, signal } = query
  const image = records.fields.find(({ source }) => source === 'image')
  const withImage = image === undefined ? raw('0') : sql`count(${identifier(valueColumn(image))})`
  const [[figures], bins] = await Promise.all([
    records.connection.query<[count: number, withImage: number, ...FiguresRow]>(sql`SELECT count(), ${withImage}, ${figuresOf({ type: 'integer', value: raw('born') })} ${from(records, query)}`, signal),
    ageBins(records, query)
  ])
  const [count, images, ...row] = figures!
  const { count: births, mean, min, max, low, high } = readFigures(row, 'integer')
  return describeAges({ count, births, withImage: images, meanBirth: mean, youngest: max, oldest: min, low, high, bins }, asOf, binWidth)
}

async function ageBins (records: EngineRecords, query: StatisticsQuery): Promise<AgeFigures['bins']> {
  const { asOf, binWidth, signal } = query
  // The ages of births, even if the records have a column `age`: without columns, the name means the virtual column.
  const age = engineColumn({ ...records, columns: [] }, AGE, asOf)
  if (age === undefined) return []
  const bin = sql`floor(${age.value} / ${number(binWidth)})`
  return await records.connection.query<[number, number]>(sql`SELECT ${bin} AS bin, count() ${from(records, query, age.exists)} GROUP BY bin ORDER BY bin`, signal)
}

async function groups (records: EngineRecords, query: StatisticsQuery, groupBy: string, columns: readonly StatisticsColumn[]): Promise<Pick<ColumnStatistics, 'groups' | 'other'>> {
  const { asOf, maxGroups = DEFAULT_MAX_GROUPS, signal } = query
  const column = engineColumn(records, groupBy, asOf)
  if (column === undefined) throw new TypeError(`There is no column ${groupBy}`)
  const rows = await records.connection.query<[value: Value, count: number, groups: number, records: number]>(sql`
    SELECT group_value, group_count, count() OVER (), sum(group_count) OVER ()
    FROM (SELECT ${column.value} AS group_value, count() AS group_count ${from(records, query)} GROUP BY group_value)
    ORDER BY group_count DESC, group_value ASC NULLS LAST LIMIT ${number(maxGroups)}`, signal)
  const [, , all = 0, total = 0] = rows[0] ?? []
  const other = { groups: all - rows.length, count: rows.reduce((rest, [, count]) => rest - count, total) }
  const plain = rows.map(([value, count]): { readonly value: Cell, readonly count: number } => ({ value: toCell(column.type, value), count }))
  if (columns.length === 0) return { groups: plain, other }
  const ofColumns = await statisticsOfGroups(records, query, column, rows.map(([value]) => value), columns)
  return { groups: plain.map((group, i) => ({ ...group, columns: byName(columns.map(({ name }) => name), ofColumns[i]!) })), other }
}

/** The statistics of the columns in the groups with these values, by group. Groups whose values do not fit into one query are queried one after the other. */
async function statisticsOfGroups (records: EngineRecords, query: StatisticsQuery, column: EngineColumn, values: readonly Value[], columns: readonly StatisticsColumn[]): Promise<ValueStatistics[][]> {
  const found: ValueStatistics[][] = []
  const lengthOf = (value: Value) => String(value).length + maxEdgesLength(query)
  for (const some of chunksOf(values, lengthOf)) found.push(...await valueStatistics(records, query, columns, { column, values: some }))
  return found
}
