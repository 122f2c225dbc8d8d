import { createHash } from 'node:crypto'
import { crc32 } from '../base/crc32.js'
import { shared } from '../base/shared-memory.js'
import { BLOCK_BYTES, targetOf } from './blocks.js'
import { JSON_STYLE } from './cell-style.js'
import type { TextColumn } from './column.js'
import { rowWriter } from './row-writer.js'
import type { Table } from './table.js'
import type { TableField } from './table-field.js'
import { maxLengthOf, type Utf8Column } from './utf8-column.js'

// The name of a data version is defined in docs/decisions/0016-the-name-of-a-data-version.md.

/** Part of the hash. Must be changed together with the text that is hashed, so that equal names always mean equal records. */
const FORMAT = 'userlake records 2'
/** Records are distributed over this number of buckets by the CRC-32 of their keys. */
export const BUCKETS = 1024
/** The length of a SHA-256. */
export const DIGEST_BYTES = 32
/** About this number of bytes are passed to the hash at a time. */
const PIECE_BYTES = 64 * 1024
/** The number of bytes that end the JSON of a row in the table (a brace, and a comma or bracket); in a line, LINE_END replaces them. */
const ROW_END_BYTES = 2
const LINE_END = Buffer.from('}\n')

/** The SHA-256 of each bucket of records, one after the other; zeros for a bucket without records. */
export type BucketDigests = Uint8Array

/** A table before its version has a name. */
export type UnnamedTable = Omit<Table, 'version' | 'buckets' | 'births'>

/**
 * Hashes the buckets of a table. Those in which nothing has changed are taken from the previous table.
 *
 * @param sameAs for each row, the row of the previous table with the same values; -1 if no row has the same values
 */
export function hashBuckets (table: UnnamedTable, previous: Table, sameAs: Int32Array): BucketDigests {
  const buckets = bucketsOf(table.keys)
  const touched = findTouched(table, buckets, previous, sameAs)
  const digests = shared(Uint8Array, BUCKETS * DIGEST_BYTES)
  if (previous.buckets.length > 0) digests.set(previous.buckets)
  const { rows, starts } = groupRows(buckets, touched)
  const digestOf = bucketHasher(table)
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (touched[bucket] === 0) continue
    const members = rows.subarray(starts[bucket], starts[bucket + 1])
    if (members.length === 0) digests.fill(0, bucket * DIGEST_BYTES, (bucket + 1) * DIGEST_BYTES)
    else digests.set(digestOf(members), bucket * DIGEST_BYTES)
  }
  return digests
}

/** The name of the version with these buckets. */
export function nameVersion (fields: readonly TableField[], digests: BucketDigests): string {
  const hash = createHash('sha256').update(`${JSON.stringify([FORMAT, ...fields.map(({ name, source, type }) => [name, source, type])])}\n`)
  const buffer = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength)
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const digest = buffer.subarray(bucket * DIGEST_BYTES, (bucket + 1) * DIGEST_BYTES)
    if (digest.some((byte) => byte !== 0)) hash.update(`${bucket} ${digest.toString('hex')}\n`)
  }
  return hash.digest('base64url').slice(0, 22) // 132 bits
}

/** The bucket of each row. */
function bucketsOf ({ bytes, offsets }: Utf8Column): Uint16Array {
  const buckets = new Uint16Array(offsets.length - 1)
  for (let row = 0; row < buckets.length; row++) buckets[row] = crc32(bytes, offsets[row]!, offsets[row + 1]!) % BUCKETS
  return buckets
}

/** Marks the buckets in which records were added, changed or removed. */
function findTouched ({ fields }: UnnamedTable, buckets: Uint16Array, previous: Table, sameAs: Int32Array): Uint8Array {
  const touched = new Uint8Array(BUCKETS)
  if (JSON.stringify(fields) !== JSON.stringify(previous.fields) || previous.buckets.length === 0) return touched.fill(1)
  const isKept = new Uint8Array(previous.length)
  for (let row = 0; row < sameAs.length; row++) {
    if (sameAs[row] === -1) touched[buckets[row]!] = 1
    else isKept[sameAs[row]!] = 1
  }
  const { bytes, offsets } = previous.keys
  for (let row = 0; row < isKept.length; row++) if (isKept[row] === 0) touched[crc32(bytes, offsets[row]!, offsets[row + 1]!) % BUCKETS] = 1
  return touched
}

/** The rows of the touched buckets, those of one bucket in ascending order, one bucket after the other. */
function groupRows (buckets: Uint16Array, touched: Uint8Array): { readonly rows: Uint32Array, readonly starts: Uint32Array } {
  const starts = new Uint32Array(BUCKETS + 1)
  for (const bucket of buckets) if (touched[bucket] === 1) starts[bucket + 1]!++
  for (let bucket = 0; bucket < BUCKETS; bucket++) starts[bucket + 1]! += starts[bucket]!
  const rows = new Uint32Array(starts[BUCKETS]!)
  const next = starts.slice()
  for (let row = 0; row < buckets.length; row++) if (touched[buckets[row]!] === 1) rows[next[buckets[row]!]!++] = row
  return { rows, starts }
}

/** Returns a function that hashes rows, each as a line of JSON: its declared columns, and the undeclared columns that it has. */
function bucketHasher (table: UnnamedTable): (rows: Uint32Array) => Uint8Array {
  const { json, fields, columns, length } = table
  const undeclared = columns.slice(fields.filter(({ source }) => source === 'file').length) as TextColumn[]
  const writers = undeclared.map(({ name, codes }) => ({ codes, ...rowWriter(table, [name], { style: JSON_STYLE, before: [`,${JSON.stringify(name)}:`], end: '' }, length) }))
  const longest = Math.max(maxLengthOf(json), ...writers.map(({ maxLength }) => maxLength))
  const to = targetOf(new ArrayBuffer(PIECE_BYTES + longest + BLOCK_BYTES))
  return (rows) => {
    const hash = createHash('sha256')
    let at = 0
    const flush = () => {
      hash.update(to.bytes.subarray(0, at))
      at = 0
    }
    for (const row of rows) {
      const text = json.bytes.subarray(json.offsets[row], json.offsets[row + 1]! - ROW_END_BYTES)
      to.bytes.set(text, at)
      at += text.length
      for (const { codes, write } of writers) {
        if (at >= PIECE_BYTES) flush()
        if (codes[row] !== 0) at = write(to, at, row)
      }
      if (at >= PIECE_BYTES) flush()
      to.bytes.set(LINE_END, at)
      at += LINE_END.length
      if (at >= PIECE_BYTES) flush()
    }
    return hash.update(to.bytes.subarray(0, at)).digest()
  }
}
