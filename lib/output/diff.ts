import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { CsvError, parse } from 'csv-parse'
import { slices } from '../base/slices.js'
import { compareUtf8 } from '../base/utf8.js'
import type { ByteStream } from '../store/streamed-body.js'

/** The numbers of records that a new output adds, changes and removes. */
export interface ChangeCounts { readonly added: number, readonly changed: number, readonly removed: number }

/** How outputs are written: the delimiter between fields, and the name of the key column. */
export interface CsvLayout { readonly delimiter: string, readonly key: string }

/** A record of an output. `text` also contains the names of the columns. */
interface OutputRecord { readonly id: string, readonly text: string }

/** A stream with more bytes is not read into memory to bring its records into the order of their keys. */
export const MAX_UNSORTED_BYTES = 32 * 1024 * 1024

/**
 * Compares two CSV outputs by their key column; `after` is sorted by it. If the columns differ, each record that is in both
 * counts as changed. A previous output counts as empty if it is not CSV, has no key column, or is a stream of more than `MAX_UNSORTED_BYTES` that is not sorted.
 */
export async function compareOutputs (before: Buffer | ByteStream, after: Buffer | ByteStream, options: CsvLayout): Promise<ChangeCounts> {
  try {
    return await countChanges(inOrder(readRecords(before, options)), readRecords(after, options))
  } catch (error) {
    const isTooLarge = error instanceof DisorderError && !Buffer.isBuffer(before) && before.length > MAX_UNSORTED_BYTES
    if (error instanceof CsvError || isTooLarge) return await countChanges(Readable.from([]), readRecords(after, options))
    if (!(error instanceof DisorderError)) throw error
    const records = new Map<string, OutputRecord>()
    for await (const record of readRecords(before, options)) records.set(record.id, record)
    const sorted = [...records.values()].sort((a, b) => compareUtf8(a.id, b.id))
    return await countChanges(Readable.from(sorted), readRecords(after, options))
  }
}

/** Compares two outputs in the order of the ids by a merge, without parsing them into memory. */
async function countChanges (before: AsyncIterable<OutputRecord>, after: AsyncIterable<OutputRecord>): Promise<ChangeCounts> {
  const changes = { added: 0, changed: 0, removed: 0 }
  const [oldRecords, newRecords] = [before[Symbol.asyncIterator](), after[Symbol.asyncIterator]()]
  try {
    // The new output is first: until it begins, the connection of the old one would be idle.
    let [fresh, old] = [await newRecords.next(), await oldRecords.next()]
    while (!old.done || !fresh.done) {
      const order = old.done ? 1 : fresh.done ? -1 : compareUtf8(old.value.id, fresh.value.id)
      if (order < 0) changes.removed++
      else if (order > 0) changes.added++
      else if (old.value.text !== fresh.value.text) changes.changed++
      if (order <= 0) old = await oldRecords.next()
      if (order >= 0) fresh = await newRecords.next()
    }
    return changes
  } finally {
    await Promise.all([oldRecords.return?.(), newRecords.return?.()])
  }
}

class DisorderError extends Error {}

/** Passes the records through. @throws DisorderError if their ids do not ascend */
async function * inOrder (records: AsyncIterable<OutputRecord>): AsyncGenerator<OutputRecord> {
  let last: string | undefined
  for await (const record of records) {
    if (last !== undefined && compareUtf8(last, record.id) >= 0) throw new DisorderError()
    last = record.id
    yield record
  }
}

async function * readRecords (csv: Buffer | ByteStream, { delimiter, key }: CsvLayout): AsyncGenerator<OutputRecord> {
  let header: readonly string[] | undefined
  let position = -1
  const parser = parse({ delimiter, bom: true, relax_column_count: true, skip_empty_lines: true })
  pipeline(Buffer.isBuffer(csv) ? yieldingSlices(csv) : csv.open(), parser).catch(() => {}) // the reader of the parser gets the error
  for await (const record of parser as AsyncIterable<string[]>) {
    if (header === undefined) {
      header = record
      position = record.indexOf(key)
      if (position === -1) return
    } else {
      yield { id: record[position] ?? '', text: JSON.stringify([header, record]) }
    }
  }
}

/** The number of bytes that are parsed in one turn of the event loop. */
const SLICE_BYTES = 64 * 1024

async function * yieldingSlices (bytes: Buffer): AsyncGenerator<Buffer> {
  for (const slice of slices(bytes, SLICE_BYTES)) {
    yield slice
    await setImmediate()
  }
}
