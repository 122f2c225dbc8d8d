import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { DEFAULTS } from '../base/defaults.js'
import { StoreError } from '../base/errors.js'
import { yielding } from '../base/paced.js'
import type { DataVersion, SelectQuery } from '../query/data-version.js'
import { transferMs } from '../store/s3/deadline.js'
import { MAX_MULTIPART_BYTES } from '../store/s3/multipart.js'
import { measureBody, type ByteStream, type StreamedBody } from '../store/streamed-body.js'
import { keyNameOf } from '../table/table-field.js'
import { compareOutputs, type ChangeCounts } from './diff.js'
import { parquet } from './parquet.js'
import { render, type CsvOptions } from './render.js'

export type OutputFormat = 'csv' | 'parquet'

/** The longest time in which a stream is read, in milliseconds: that of writing the largest one. */
const READ_MS = transferMs(MAX_MULTIPART_BYTES)

/** A published file. Plain data, except for filters that are functions. */
export interface Output extends CsvOptions {
  readonly format: OutputFormat
  readonly key: string
  /** Default: the declared columns. A column that no record has is empty. */
  readonly columns?: readonly string[] | undefined
  readonly filters?: SelectQuery['filters']
}

/** An output as its bytes or, if it may not fit into memory, as a stream. */
export interface RenderedOutput {
  readonly body: Buffer | StreamedBody
  readonly contentType: string
  /** The number of records in it. */
  readonly records: number
  /** Counts the changes to the current output; `undefined` if no output exists. */
  readonly compare: (before: Buffer | ByteStream | undefined) => Promise<ChangeCounts>
}

/** Identifies the file and the settings of an output, except for filters that are functions. */
export function outputName (output: Output): string {
  return createHash('sha256').update(JSON.stringify(output)).digest('base64url').slice(0, 11)
}

/** Renders an output. The bytes depend only on the records and the options. */
export async function renderOutput (version: DataVersion, output: Output): Promise<RenderedOutput> {
  const { format, columns, filters } = output
  const selection = await version.select({ columns, filters })
  const records = selection.count
  if (format === 'parquet') {
    const body = await parquet(selection, version.fields)
    return { body, contentType: 'application/vnd.apache.parquet', records, compare: async () => NOT_COMPARED }
  }
  const text = render(selection, 'csv', output)
  return renderedCsv(Buffer.isBuffer(text) ? text : await buffer(Readable.from(yielding(text))), records, output, version)
}

/**
 * Renders a CSV output of records that are not in memory, with the same bytes as `renderOutput`, in constant memory: once to find its length and its digests, and again each time that the body is read.
 *
 * @throws StoreError `too_large` if it has more than `maxBytes`
 */
export async function streamOutput (version: DataVersion, output: Output, maxBytes = MAX_MULTIPART_BYTES): Promise<RenderedOutput> {
  const { key, columns, filters } = output
  const selection = await version.select({ columns, filters, timeoutMs: READ_MS })
  async function * open (): AsyncGenerator<Buffer> {
    const text = render(selection, 'csv', output)
    let bytes = 0
    for await (const chunk of Buffer.isBuffer(text) ? [text] : yielding(text)) {
      const written = Buffer.from(chunk)
      bytes += written.length
      if (bytes > maxBytes) throw new StoreError('too_large', `${key}: the output would have more than ${maxBytes} bytes`)
      yield written
    }
  }
  return renderedCsv(await measureBody(open), selection.count, output, version)
}

function renderedCsv (body: Buffer | StreamedBody, records: number, { delimiter = DEFAULTS.delimiter }: Output, { fields }: DataVersion): RenderedOutput {
  const compare: RenderedOutput['compare'] = async (before) => before === undefined
    ? { added: records, changed: 0, removed: 0 }
    : await compareOutputs(before, body, { delimiter, key: keyNameOf(fields) })
  return { body, contentType: 'text/csv; charset=utf-8', records, compare }
}

/** Parquet files are not compared: a job reports the changes of the CSV, which is its first output. */
const NOT_COMPARED: ChangeCounts = { added: 0, changed: 0, removed: 0 }
