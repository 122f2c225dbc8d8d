import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { DEFAULTS } from '../base/defaults.js'
import { StoreError } from '../base/errors.js'
import type { DataVersion, SelectQuery, Selection } from '../query/data-version.js'
import { keyNameOf } from '../table/table-field.js'
import { compareOutputs, type Changes } from './diff.js'
import { yielding } from './paced.js'
import { parquet } from './parquet.js'
import { render, type CsvOptions } from './render.js'

export type OutputFormat = 'csv' | 'parquet'

/** A published file. Plain data, except for filters that are functions. */
export interface Output extends CsvOptions {
  readonly format: OutputFormat
  readonly key: string
  /** Default: the declared columns. A column that no record has is empty. */
  readonly columns?: readonly string[] | undefined
  readonly filters?: SelectQuery['filters']
}

export interface RenderedOutput {
  readonly body: Buffer
  readonly contentType: string
  /** The number of records in it. */
  readonly records: number
  /** Counts the changes to the current output; `undefined` if no output exists. */
  readonly compare: (before: Buffer | undefined) => Promise<Changes>
}

/** Identifies the file and the settings of an output, except for filters that are functions. */
export function outputName (output: Output): string {
  return createHash('sha256').update(JSON.stringify(output)).digest('base64url').slice(0, 11)
}

/**
 * Renders an output. The bytes depend only on the records and the options.
 *
 * @throws StoreError `too_large` if a CSV has more than `maxBytes`
 */
export async function renderOutput (version: DataVersion, output: Output, maxBytes = Infinity): Promise<RenderedOutput> {
  const { format, columns, filters, delimiter = DEFAULTS.delimiter } = output
  const selection = await version.select({ columns, filters })
  const records = selection.count
  if (format === 'parquet') {
    const body = await parquet(selection, version.fields)
    return { body, contentType: 'application/vnd.apache.parquet', records, compare: async () => NOT_COMPARED }
  }
  const body = await renderCsv(selection, output, maxBytes)
  const compare = async (before: Buffer | undefined) => before === undefined
    ? { added: records, changed: 0, removed: 0 }
    : await compareOutputs(before, body, { delimiter, key: keyNameOf(version.fields) })
  return { body, contentType: 'text/csv; charset=utf-8', records, compare }
}

/** Parquet files are not compared: the changes are those of the CSV. */
const NOT_COMPARED: Changes = { added: 0, changed: 0, removed: 0 }

async function renderCsv (selection: Selection, options: Output, maxBytes: number): Promise<Buffer> {
  const text = render(selection, 'csv', options)
  return Buffer.isBuffer(text) ? text : await buffer(Readable.from(atMost(maxBytes, yielding(text), options)))
}

async function * atMost (maxBytes: number, chunks: AsyncIterable<string | Buffer>, { key }: Output): AsyncGenerator<string | Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += Buffer.byteLength(chunk)
    if (bytes > maxBytes) throw new StoreError('too_large', `${key}: the output would have more than ${maxBytes} bytes`)
    yield chunk
  }
}
