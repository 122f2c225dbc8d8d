import { shared } from '../base/shared-memory.js'
import type { TypeName, Value } from '../schema/field-type.js'
import type { CaseFoldIndex, DictionaryColumn } from './dictionary-column.js'

/** A column of the info files, by the way in which it is stored. Rows without a value have code 0, NaN, NO_DAY or NO_BOOLEAN. */
export type TableColumn = TextColumn | FixedColumn

/** `folded`: the case-folded values, for declared columns only. */
export interface TextColumn extends DictionaryColumn { readonly name: string, readonly kind: 'dictionary', readonly folded?: CaseFoldIndex }

/** A column whose values have the same size. */
export type FixedColumn = NumberColumn | DayColumn | BooleanColumn
/** Numbers, or instants in milliseconds since 1970-01-01 UTC. */
export interface NumberColumn { readonly name: string, readonly kind: 'number', readonly values: Float64Array }
/** Days since 1970-01-01. */
export interface DayColumn { readonly name: string, readonly kind: 'day', readonly values: Int32Array }
/** 0 is false, 1 is true. */
export interface BooleanColumn { readonly name: string, readonly kind: 'boolean', readonly values: Uint8Array }

const NO_DAY = -(2 ** 31)
const NO_BOOLEAN = 2

const KINDS = { string: 'dictionary', integer: 'number', number: 'number', datetime: 'number', date: 'day', boolean: 'boolean' } as const

/** How the values of a type are stored. */
export function kindOf (type: TypeName): TableColumn['kind'] {
  return KINDS[type]
}

type FixedKind = FixedColumn['kind']
const ARRAYS = { number: Float64Array, day: Int32Array, boolean: Uint8Array } as const
const MISSING: Readonly<Record<FixedKind, number>> = { number: NaN, day: NO_DAY, boolean: NO_BOOLEAN }

/** A column of `length` rows, which the caller fills. */
export function allocateFixed (name: string, kind: FixedKind, length: number): FixedColumn {
  return { name, kind, values: shared<Float64Array | Int32Array | Uint8Array>(ARRAYS[kind], length) } as FixedColumn
}

/** The type of the array in which a kind is stored. */
export function arrayTypeOf (kind: FixedKind): typeof ARRAYS[FixedKind] {
  return ARRAYS[kind]
}

/** The number that stands for a value in a column. */
export function toStored (kind: FixedKind, value: Value): number {
  return value === null ? MISSING[kind] : Number(value)
}

/** The inverse of `toStored`. */
export function fromStored (kind: FixedKind, stored: number): number | boolean | null {
  if (!hasValue(kind, stored)) return null
  return kind === 'boolean' ? stored === 1 : stored
}

/** Whether a stored number is a value. */
export function hasValue (kind: FixedKind, stored: number): boolean {
  return kind === 'number' ? !Number.isNaN(stored) : stored !== MISSING[kind]
}
