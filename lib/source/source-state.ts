import type { RecordFields } from '../schema/record.js'
import { unpackEtag } from '../store/packed-etag.js'
import { emptyTable } from '../table/build-table.js'
import { NO_IMAGES, type ImageVersions } from '../table/image-versions.js'
import type { Table } from '../table/table.js'
import type { TableField } from '../table/table-field.js'
import { EMPTY_UTF8, sliceAt, takeUtf8, Utf8Builder, Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import { startLog, type ChangeLog } from './change-log.js'
import { UNREAD_CODES, type Rejection } from './reject.js'

export type { ImageVersions } from '../table/image-versions.js'

/** The version of the info file that each row of a table came from. */
export interface FileVersions {
  /** Empty for a file with the usual key: the prefix, the id and `.csv`. */
  readonly keys: Utf8Column
  /** Packed: see packed-etag.ts. */
  readonly etags: Utf8Column
  /** Bytes. */
  readonly sizes: Uint32Array
  /** 1 if a later write may have the same ETag; such a file is downloaded again by the next reconcile. */
  readonly racy: Uint8Array
}

/** An info file in quarantine. If its entity has a row in the table, that row is the last good one. */
export interface RejectedFile {
  readonly id: string
  readonly key: string
  readonly etag: string
  readonly size: number
  readonly racy: boolean
  readonly rejection: Rejection
  /** The fields of a valid file that is rejected only because the lake has too many columns. */
  readonly data?: RecordFields
  /** Present if the file is incomplete: when it can be read again, in milliseconds of the monotonic clock. */
  readonly readAgainAt?: number
  /** Present if this process has tried to download the file, and failed. */
  readonly backoff?: Backoff
}

/** Whether the content of a file is not known: it may be a record. */
export function isUnread ({ rejection }: RejectedFile): boolean {
  return UNREAD_CODES.includes(rejection.code)
}

/** When and how a file is read again that could not be read. Times are milliseconds of the monotonic clock, durations are milliseconds. */
export interface Backoff {
  /** When the first attempt failed; none has succeeded since then. */
  readonly since: number
  /** When the next attempt may begin: `pauseMs` after the last one. */
  readonly until: number
  readonly pauseMs: number
  /** How long the next attempt may take. */
  readonly timeoutMs: number
  /** Whether the store refuses the object, or attempts have failed for so long that outputs no longer wait for it. */
  readonly isGivenUp: boolean
}

/** For each info file and image of the last listing: its ETag and size, and its row or its reject. */
export interface SourceIndex {
  readonly files: FileVersions
  /** Of each image field, in schema order. */
  readonly images: readonly ImageVersions[]
  /** The rejected files, each as JSON: posting a state to another thread copies none of them. See `rejectedFilesOf`. */
  readonly rejected: Utf8Column
}

/** The records and the source index after a reconcile. Immutable, and plain data that can be posted to another thread. */
export interface SourceState extends SourceIndex {
  /** Names the state in this process: a state that differs from the one before has another name. */
  readonly name: string
  readonly table: Table
  /** Its last position is that of this state. */
  readonly changes: ChangeLog
  /** Present if an engine has stored the records: the table is then empty. */
  readonly stored?: StoredRecords
}

/** A version of the records that an engine has stored. */
export interface StoredRecords {
  /** The number of the version in the engine. */
  readonly number: bigint
  /** The name of the data version. */
  readonly name: string
  readonly records: number
  /** The undeclared columns, in the order of their UTF-8 bytes. */
  readonly undeclared: readonly string[]
}

/** The number of records of a state. */
export function countRecords ({ table, stored }: SourceState): number {
  return stored === undefined ? table.length : stored.records
}

/** The name of the data version of a state. */
export function versionNameOf ({ table, stored }: SourceState): string {
  return stored === undefined ? table.version : stored.name
}

/** The name of a state that was not made from a listing. */
export const EMPTY_NAME = '0'

/** A state without objects, for records with these declared columns. */
export const emptyState = (fields: readonly TableField[]): SourceState => {
  const table = emptyTable(fields)
  return {
    name: EMPTY_NAME,
    table,
    files: { keys: EMPTY_UTF8, etags: EMPTY_UTF8, sizes: new Uint32Array(), racy: new Uint8Array() },
    images: fields.filter(({ source }) => source === 'image').map(() => NO_IMAGES),
    rejected: EMPTY_UTF8,
    changes: startLog(table.version)
  }
}

/** The state before the first reconcile. */
export const EMPTY_STATE = emptyState([])

/** The name of the state that replaces `previous`: a serial number, and the time of the listing that it was made from. */
export function nextStateName (previous: SourceState, listedAt: number): string {
  return `${parseInt(previous.name) + 1}@${listedAt}`
}

/** The key and ETag of the info file that a row came from. */
export function infoFileOf ({ table: { keys: ids }, files: { keys, etags } }: SourceState, row: number, prefix: string): { readonly key: string, readonly etag: string } {
  const key = new Utf8Reader(keys).at(row) || `${prefix}${new Utf8Reader(ids).at(row)}.csv`
  return { key, etag: unpackEtag(etags, row) }
}

/** The rejected files by the column that contains them, for columns that this thread has encoded or decoded. */
const decoded = new WeakMap<Utf8Column, ReadonlyMap<string, RejectedFile>>()

/** The rejected files of a state by object key. A column always gives the same objects. */
export function rejectedFilesOf ({ rejected }: Pick<SourceState, 'rejected'>): ReadonlyMap<string, RejectedFile> {
  let files = decoded.get(rejected)
  if (files === undefined) {
    const reader = new Utf8Reader(rejected)
    files = new Map(Array.from({ length: reader.length }, (_, i) => JSON.parse(reader.at(i)) as RejectedFile).map((file) => [file.key, file]))
    decoded.set(rejected, files)
  }
  return files
}

/** The inverse of `rejectedFilesOf`. */
export function encodeRejectedFiles (files: Iterable<RejectedFile>): Utf8Column {
  const byKey = new Map([...files].map((file) => [file.key, file]))
  const builder = new Utf8Builder(byKey.size)
  for (const file of byKey.values()) builder.push(JSON.stringify(file))
  const column = takeUtf8(builder.length, (i) => sliceAt(builder, i))
  decoded.set(column, byKey)
  return column
}
