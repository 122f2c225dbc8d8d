import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { DataVersion, SelectQuery, Selection } from '../query/data-version.js'
import { DECLARED_COLUMNS } from '../schema/record.js'
import { compareOutputs, type Changes } from './diff.js'
import { parquet } from './parquet.js'
import { render, type CsvOptions } from './render.js'

export type OutputFormat = 'csv' | 'parquet'

/** One of the files that are kept up to date. Plain data, but for filters that are functions. */
export interface Output extends CsvOptions {
  readonly format: OutputFormat
  readonly key: string
  /** Default: the base columns. A column that no record has is empty throughout. */
  readonly columns?: readonly string[] | undefined
  readonly filters?: SelectQuery['filters']
}

export interface RenderedOutput {
  readonly body: Buffer
  readonly contentType: string
  /** How many records it holds. */
  readonly records: number
  readonly compare: (before: Buffer | undefined) => Promise<Changes>
}

/** The whole output, made from these records and nothing else. */
export async function renderOutput (records: DataVersion, output: Output): Promise<RenderedOutput> {
  const { format, columns = DECLARED_COLUMNS, filters, delimiter = ',' } = output
  const selection = await records.select({ columns, filters })
  const users = selection.count
  if (format === 'parquet') {
    const body = await parquet(selection)
    return { body, contentType: 'application/vnd.apache.parquet', records: users, compare: async () => NOT_COMPARED }
  }
  const body = await whole(selection, output)
  const compare = async (before: Buffer | undefined) => before === undefined
    ? { added: users, changed: 0, removed: 0 }
    : await compareOutputs(before, body, delimiter)
  return { body, contentType: 'text/csv; charset=utf-8', records: users, compare }
}

/** The CSV beside it tells. */
const NOT_COMPARED: Changes = { added: 0, changed: 0, removed: 0 }

async function whole (selection: Selection, options: CsvOptions): Promise<Buffer> {
  const text = render(selection, 'csv', options)
  return Buffer.isBuffer(text) ? text : await buffer(Readable.from(text))
}
