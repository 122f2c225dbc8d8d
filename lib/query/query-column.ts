import { runSteps, type Steps } from '../base/steps.js'
import type { Value } from '../schema/field-type.js'
import { fromStored, hasValue, type FixedColumn } from '../table/column.js'
import type { DictionaryReader, TableReader } from '../table/table.js'
import type { Utf8Reader } from '../table/utf8-column.js'

/** The user ids, or the object keys of images: one text for each row, which is empty if the record has no such image. */
export interface KeyColumn {
  readonly kind: 'keys'
  readonly name: string
  readonly texts: Utf8Reader
  /** Whether it is the key field, whose values ascend. */
  readonly isKey: boolean
  /** Makes the bytes of the texts, if that takes time. */
  readonly prepare?: () => Steps<void>
  /** What it is stored in: names its indexes. */
  readonly arrays: readonly object[]
}

/** A column as queries read it. */
export type QueryColumn = DictionaryReader | FixedColumn | KeyColumn

/** A column of a table; `undefined` if the table has no column with this name. */
export function queryColumn (table: TableReader, name: string): QueryColumn | undefined {
  const column = table.column(name)
  if (column !== undefined) return column.kind === 'dictionary' ? table.dictionary(name)! : column
  const { keys, images, fields } = table.data
  if (name === table.keyName) return { kind: 'keys', name, texts: table.keys, isKey: true, arrays: [keys.offsets, keys.bytes] }
  const texts = table.images(name)
  if (texts === undefined) return undefined
  const { offsets, bytes } = images[fields.filter(({ source }) => source === 'image').findIndex((field) => field.name === name)]!
  // The keys of the records are part of usual object keys.
  return { kind: 'keys', name, texts, isKey: false, prepare: () => texts.prepare(), arrays: [offsets, bytes, keys.offsets, keys.bytes] }
}

/** Makes what comparing rows in these columns needs, without holding up the event loop. */
export async function prepareColumns (...columns: readonly (QueryColumn | undefined)[]): Promise<void> {
  for (const column of columns) if (column?.kind === 'keys' && column.prepare !== undefined) await runSteps(column.prepare())
}

/** How the rows of a table compare in one column. */
export interface Ordering {
  readonly valueOf: (row: number) => Value
  readonly hasValue: (row: number) => boolean
  /** A negative number, 0 or a positive number for two rows with values. */
  readonly compare: (a: number, b: number) => number
  /** The same for the value of a row and another value. */
  readonly comparedTo: (value: NonNullable<Value>) => (row: number) => number
}

export function orderingOf (column: QueryColumn): Ordering {
  switch (column.kind) {
    case 'dictionary': return orderingOfCodes(column)
    case 'keys': return orderingOfKeys(column)
    default: {
      const { kind, values } = column
      return {
        valueOf: (row) => fromStored(kind, values[row]!),
        hasValue: (row) => hasValue(kind, values[row]!),
        compare: (a, b) => values[a]! - values[b]!,
        comparedTo: (value) => {
          const number = Number(value)
          return (row) => values[row]! - number
        }
      }
    }
  }
}

function orderingOfCodes ({ codes, values }: DictionaryReader): Ordering {
  return {
    valueOf: (row) => codes[row] === 0 ? null : values.at(codes[row]!),
    hasValue: (row) => codes[row] !== 0,
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

function orderingOfKeys ({ texts }: KeyColumn): Ordering {
  return {
    valueOf: (row) => texts.isEmpty(row) ? null : texts.at(row),
    hasValue: (row) => !texts.isEmpty(row),
    compare: (a, b) => texts.compare(a, texts.bytes, texts.offsets[b], texts.offsets[b + 1]),
    comparedTo: (value) => {
      const bytes = Buffer.from(String(value))
      return (row) => texts.compare(row, bytes)
    }
  }
}
