import { createHash } from 'node:crypto'
import { foldCase } from '../base/fold-case.js'
import type { Value } from '../schema/field-type.js'
import type { ObjectInfo } from '../store/object-list.js'
import type { TableField } from '../table/table-field.js'
import { COMMON_COLUMNS, declaredColumns, OPEN_END } from './tables.js'

/** A record with all that the tables hold of it. */
export interface StoredRecord {
  readonly key: string
  /** The values of the declared columns, in schema order. */
  readonly values: readonly Value[]
  /** The images of the image fields, in schema order; `undefined` if there is none. */
  readonly images: readonly (Pick<ObjectInfo, 'etag' | 'size' | 'lastModified'> | undefined)[]
  /** In the byte order of their names. */
  readonly undeclared: ReadonlyMap<string, string>
  /** The birth, in milliseconds since 1970-01-01 UTC, and its CalendarDay; `undefined` without one. */
  readonly birth: { readonly instant: number, readonly day: number } | undefined
  /** The declared columns as a JSON object. */
  readonly json: string
}

/** The columns of `toRow`. */
export function columnsOfRow (fields: readonly TableField[]): [string, ...string[]] {
  return [...COMMON_COLUMNS, ...declaredColumns(fields)].map(({ name }) => name) as [string, ...string[]]
}

/** The values of a record that is valid from a version on, in the order of `columnsOfRow`. */
export function toRow (fields: readonly TableField[], record: StoredRecord, version: bigint): unknown[] {
  const { key, values, birth, json } = record
  const images = [...record.images]
  const undeclared = [...record.undeclared]
  const jsonUndeclared = undeclared.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join('')
  const line = `${json.slice(0, -1)}${jsonUndeclared}}\n`
  const common = [
    key, foldCase(key), birth?.instant ?? null, birth?.day ?? null, toObject(undeclared), toObject(undeclared.map(([name, value]) => [name, foldCase(value)])),
    json, jsonUndeclared, hashOf(line), String(version), OPEN_END
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

/** Without a prototype, so that any name is safe. */
function toObject (entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

function hashOf (line: string): string {
  return BigInt(`0x${createHash('sha256').update(line).digest('hex').slice(0, 32)}`).toString()
}
