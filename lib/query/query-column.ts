import type { Steps } from '../base/steps.js'
import type { Value } from '../schema/field-type.js'
import { fromStored, hasValue, type FixedColumn } from '../table/column.js'
import { expandImageKeys } from '../table/image-keys.js'
import type { DictionaryReader, TableReader } from '../table/table.js'
import type { Utf8Column, Utf8Reader } from '../table/utf8-column.js'

/** The ids, or the object keys of images: one text for each row, which is empty if the record has no such image. */
export interface KeyColumn {
  readonly kind: 'keys'
  readonly name: string
  readonly texts: Pick<Utf8Reader, 'length' | 'at' | 'isEmpty'>
  /** Whether it is the key field, whose values ascend. */
  readonly isKey: boolean
  /** Builds the texts, so that rows can be compared; absent if the texts are stored. */
  readonly expand?: () => Steps<Utf8Column>
  /** The arrays in which it is stored, which name its indexes. */
  readonly arrays: readonly object[]
}

/** A column of keys whose texts are in memory. */
export interface ComparableKeys extends KeyColumn { readonly texts: Utf8Reader }

/** A column as queries read it. */
export type QueryColumn = DictionaryReader | FixedColumn | KeyColumn

/** A column whose rows can be compared: see `TableIndex.comparable`. */
export type ComparableColumn = DictionaryReader | FixedColumn | ComparableKeys

export function isComparable (column: QueryColumn): column is ComparableColumn {
  return column.kind !== 'keys' || column.expand === undefined
}

/** A column of a table; `undefined` if the table has no column with this name. */
export function queryColumn (table: TableReader, name: string): QueryColumn | undefined {
  const column = table.column(name)
  if (column !== undefined) return column.kind === 'dictionary' ? table.dictionary(name)! : column
  const { keys, images, fields } = table.data
  if (name === table.keyName) return { kind: 'keys', name, texts: table.keys, isKey: true, arrays: [keys.offsets, keys.bytes] }
  const texts = table.images(name)
  if (texts === undefined) return undefined
  const stored = images[fields.filter(({ source }) => source === 'image').findIndex((field) => field.name === name)]!
  // The keys of the records are part of usual object keys.
  return { kind: 'keys', name, texts, isKey: false, expand: () => expandImageKeys(stored, keys), arrays: [stored.offsets, stored.bytes, keys.offsets, keys.bytes] }
}

/** How the values of a column are read. */
export interface Values {
  readonly valueOf: (row: number) => Value
  readonly hasValue: (row: number) => boolean
}

export function valuesOf (column: QueryColumn): Values {
  switch (column.kind) {
    case 'dictionary': {
      const { codes, values } = column
      return { valueOf: (row) => codes[row] === 0 ? null : values.at(codes[row]!), hasValue: (row) => codes[row] !== 0 }
    }
    case 'keys': {
      const { texts } = column
      return { valueOf: (row) => texts.isEmpty(row) ? null : texts.at(row), hasValue: (row) => !texts.isEmpty(row) }
    }
    default: {
      const { kind, values } = column
      return { valueOf: (row) => fromStored(kind, values[row]!), hasValue: (row) => hasValue(kind, values[row]!) }
    }
  }
}

/** How the rows of a table compare in one column. */
export interface Ordering extends Values {
  /** A negative number, 0 or a positive number for two rows with values. */
  readonly compare: (a: number, b: number) => number
  /** The same for the value of a row and another value. */
  readonly comparedTo: (value: NonNullable<Value>) => (row: number) => number
}

export function orderingOf (column: ComparableColumn): Ordering {
  return { ...valuesOf(column), ...comparisonOf(column) }
}

function comparisonOf (column: ComparableColumn): Omit<Ordering, keyof Values> {
  switch (column.kind) {
    case 'dictionary': return comparisonOfCodes(column)
    case 'keys': return comparisonOfKeys(column)
    default: {
      const { values } = column
      return {
        compare: (a, b) => values[a]! - values[b]!,
        comparedTo: (value) => {
          const number = Number(value)
          return (row) => values[row]! - number
        }
      }
    }
  }
}

function comparisonOfCodes ({ codes, values }: DictionaryReader): ReturnType<typeof comparisonOf> {
  return {
    compare: (a, b) => codes[a]! - codes[b]!,
    comparedTo: (value) => {
      const bytes = Buffer.from(String(value))
      const code = values.lowerBound(bytes, 1)
      // Between two codes if no row has this value.
      const place = code < values.length && values.compare(code, bytes) === 0 ? code : code - 0.5
      return (row) => codes[row]! - place
    }
  }
}

function comparisonOfKeys ({ texts }: ComparableKeys): ReturnType<typeof comparisonOf> {
  return {
    compare: (a, b) => texts.compare(a, texts.bytes, texts.offsets[b], texts.offsets[b + 1]),
    comparedTo: (value) => {
      const bytes = Buffer.from(String(value))
      return (row) => texts.compare(row, bytes)
    }
  }
}
