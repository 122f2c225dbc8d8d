import type { TypeName, TypeOptions } from './field-type.js'

/** How the columns of a file have to match the declared fields. The standard's default is `exact`, ours is `subset`. */
export const FIELDS_MATCH = ['exact', 'equal', 'subset', 'superset', 'partial'] as const
export type FieldsMatch = (typeof FIELDS_MATCH)[number]

/** A missing value, with a human-readable label. */
export interface MissingValue { readonly value: string, readonly label?: string }

/** The constraints of the standard that are checked. A file with a value that violates one is rejected. */
export interface Constraints {
  readonly required?: boolean
  readonly minimum?: unknown
  readonly maximum?: unknown
  readonly exclusiveMinimum?: unknown
  readonly exclusiveMaximum?: unknown
  /** Characters (UTF-16 code units). */
  readonly minLength?: number
  readonly maxLength?: number
  readonly enum?: readonly unknown[]
  /** A JavaScript regular expression (flag `u`), matched against the whole text as it is written in the file. */
  readonly pattern?: string
}

/** A field of a Table Schema. `header`, `role`, `source` and `extensions` are not in the standard. */
export interface FieldDescriptor extends TypeOptions {
  readonly name: string
  readonly type: TypeName
  readonly title?: string
  readonly description?: string
  readonly example?: unknown
  readonly rdfType?: string
  readonly missingValues?: readonly (string | MissingValue)[]
  readonly constraints?: Constraints
  /** The names that the column may have in files. Default: `name`. */
  readonly header?: string | readonly string[]
  /** `birth`: ages are computed from this field. */
  readonly role?: 'birth'
  /** Absent: a column of the info file. `key`: the name of the file without its extension. `image`: the object key of an attachment. */
  readonly source?: 'key' | 'image'
  /** For `source: image` only: the extensions of its objects, in lower case, without the first dot; may be compound (`front.jpg`). */
  readonly extensions?: readonly string[]
}

/** A Table Schema of the Data Package standard, version 2. */
export interface SchemaDescriptor {
  readonly $schema?: string
  readonly title?: string
  readonly description?: string
  readonly fields: readonly FieldDescriptor[]
  readonly fieldsMatch?: FieldsMatch | readonly [FieldsMatch]
  readonly missingValues?: readonly (string | MissingValue)[]
  readonly primaryKey?: string | readonly string[]
}

/** The values of `rdfType` that mean the same as `role: birth`: the birth date of schema.org. */
export const BIRTH_DATE_TYPES: readonly string[] = ['https://schema.org/birthDate', 'http://schema.org/birthDate', 'schema:birthDate']
