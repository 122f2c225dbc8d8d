import { keyNameOf, type TableField } from '../table/table-field.js'
import type { TypeName } from '../schema/field-type.js'

// The tables that each node has. Those with `_local` in their names have the rows of its shard. The table `a`, if there is one, is a Distributed table over `a_local` of all shards.

export const RECORDS_OF_SHARD = 'records_local'
export const RECORDS = 'records'
export const OBJECTS = 'objects'
export const REJECTS = 'rejects'
export const CHANGED_OBJECTS_OF_SHARD = 'changed_objects_local'
export const CHANGED_OBJECTS = 'changed_objects'
export const VERSIONS_OF_SHARD = 'versions_local'
export const VERSIONS = 'versions'
/** The stages that may become a version: see stage.ts. In the first shard only. */
export const STAGES_OF_SHARD = 'stages_local'
/** The keys of the rows that a stage replaces or removes, in the shards of these rows. */
export const STAGED_KEYS_OF_SHARD = 'staged_keys_local'
/** The versions below the greatest of its numbers are forgotten. The same on each node. */
export const FORGOTTEN = 'forgotten'
/** What the rows depend on: see identity.ts. The same on each node. */
export const IDENTITY = 'identity'

/** The `valid_to` of a row that no version has replaced: the greatest UInt64. */
export const OPEN_END = '18446744073709551615'

export interface StoredColumn {
  readonly name: string
  /** A type of ClickHouse. */
  readonly type: string
  readonly codec?: string
}

function compressed (name: string, type: string): StoredColumn {
  return { name, type, codec: 'ZSTD(1)' }
}

export function namesOf (columns: readonly StoredColumn[]): string[] {
  return columns.map(({ name }) => name)
}

/** A table whose rows are valid from one version to another: besides its columns, it has those of VALIDITY. */
export interface DataTable {
  /** The name of the Distributed table. */
  readonly name: string
  /** The name of the tables of the shards. */
  readonly ofShard: string
  /** The column by which rows are identified and ordered. A row is in the shard with the number `CRC32(key) % shards`, counted from 0. */
  readonly key: 'key' | 'object_key'
  /** In the table of records, the declared columns follow these. */
  readonly columns: readonly StoredColumn[]
}

/**
 * A row is part of the version V if `valid_from <= V` and `V < valid_to`. `stage` is 0, or that of a change that has not been applied to the tables: such a row has 0 for
 * `valid_to`, and is part of no version.
 */
export const VALIDITY: readonly StoredColumn[] = [
  { name: 'valid_from', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
  { name: 'valid_to', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
  compressed('stage', 'UInt64')
]

/** The columns that records have whatever the schema is. */
const COMMON_COLUMNS: readonly StoredColumn[] = [
  compressed('key', 'String'),
  compressed('key_fold', 'String'),
  // The birth, in milliseconds since 1970-01-01 UTC, and its CalendarDay in the configured time zone.
  { name: 'born', type: 'Nullable(Int64)' },
  { name: 'born_day', type: 'Nullable(Int32)' },
  // The undeclared columns that the record has, by name, and their case-folded values.
  compressed('undeclared', 'Map(LowCardinality(String), String)'),
  compressed('undeclared_fold', 'Map(LowCardinality(String), String)'),
  // The declared columns as a JSON object, and the undeclared ones as its further members, each after a comma. Put before the closing brace, these make the line that version-name.ts hashes.
  compressed('json', 'String'),
  compressed('json_undeclared', 'String'),
  // The first 128 bits of the SHA-256 of that line.
  { name: 'hash', type: 'UInt128' },
  // The version of the info file. `file_key` is empty if the object key is the prefix, the key of the record and `.csv`; `racy` is 1 if the file has to be read again.
  compressed('file_key', 'String'),
  compressed('file_etag', 'String'),
  compressed('file_size', 'UInt32'),
  compressed('racy', 'UInt8')
]

/** A version of an object, in the key order of a listing. `id`: the key of the record that it is part of or would be part of. */
const OBJECT_COLUMNS: readonly StoredColumn[] = [
  compressed('object_key', 'String'),
  compressed('id', 'String'),
  compressed('etag', 'String'),
  compressed('size', 'Int64'),
  compressed('modified', 'Int64')
]

export const RECORDS_TABLE: DataTable = { name: RECORDS, ofShard: RECORDS_OF_SHARD, key: 'key', columns: COMMON_COLUMNS }

/** The info files and images of the lake: what the next listing is compared with. The ETag and size of an info file are those of the version that was read, even if another one was listed. */
export const OBJECTS_TABLE: DataTable = { name: OBJECTS, ofShard: 'objects_local', key: 'object_key', columns: OBJECT_COLUMNS }

/** The entries of the quarantine, and the rejected files that they are about. */
export const REJECTS_TABLE: DataTable = {
  name: REJECTS,
  ofShard: 'rejects_local',
  key: 'object_key',
  columns: [
    compressed('object_key', 'String'),
    compressed('id', 'String'),
    { name: 'code', type: 'LowCardinality(String)' },
    compressed('racy', 'UInt8'),
    // The RejectedFile as JSON, and the QuarantineEntry. The first is empty for what is rejected by its key alone: orphans, duplicates and files without a valid id.
    compressed('file', 'String'),
    compressed('entry', 'String')
  ]
}

export const DATA_TABLES: readonly DataTable[] = [RECORDS_TABLE, OBJECTS_TABLE, REJECTS_TABLE]

/** What a listing has found to differ from the known objects, ordered by id. Each listing has a partition of its own, which is dropped when it has been read. */
export const CHANGED_OBJECTS_COLUMNS: readonly StoredColumn[] = [
  // The UUID of the listing: unlike in other tables, not the id of a Stage.
  { name: 'stage', type: 'String' },
  ...OBJECT_COLUMNS,
  { name: 'racy', type: 'UInt8' },
  // 0 if the listing lacks the object, and for rows without an object: files of the record have to be read again.
  { name: 'is_listed', type: 'UInt8' }
]

const TYPES: Readonly<Record<TypeName, string>> = { string: 'String', integer: 'Int64', number: 'Float64', boolean: 'Bool', date: 'Int32', datetime: 'Int64' }

/** The name of the column with the values of a declared column. */
export function valueColumn ({ name, source }: TableField): string {
  return source === 'key' ? 'key' : `f:${escapeName(name)}`
}

/** The name of the column with the case-folded values of a declared column of text. */
export function foldColumn ({ name, source }: TableField): string {
  return source === 'key' ? 'key_fold' : `fold:${escapeName(name)}`
}

/** The names of the columns that describe the version of the image of a record in an image field. */
export function imageColumns ({ name }: TableField): { readonly etag: string, readonly size: string, readonly modified: string } {
  const escaped = escapeName(name)
  return { etag: `etag:${escaped}`, size: `size:${escaped}`, modified: `modified:${escaped}` }
}

/** Dots are escaped, because `a.b` would be the column `b` of a nested column `a` in ClickHouse. */
function escapeName (name: string): string {
  return name.replace(/[%.]/g, (character) => character === '%' ? '%25' : '%2E')
}

/** The columns of the declared columns of a schema, except the key. */
export function declaredColumns (fields: readonly TableField[]): StoredColumn[] {
  return fields.filter(({ name }) => name !== keyNameOf(fields)).flatMap((field): StoredColumn[] => {
    const value = compressed(valueColumn(field), `Nullable(${TYPES[field.type]})`)
    const fold = field.type === 'string' ? [{ ...value, name: foldColumn(field) }] : []
    if (field.source !== 'image') return [value, ...fold]
    const { etag, size, modified } = imageColumns(field)
    return [value, ...fold, compressed(etag, 'String'), compressed(size, 'Int64'), compressed(modified, 'Int64')]
  })
}
