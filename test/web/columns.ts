import { readFileSync } from 'node:fs'
import { columnsOf, type Columns } from '../../web/columns.js'
import type { Schema } from '../../web/types.js'

/** The columns of a schema file, with undeclared columns. */
export function columnsIn (path: string, ...undeclared: readonly string[]): Columns {
  const schema = JSON.parse(readFileSync(path, 'utf8')) as Schema
  return columnsOf({ ...schema, undeclared_columns: undeclared.map((name) => ({ name, records: 1 })) })
}
