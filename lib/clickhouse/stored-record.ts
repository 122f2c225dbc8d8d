import { createHash } from 'node:crypto'
import { foldCase } from '../base/fold-case.js'
import type { Value } from '../schema/field-type.js'
import type { QuarantineCode } from '../source/reject.js'
import type { ObjectInfo } from '../store/object-list.js'
import type { TableField } from '../table/table-field.js'
import { declaredColumns, namesOf, RECORDS_TABLE } from './tables.js'

/** A record with all that the tables hold of it. */
export interface StoredRecord {
  readonly key: string
  /** The values of the declared columns, in schema order. */
  readonly values: readonly Value[]
  /** The images of the image fields, in schema order; `undefined` for each image that the record does not have. */
  readonly images: readonly (Pick<ObjectInfo, 'etag' | 'size' | 'lastModified'> | undefined)[]
  /** In the byte order of their names. */
  readonly undeclared: ReadonlyMap<string, string>
  /** The birth, in milliseconds since 1970-01-01 UTC, and its CalendarDay; `undefined` without one. */
  readonly birth: { readonly instant: number, readonly day: number } | undefined
  /** The declared columns as a JSON object. */
  readonly json: string
  /** The version of the info file. `key` is empty if the object key is the prefix, the key of the record and `.csv`. */
  readonly file: { readonly key: string, readonly etag: string, readonly size: number, readonly racy: boolean }
}

/** A version of an info file or image. */
export interface StoredObject {
  readonly key: string
  /** The key of the record that the object is part of or would be part of. It may be an invalid key, for which the file is rejected. */
  readonly id: string
  readonly etag: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly modified: number
}

/** An entry of the quarantine. */
export interface StoredReject {
  /** The key of the object. */
  readonly key: string
  readonly id: string
  readonly code: QuarantineCode
  /** Whether the file has to be read again. */
  readonly racy: boolean
  /** The `RejectedFile` as JSON, without what refers to the clock of a process; empty for what is rejected by its key alone. */
  readonly file: string
  /** The `QuarantineEntry` as JSON. */
  readonly entry: string
}

/** The columns of `toRow`: those of the tables of records, without their validity. */
export function columnsOfRow (fields: readonly TableField[]): string[] {
  return namesOf([...RECORDS_TABLE.columns, ...declaredColumns(fields)])
}

/** The values of a record, in the order of `columnsOfRow`. */
export function toRow (fields: readonly TableField[], record: StoredRecord): unknown[] {
  const { key, values, birth, json, file } = record
  const images = [...record.images]
  const undeclared = [...record.undeclared]
  const jsonUndeclared = undeclared.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join('')
  const line = `${json.slice(0, -1)}${jsonUndeclared}}\n`
  const common = [
    key, foldCase(key), birth?.instant ?? null, birth?.day ?? null, Object.fromEntries(undeclared), Object.fromEntries(undeclared.map(([name, value]) => [name, foldCase(value)])),
    json, jsonUndeclared, hashOf(line), file.key, file.etag, file.size, Number(file.racy)
  ]
  const declared = fields.flatMap(({ source, type }, i): unknown[] => {
    if (source === 'key') return []
    const value = values[i]!
    const texts = type === 'string' ? [value, value === null ? null : foldCase(String(value))] : [value]
    if (source !== 'image') return texts
    const image = images.shift()
    return [...texts, image?.etag ?? '', image?.size ?? 0, image?.lastModified ?? 0]
  })
  return [...common, ...declared]
}

/** The values of an object, in the order of the columns of OBJECTS_TABLE. */
export function toObjectRow ({ key, id, etag, size, modified }: StoredObject): unknown[] {
  return [key, id, etag, size, modified]
}

/** The values of an entry of the quarantine, in the order of the columns of REJECTS_TABLE. */
export function toRejectRow ({ key, id, code, racy, file, entry }: StoredReject): unknown[] {
  return [key, id, code, Number(racy), file, entry]
}

function hashOf (line: string): string {
  return BigInt(`0x${createHash('sha256').update(line).digest('hex').slice(0, 32)}`).toString()
}
