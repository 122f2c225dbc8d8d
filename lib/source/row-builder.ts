import { calendarDay } from '../base/calendar.js'
import type { RecordFields } from '../schema/record.js'
import { sliceToString } from '../store/object-list.js'
import { DictionaryBuilder } from '../table/dictionary-column.js'
import type { BuiltRows } from '../table/build-table.js'
import { NumberBuilder, Utf8Builder, sliceAt } from '../table/utf8-column.js'

/** The version of a file. `racy`: a later write at about the same time may have the same ETag. */
export interface FileVersion { readonly etag: string, readonly size: number, readonly racy: boolean }

/** Builds the drafts: the rows of downloaded info files, in the order of arrival, with the versions of the files. */
export class RowBuilder implements BuiltRows {
  readonly columns = new Map<string, DictionaryBuilder>()
  readonly etags = new Utf8Builder()
  readonly #sizes = new NumberBuilder(Uint32Array)
  readonly #racy = new NumberBuilder(Uint8Array)
  readonly #birthts = new NumberBuilder(Float64Array)
  readonly #birthDates = new NumberBuilder(Int32Array)

  readonly #timeZone: string

  /** @param timeZone IANA name of the zone in which births are dates */
  constructor (timeZone: string) {
    this.#timeZone = timeZone
  }

  get length (): number {
    return this.#birthts.length
  }

  get birthts (): Float64Array {
    return this.#birthts.values
  }

  get birthDates (): Int32Array {
    return this.#birthDates.values
  }

  get sizes (): Uint32Array {
    return this.#sizes.values
  }

  get racy (): Uint8Array {
    return this.#racy.values
  }

  /** Returns the number of the draft. */
  add ({ values: [firstName, lastName, birth], undeclared }: RecordFields, version: FileVersion): number {
    const draft = this.length
    const birthts = Number(birth)
    this.#set(draft, 'first_name', String(firstName))
    this.#set(draft, 'last_name', String(lastName))
    for (const name in undeclared) this.#set(draft, name, undeclared[name]!)
    this.#birthts.push(birthts)
    this.#birthDates.push(calendarDay(birthts, this.#timeZone))
    this.etags.push(version.etag)
    this.#sizes.push(version.size)
    this.#racy.push(Number(version.racy))
    return draft
  }

  /** The version of the file of a draft. */
  version (draft: number): FileVersion {
    return { etag: sliceToString(sliceAt(this.etags, draft)), size: this.sizes[draft]!, racy: this.racy[draft] === 1 }
  }

  fields (draft: number): RecordFields {
    const texts: Record<string, string> = Object.create(null)
    for (const [name, column] of this.columns) {
      const code = column.codeAt(draft)
      if (code !== 0) texts[name] = column.texts[code]!
    }
    const { first_name: firstName = '', last_name: lastName = '', ...undeclared } = texts
    return { values: [firstName, lastName, this.birthts[draft]!], undeclared: Object.assign(Object.create(null), undeclared) }
  }

  #set (draft: number, name: string, text: string): void {
    let column = this.columns.get(name)
    if (column === undefined) this.columns.set(name, column = new DictionaryBuilder())
    column.set(draft, text)
  }
}
