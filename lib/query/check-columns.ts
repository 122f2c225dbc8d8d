import { UnknownColumnError, type ColumnUse } from '../base/errors.js'
import { columnNames, columnType, isAge, type Columns } from './age-column.js'
import type { SelectQuery, StatisticsQuery } from './data-version.js'
import { columnsOfFilter } from './filter.js'

type Query = Pick<SelectQuery, 'columns' | 'filters' | 'sort'> & Pick<Partial<StatisticsQuery>, 'groupBy'>

/** Checks that the records have each column that a query names. @throws UnknownColumnError */
export function checkColumns (version: Columns, query: Query): void {
  for (const [column, usedIn] of columnsOf(query)) {
    if (columnType(version, column) === undefined) throw new UnknownColumnError(column, usedIn, columnNames(version))
  }
}

/** Whether the result depends on the instant of ages, because the query names the virtual column. */
export function usesAge (version: Columns, query: Query): boolean {
  return columnsOf(query).some(([column]) => isAge(version, column))
}

function columnsOf ({ columns = [], filters = [], sort = [], groupBy }: Query): [column: string, usedIn: ColumnUse][] {
  const ofFilters = filters.flatMap((filter) => typeof filter === 'function' ? [] : columnsOfFilter(filter))
  return [
    ...columns.map((column): [string, ColumnUse] => [column, 'columns']),
    ...sort.map(({ column }): [string, ColumnUse] => [column, 'sort']),
    ...groupBy === undefined ? [] : [[groupBy, 'groupBy'] as [string, ColumnUse]],
    ...ofFilters.map((column): [string, ColumnUse] => [column, 'filters'])
  ]
}
