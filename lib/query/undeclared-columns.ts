import { setImmediate } from 'node:timers/promises'
import type { TableReader } from '../table/table.js'

/** A column of the files that the schema does not declare. */
export interface UndeclaredColumn {
  readonly name: string
  /** The number of records that have it. */
  readonly records: number
}

/** Counts the records that have each undeclared column, in the byte order of their names. The event loop turns between two columns. */
export async function countUndeclared (table: TableReader): Promise<UndeclaredColumn[]> {
  const counted: UndeclaredColumn[] = []
  for (const name of table.columnNames.slice(table.declared.length)) {
    let records = 0
    for (const code of table.dictionary(name)!.codes) if (code !== 0) records++
    counted.push({ name, records })
    await setImmediate()
  }
  return counted
}
