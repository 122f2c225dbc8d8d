import { UnknownColumnError } from '../base/errors.js'
import type { SelectQuery } from './data-version.js'
import type { Filter } from './filter.js'

/** Checks that at least one record has each column that a query names. @throws UnknownColumnError */
export function checkColumns (known: readonly string[], { columns = [], filters = [] }: Pick<SelectQuery, 'columns' | 'filters'>): void {
  for (const column of columns) check(known, column, 'columns')
  for (const filter of filters) if (typeof filter !== 'function') for (const column of columnsOf(filter)) check(known, column, 'filters')
}

function columnsOf (filter: Filter): readonly string[] {
  if (filter.op === 'any') return filter.filters.flatMap(columnsOf)
  return filter.op === 'born' ? [] : [filter.column]
}

function check (known: readonly string[], column: string, usedIn: 'columns' | 'filters'): void {
  if (!known.includes(column)) throw new UnknownColumnError(column, usedIn, known)
}
