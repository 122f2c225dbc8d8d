import { UnknownColumnError } from '../base/errors.js'
import type { SelectQuery } from './data-version.js'

/** Checks that at least one record has each column that a query names. @throws UnknownColumnError */
export function checkColumns (known: readonly string[], { columns = [], filters = [] }: Pick<SelectQuery, 'columns' | 'filters'>): void {
  for (const column of columns) check(known, column, 'columns')
  for (const filter of filters) if (typeof filter !== 'function' && filter.op !== 'born') check(known, filter.column, 'filters')
}

function check (known: readonly string[], column: string, usedIn: 'columns' | 'filters'): void {
  if (!known.includes(column)) throw new UnknownColumnError(column, usedIn, known)
}
