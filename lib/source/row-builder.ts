import type { PersonalData } from '../schema/record.js'
import { textOf } from '../store/object-list.js'
import { CodedDraft } from '../table/dictionary-column.js'
import type { RowDrafts } from '../table/build-table.js'
import { Growing, GrowingTexts, pieceAt } from '../table/utf8-column.js'

/** The version of a file; not settled where another one may hide behind it. */
export interface FileVersion { readonly etag: string, readonly size: number, readonly settled: boolean }

/** Rows as they are downloaded, in whatever order, with the versions of their files. */
export class Drafts implements RowDrafts {
  readonly columns = new Map<string, CodedDraft>()
  readonly etags = new GrowingTexts()
  readonly #sizes = new Growing(Uint32Array)
  readonly #settled = new Growing(Uint8Array)
  readonly #birthts = new Growing(Float64Array)
  readonly #birthDates = new Growing(Int32Array)

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

  get settled (): Uint8Array {
    return this.#settled.values
  }

  /** Answers the number of the draft. */
  add ({ first_name: firstName, last_name: lastName, birthts, further }: PersonalData, birthDate: number, version: FileVersion): number {
    const draft = this.length
    this.#set(draft, 'first_name', firstName)
    this.#set(draft, 'last_name', lastName)
    for (const name in further) this.#set(draft, name, further[name]!)
    this.#birthts.push(birthts)
    this.#birthDates.push(birthDate)
    this.etags.push(version.etag)
    this.#sizes.push(version.size)
    this.#settled.push(Number(version.settled))
    return draft
  }

  /** The version of the file that a draft came from. */
  version (draft: number): FileVersion {
    return { etag: textOf(pieceAt(this.etags, draft)), size: this.sizes[draft]!, settled: this.settled[draft] === 1 }
  }

  data (draft: number): PersonalData {
    const texts: Record<string, string> = Object.create(null)
    for (const [name, column] of this.columns) {
      const code = column.codeAt(draft)
      if (code !== 0) texts[name] = column.texts[code]!
    }
    const { first_name: firstName = '', last_name: lastName = '', ...further } = texts
    return { first_name: firstName, last_name: lastName, birthts: this.birthts[draft]!, further: Object.assign(Object.create(null), further) }
  }

  #set (draft: number, name: string, text: string): void {
    let column = this.columns.get(name)
    if (column === undefined) this.columns.set(name, column = new CodedDraft())
    column.set(draft, text)
  }
}
