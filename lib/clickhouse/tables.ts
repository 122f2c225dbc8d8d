import { keyNameOf, type TableField } from '../table/table-field.js'
import type { TypeName } from '../schema/field-type.js'

// The tables of records. Each node has the table of its shard, and a Distributed table over those of all shards.

/** The rows of a shard, and those of all shards. */
export const RECORDS_OF_SHARD = 'records_local'
export const RECORDS = 'records'
export const VERSIONS_OF_SHARD = 'versions_local'
export const VERSIONS = 'versions'

/** The version at which a row ends that no version has replaced: the greatest UInt64. */
export const OPEN_END = '18446744073709551615'

/** A record is in the shard with the number `CRC32(key) % shards`, counted from 0. */
export const SHARDING_KEY = 'CRC32(key)'

export interface StoredColumn {
  readonly name: string
  /** A type of ClickHouse. */
  readonly type: string
  readonly codec?: string
}

/** The columns that rows have whatever the schema is. */
export const COMMON_COLUMNS: readonly StoredColumn[] = [
  { name: 'key', type: 'String', codec: 'ZSTD(1)' },
  { name: 'key_fold', type: 'String', codec: 'ZSTD(1)' },
  // The birth, in milliseconds since 1970-01-01 UTC, and its CalendarDay in the configured time zone.
  { name: 'born', type: 'Nullable(Int64)' },
  { name: 'born_day', type: 'Nullable(Int32)' },
  // The undeclared columns that the record has, by name, and their case-folded values.
  { name: 'undeclared', type: 'Map(LowCardinality(String), String)', codec: 'ZSTD(1)' },
  { name: 'undeclared_fold', type: 'Map(LowCardinality(String), String)', codec: 'ZSTD(1)' },
  // The declared columns as a JSON object, and the undeclared ones as its further members, each after a comma. Put before the closing brace, these make the line that version-name.ts hashes.
  { name: 'json', type: 'String', codec: 'ZSTD(1)' },
  { name: 'json_undeclared', type: 'String', codec: 'ZSTD(1)' },
  // The first 128 bits of the SHA-256 of that line.
  { name: 'hash', type: 'UInt128' },
  { name: 'valid_from', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
  { name: 'valid_to', type: 'UInt64', codec: 'Delta, ZSTD(1)' }
]

const TYPES: Readonly<Record<TypeName, string>> = { string: 'String', integer: 'Int64', number: 'Float64', boolean: 'Bool', date: 'Int32', datetime: 'Int64' }

/** The name of the column with the values of a declared column. The key has one of its own. */
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

/** ClickHouse takes a dot in a name for a part of a nested column. */
function escapeName (name: string): string {
  return name.replace(/[%.]/g, (character) => character === '%' ? '%25' : '%2E')
}

/** The columns of the declared columns of a schema, except the key. */
export function declaredColumns (fields: readonly TableField[]): StoredColumn[] {
  return fields.filter(({ name }) => name !== keyNameOf(fields)).flatMap((field): StoredColumn[] => {
    const value = { name: valueColumn(field), type: `Nullable(${TYPES[field.type]})`, codec: 'ZSTD(1)' }
    const fold = field.type === 'string' ? [{ ...value, name: foldColumn(field) }] : []
    if (field.source !== 'image') return [value, ...fold]
    const { etag, size, modified } = imageColumns(field)
    return [value, ...fold, { name: etag, type: 'String', codec: 'ZSTD(1)' }, { name: size, type: 'Int64', codec: 'ZSTD(1)' }, { name: modified, type: 'Int64', codec: 'ZSTD(1)' }]
  })
}
