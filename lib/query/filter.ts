import { cell, type UserRow } from '../record.js'

/**
 * One condition on the records, as data, so that any engine can answer it. Several are combined with AND. Column names
 * are those of the records; `birth_date` (yyyymmdd in the configured time zone) is one that answers do not show.
 */
export type Filter =
  /** The value, as text, is one of these. `fold` ignores case. An absent value (`null`) equals nothing. */
  | { readonly column: string, readonly op: 'equals', readonly value: string | readonly string[], readonly fold?: boolean }
  /** The value, as text, begins with this. */
  | { readonly column: string, readonly op: 'prefix', readonly value: string, readonly fold?: boolean }
  /** The number lies between these, both inclusive. */
  | { readonly column: 'birthts' | 'birth_date', readonly op: 'range', readonly value: { readonly min?: number | undefined, readonly max?: number | undefined } }
  /** There is a value, or there is none. */
  | { readonly column: string, readonly op: 'exists', readonly value: boolean }

/**
 * A condition as code: a slow path for the users of the library, answered by the in-process engine only.
 */
export type RowPredicate = (row: UserRow) => boolean

/** The function that answers a filter in process. */
export function toPredicate (filter: Filter | RowPredicate): RowPredicate {
  if (typeof filter === 'function') return filter
  const { column, op } = filter
  switch (op) {
    case 'equals': return equals(column, filter.value, textOf(filter.fold))
    case 'prefix': return startsWith(column, filter.value, textOf(filter.fold))
    case 'range': return between(column, filter.value)
    case 'exists': return (row) => (cell(row, column) !== null) === filter.value
    default: throw new TypeError(`Unknown filter operator ${String(op satisfies never)}`)
  }
}

/** Text in the form in which case does not matter: canonically composed, then upper case by Unicode's full mapping. */
function foldCase (text: string): string {
  return text.normalize('NFC').toUpperCase()
}

function textOf (fold = false): (text: string) => string {
  return fold ? foldCase : (text) => text
}

function equals (column: string, value: string | readonly string[], text: (text: string) => string): RowPredicate {
  const wanted = new Set((typeof value === 'string' ? [value] : value).map(text))
  return (row) => {
    const found = cell(row, column)
    return found !== null && wanted.has(text(String(found)))
  }
}

function startsWith (column: string, value: string, text: (text: string) => string): RowPredicate {
  const prefix = text(value)
  return (row) => {
    const found = cell(row, column)
    return found !== null && text(String(found)).startsWith(prefix)
  }
}

function between (column: 'birthts' | 'birth_date', { min = -Infinity, max = Infinity }: { min?: number | undefined, max?: number | undefined }): RowPredicate {
  return (row) => row[column] >= min && row[column] <= max
}
