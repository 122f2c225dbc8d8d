import { createHash } from 'node:crypto'
import type { RejectedFile, SourceState } from '../source/source-state.js'
import { EMPTY_TABLE, addDerivedColumns } from '../table/build-table.js'
import { readColumns, writeColumns } from './arrow-columns.js'

/** Part of what a snapshot must have been made by: another layout is another revision. */
const REVISION = 'userlake snapshot 4'

/** In front of the footer, where Arrow's readers do not look. */
const CHECKSUM_BYTES = 32
/** Behind the footer: its length and `ARROW1`. */
const TAIL_BYTES = 10

/**
 * A state as one Arrow IPC file, for a start without downloads: the columns as they lie in memory, those of the records
 * first, readable by whatever reads Arrow. A SHA-256 of it all lies in a gap before the footer. `identity` names the lake and
 * the settings that the state depends on.
 */
export function encodeSnapshot (state: SourceState, identity: string): Buffer {
  const { name, table: { version }, rejected } = state
  const file = writeColumns(state, { revision: REVISION, identity, name, version, rejected: JSON.stringify([...rejected.values()].map(({ backoff, ...file }) => file)) })
  const footer = footerStart(file)
  const [head, tail] = [file.subarray(0, footer), file.subarray(footer)]
  return Buffer.concat([head, checksum(head, tail), tail])
}

/** The state of a snapshot; `undefined` where it is damaged, or was made of another lake or by other rules. */
export function decodeSnapshot (file: Buffer, identity: string): SourceState | undefined {
  try {
    const footer = footerStart(file)
    const [head, sum, tail] = [file.subarray(0, footer - CHECKSUM_BYTES), file.subarray(footer - CHECKSUM_BYTES, footer), file.subarray(footer)]
    if (footer < CHECKSUM_BYTES || !checksum(head, tail).equals(sum)) return undefined
    const { metadata, columns, files, images } = readColumns(file)
    if (metadata['revision'] !== REVISION || metadata['identity'] !== identity) return undefined
    const table = addDerivedColumns(columns, EMPTY_TABLE, new Int32Array(columns.length).fill(-1))
    // Rows of the same name are the same rows, whatever happened on their way.
    if (table.version !== metadata['version']) return undefined
    const rejected = JSON.parse(metadata['rejected']!) as RejectedFile[]
    return { name: metadata['name']!, table, files, images, rejected: new Map(rejected.map((file) => [file.key, file])) }
  } catch {
    return undefined
  }
}

function footerStart (file: Uint8Array): number {
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getInt32(file.length - TAIL_BYTES, true)
  return file.length - TAIL_BYTES - length
}

function checksum (head: Uint8Array, tail: Uint8Array): Buffer {
  return createHash('sha256').update(head).update(tail).digest()
}
