import type { TypeName } from '../schema/field-type.js'
import type { Schema } from '../schema/schema.js'

/** A declared column as tables describe it. Plain data. */
export interface TableField {
  readonly name: string
  /** Where the values come from: a column of the info files, their names without the extension, or the keys of attachments. */
  readonly source: 'file' | 'key' | 'image'
  readonly type: TypeName
  /** Whether ages are computed from it. */
  readonly isBirth: boolean
}

/** The name of the key field; empty if there are no fields, as in the state before the first listing. */
export function keyNameOf (fields: readonly TableField[]): string {
  return fields.find(({ source }) => source === 'key')?.name ?? ''
}

/** The fields of a schema, in its order. */
export function tableFields ({ fields, birth }: Schema): TableField[] {
  return fields.map((field) => ({ name: field.name, source: field.source, type: field.type.name, isBirth: field === birth }))
}
