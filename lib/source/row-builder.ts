import type { Value } from '../schema/field-type.js'
import type { RecordFields } from '../schema/record.js'
import { packEtag, unpackEtag } from '../store/packed-etag.js'
import { birthDate } from '../table/births.js'
import type { BuiltRows } from '../table/build-table.js'
import { arrayTypeOf, fromStored, kindOf, toStored, type FixedColumn } from '../table/column.js'
import { DictionaryBuilder } from '../table/dictionary-column.js'
import type { TableField } from '../table/table-field.js'
import { NumberBuilder, toSlice, Utf8Builder } from '../table/utf8-column.js'

/** The version of a file. `racy`: another write at about the same time may have the same ETag. */
export interface FileVersion { readonly etag: string, readonly size: number, readonly racy: boolean }

type FixedBuilder = NumberBuilder<Float64Array | Int32Array | Uint8Array>

/** Builds the drafts: the rows of downloaded info files, in the order of arrival, with the versions of the files. */
export class RowBuilder implements BuiltRows {
  readonly fields: readonly TableField[]
  readonly declared: readonly (DictionaryBuilder | FixedBuilder)[]
  readonly undeclared = new Map<string, DictionaryBuilder>()
  /** The ETags of the files, packed: see packed-etag.ts. */
  readonly etags = new Utf8Builder()
  readonly #fileFields: readonly TableField[]
  /** The position of the birth field in `#fileFields`; -1 if the schema has no birth field. */
  readonly #birthField: number
  readonly #timeZone: string
  readonly #sizes = new NumberBuilder(Uint32Array)
  readonly #racy = new NumberBuilder(Uint8Array)
  readonly #birthDates = new NumberBuilder(Int32Array)

  /** @param timeZone IANA name of the zone in which births are dates */
  constructor (fields: readonly TableField[], timeZone: string) {
    this.fields = fields
    this.#fileFields = fields.filter(({ source }) => source === 'file')
    this.#birthField = this.#fileFields.findIndex(({ isBirth }) => isBirth)
    this.#timeZone = timeZone
    this.declared = this.#fileFields.map(({ type }) => {
      const kind = kindOf(type)
      return kind === 'dictionary' ? new DictionaryBuilder() : new NumberBuilder<Float64Array | Int32Array | Uint8Array>(arrayTypeOf(kind))
    })
  }

  /** The number of drafts. */
  get length (): number {
    return this.etags.length
  }

  /** The dates of birth, each a CalendarDay; empty without a birth field. */
  get birthDates (): Int32Array {
    return this.#birthDates.values
  }

  get sizes (): Uint32Array {
    return this.#sizes.values
  }

  get racy (): Uint8Array {
    return this.#racy.values
  }

  /** Adds a draft. Returns its number. */
  add ({ values, undeclared }: RecordFields, version: FileVersion): number {
    const draft = this.length
    this.declared.forEach((builder, i) => {
      const value = values[i]!
      if (builder instanceof NumberBuilder) builder.push(toStored(this.#kind(i), value))
      else if (value !== null) builder.set(draft, String(value))
    })
    for (const name in undeclared) {
      let column = this.undeclared.get(name)
      if (column === undefined) this.undeclared.set(name, column = new DictionaryBuilder())
      column.set(draft, undeclared[name]!)
    }
    if (this.#birthField !== -1) this.#birthDates.push(birthDate(this.#fileFields[this.#birthField]!.type, values[this.#birthField]!, this.#timeZone))
    this.etags.pushSlice(packEtag(toSlice(version.etag)))
    this.#sizes.push(version.size)
    this.#racy.push(Number(version.racy))
    return draft
  }

  /** The version of the file of a draft. */
  version (draft: number): FileVersion {
    return { etag: unpackEtag(this.etags, draft), size: this.sizes[draft]!, racy: this.racy[draft] === 1 }
  }

  /** The fields of the file of a draft. */
  data (draft: number): RecordFields {
    const values = this.declared.map((builder, i): Value => builder instanceof NumberBuilder ? fromStored(this.#kind(i), builder.values[draft]!) : textAt(builder, draft))
    const undeclared: Record<string, string> = Object.create(null)
    for (const [name, column] of this.undeclared) {
      const text = textAt(column, draft)
      if (text !== null) undeclared[name] = text
    }
    return { values, undeclared }
  }

  #kind (field: number): FixedColumn['kind'] {
    return kindOf(this.#fileFields[field]!.type) as FixedColumn['kind']
  }
}

function textAt (column: DictionaryBuilder, draft: number): string | null {
  const code = column.codeAt(draft)
  return code === 0 ? null : column.texts[code]!
}
