import type { Column, Columns } from './columns.js'
import { toSearch, type Entry } from './query-state.js'

// The query of the page in other languages. A key is never part of it.

export interface Snippet { readonly name: string, readonly text: string }

/**
 * @param origin the URL of the service, with a final slash
 * @param entries with the parameter `columns`
 */
export function snippetsOf (origin: string, entries: readonly Entry[], columns: Columns, hasKey: boolean): readonly Snippet[] {
  const csv = `${origin}data.csv${toSearch(entries)}`
  const shown = responseColumns(entries, columns)
  return [
    { name: 'curl', text: curl(`${origin}data${toSearch(entries)}`, hasKey) },
    { name: 'Python', text: python(csv, shown, hasKey) },
    { name: 'SQL (DuckDB)', text: duckdb(csv, shown, hasKey) }
  ]
}

function curl (url: string, hasKey: boolean): string {
  return `curl${hasKey ? ' -H "Authorization: Bearer $USERLAKE_KEY"' : ''} ${shellText(url)}`
}

function python (url: string, columns: readonly Column[], hasKey: boolean): string {
  // Otherwise pandas takes ids such as 007 for numbers, and names such as NA for missing values.
  const text = columns.filter(({ type }) => type === 'string').map(({ name }) => `${JSON.stringify(name)}: str`)
  return [
    ...hasKey ? ['import os'] : [],
    'import pandas as pd',
    '',
    'records = pd.read_csv(',
    `    ${JSON.stringify(url)},`,
    `    dtype={${text.join(', ')}}, keep_default_na=False, na_values=[""],`,
    ...hasKey ? ['    storage_options={"Authorization": "Bearer " + os.environ["USERLAKE_KEY"]},'] : [],
    ')'
  ].join('\n')
}

const SQL_TYPES = { string: 'VARCHAR', integer: 'BIGINT', number: 'DOUBLE', boolean: 'BOOLEAN', date: 'DATE', datetime: 'TIMESTAMPTZ' } as const

function duckdb (url: string, columns: readonly Column[], hasKey: boolean): string {
  const types = columns.map(({ name, type }) => `${sqlText(name)}: ${sqlText(SQL_TYPES[type])}`)
  const secret = "CREATE SECRET userlake (TYPE http, EXTRA_HTTP_HEADERS MAP {'Authorization': 'Bearer <key>'});\n"
  return `${hasKey ? secret : ''}SELECT *\nFROM read_csv(${sqlText(url)}, header = true,\n  types = {${types.join(', ')}});`
}

/** The columns of the response. */
function responseColumns (entries: readonly Entry[], { all, byName }: Columns): readonly Column[] {
  const names = entries.filter(([name]) => name === 'columns').flatMap(([, value]) => value.split(','))
  return names.includes('*') ? all.filter(({ kind, name }) => kind !== 'age' || names.includes(name)) : names.flatMap((name) => byName.get(name) ?? [])
}

function shellText (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function sqlText (text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
