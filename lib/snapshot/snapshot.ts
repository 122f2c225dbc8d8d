import { createHash } from 'node:crypto'
import { decodeLog, encodeLog, type ChangeLogData } from '../source/change-log.js'
import { encodeRejectedFiles, rejectedFilesOf, type RejectedFile, type SourceState } from '../source/source-state.js'
import { addDerivedColumns, emptyTable } from '../table/build-table.js'
import { NO_ROW } from '../table/row-source.js'
import { readColumns, writeColumns } from './arrow-columns.js'

/** Part of the metadata of a snapshot; changed with each change of its layout. */
const REVISION = 'userlake snapshot 12'

/** Why a snapshot cannot be used. `foreign` means that it was written for another lake, with other settings or by another release. */
export type SnapshotProblem = 'damaged' | 'foreign'

/** The beginning of the metadata value with the checksum. The checksum is the SHA-256 of the file in hex, computed while zeros are in its place. */
const LABEL = 'userlake sha256 '
const DIGEST_LENGTH = 64
const BLANK = LABEL + '0'.repeat(DIGEST_LENGTH)

/**
 * Encodes a state as an Arrow IPC file, from which the next process can start without downloads. Any Arrow reader can read the columns of the
 * records, which come first.
 *
 * @param identity identifies the lake and the settings that the state depends on
 */
export function encodeSnapshot (state: SourceState, identity: string): Buffer {
  const { name, table: { version } } = state
  // The backoff after a failed download is not written, because it refers to the monotonic clock of this process.
  const rejected = JSON.stringify([...rejectedFilesOf(state).values()].map(({ backoff, ...file }) => file))
  const columns = writeColumns(state, { revision: REVISION, identity, name, version, rejected, changes: JSON.stringify(decodeLog(state.changes)), checksum: BLANK })
  const file = Buffer.from(columns.buffer, columns.byteOffset, columns.byteLength)
  const checksum = LABEL + digest(file, BLANK)
  for (const at of placesOf(file, BLANK)) file.write(checksum, at, 'latin1')
  return file
}

/** Decodes a snapshot. Never throws: returns the reason if the snapshot cannot be used. @param identity as in `encodeSnapshot` */
export function decodeSnapshot (file: Buffer, identity: string): SourceState | SnapshotProblem {
  // The checksum is the last entry of the metadata. An Arrow file is written with the last entry first, so that no other entry that contains the label precedes it.
  const label = file.indexOf(LABEL)
  if (label === -1) return 'foreign'
  // The checksum is verified before the file is parsed, because damaged metadata could make the Arrow reader allocate all memory.
  if (!isIntact(file, label + LABEL.length)) return 'damaged'
  try {
    const { metadata, columns, files, images } = readColumns(file)
    if (metadata['revision'] !== REVISION || metadata['identity'] !== identity) return 'foreign'
    const table = addDerivedColumns(columns, emptyTable(columns.fields), new Int32Array(columns.length).fill(NO_ROW))
    // Another release may derive other columns from the same stored ones.
    if (table.version !== metadata['version']) return 'foreign'
    const rejected = JSON.parse(metadata['rejected']!) as RejectedFile[]
    return { name: metadata['name']!, table, files, images, rejected: encodeRejectedFiles(rejected), changes: encodeLog(JSON.parse(metadata['changes']!) as ChangeLogData) }
  } catch {
    return 'damaged'
  }
}

/** Whether the checksum at the offset `start` is that of the file. */
function isIntact (file: Buffer, start: number): boolean {
  const expected = file.toString('latin1', start, start + DIGEST_LENGTH)
  return digest(file, LABEL + expected) === expected
}

/** The digest of a file in which each occurrence of `checksum` is replaced by zeros. */
function digest (file: Buffer, checksum: string): string {
  const hash = createHash('sha256')
  let end = 0
  for (const at of placesOf(file, checksum)) {
    hash.update(file.subarray(end, at)).update(BLANK)
    end = at + checksum.length
  }
  return hash.update(file.subarray(end)).digest('hex')
}

/** Yields the offsets at which a string occurs. An Arrow file contains its metadata twice: before the columns and after them. */
function * placesOf (file: Buffer, text: string): Generator<number> {
  for (let at = file.indexOf(text); at !== -1; at = file.indexOf(text, at + text.length)) yield at
}
