import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { CsvError, parse } from 'csv-parse'
import type { Cell } from '../record.js'

/** What a new output does to the one it replaces, in users. */
export interface Changes { readonly added: number, readonly changed: number, readonly removed: number }

/**
 * Compares two outputs by their `user_id` column. An output that was written with other columns counts all users of
 * both as changed; one that is not CSV with a `user_id` column counts as empty.
 */
export async function compareOutputs (before: Buffer | undefined, after: Buffer, delimiter: string): Promise<Changes> {
  const old = before === undefined ? new Map<string, string>() : await linesByUser(before, delimiter)
  let added = 0
  let changed = 0
  for (const [userId, line] of await linesByUser(after, delimiter)) {
    const known = old.get(userId)
    if (known === undefined) added++
    else if (known !== line) changed++
    old.delete(userId)
  }
  return { added, changed, removed: old.size }
}

/** Each user's record, with the names of its columns, as one comparable text. */
async function linesByUser (csv: Buffer, delimiter: string): Promise<Map<string, string>> {
  const lines = new Map<string, string>()
  let header: readonly Cell[] | undefined
  let position = -1
  const parser = parse({ delimiter, bom: true, relax_column_count: true, skip_empty_lines: true })
  const input = Readable.from(slices(csv)).pipe(parser)
  try {
    for await (const record of input as AsyncIterable<string[]>) {
      if (header === undefined) {
        header = record
        position = record.indexOf('user_id')
        if (position === -1) return new Map()
      } else {
        lines.set(record[position] ?? '', JSON.stringify([header, record]))
      }
    }
  } catch (error) {
    if (error instanceof CsvError) return new Map()
    throw error
  }
  return lines
}

/** So many bytes are parsed before others get their turn. */
const SLICE_BYTES = 64 * 1024

async function * slices (bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    yield bytes.subarray(start, start + SLICE_BYTES)
    await setImmediate()
  }
}
