import { foldCase } from '../base/fold-case.js'
import { compareUtf8 } from '../base/utf8.js'
import { compareBytes } from '../base/bytes.js'
import { shared } from '../base/shared-memory.js'
import { draftOf, isDraft } from './row-source.js'
import { takeUtf8, NumberBuilder, Utf8Builder, isSameColumn, sliceAt, Utf8Reader, type ByteSlice, type Utf8Column } from './utf8-column.js'

/**
 * A text column whose rows share values, as an Arrow dictionary: the value of row i is `values[codes[i]]`. The values are in ascending
 * byte order, so that codes compare like the texts, and each value is used by at least one row. Code 0 is `null`, and `values[0]` is empty.
 */
export interface DictionaryColumn {
  readonly values: Utf8Column
  readonly codes: Codes
}

/** As narrow as the number of values permits. */
export type Codes = Uint8Array | Uint16Array | Uint32Array

/** Builds a text column row by row. Its codes are in the order of arrival; 0 is `null`. */
export class DictionaryBuilder {
  readonly #codes = new Map<string, number>()
  readonly codes = new NumberBuilder(Uint32Array)
  readonly texts: string[] = ['']

  /** Sets the value of a row. Rows must come in ascending order; rows that are left out have no value. */
  set (row: number, text: string): void {
    let code = this.#codes.get(text)
    if (code === undefined) {
      code = this.texts.push(text) - 1
      this.#codes.set(text, code)
    }
    while (this.codes.length < row) this.codes.push(0)
    this.codes.push(code)
  }

  codeAt (row: number): number {
    return row < this.codes.length ? this.codes.values[row]! : 0
  }
}

/** The values of a column in case-insensitive order: the case-folded texts, ascending, and the code of each. Several values can have the same folded text. */
export interface CaseFoldIndex { readonly texts: Utf8Column, readonly codes: Uint32Array }

export function buildCaseFoldIndex ({ values }: DictionaryColumn): CaseFoldIndex {
  const column = new Utf8Reader(values)
  const texts = Array.from({ length: column.length }, (_, code) => foldCase(column.at(code)))
  const codes = shared(Uint32Array, column.length - 1)
  codes.forEach((_, i) => { codes[i] = i + 1 })
  codes.sort((a, b) => compareUtf8(texts[a]!, texts[b]!) || a - b)
  const folded = new Utf8Builder()
  for (const code of codes) folded.push(texts[code]!)
  return { texts: takeUtf8(folded.length, (row) => sliceAt(folded, row)), codes }
}

/** A column without rows. */
export const EMPTY_COLUMN: DictionaryColumn = { values: takeUtf8(1, () => ({ bytes: new Uint8Array(), start: 0, end: 0 })), codes: new Uint8Array() }

/**
 * The column of the next table. `builder` has the values of the drafts; `sources[i]` is the row of the previous column or the draft that row i comes from, see row-source.ts.
 * Returns `undefined` if no row has a value. If the set of values does not change, `values` is that of the previous column.
 */
export function mergeDictionaries (previous: DictionaryColumn = EMPTY_COLUMN, builder = new DictionaryBuilder(), sources: Int32Array): DictionaryColumn | undefined {
  const codesOfRows = new Uint32Array(previous.values.offsets.length - 1)
  const codesOfDrafts = new Uint32Array(builder.texts.length)
  // Until `mergeValues` replaces them by codes, the elements are marks: 1 if the value is in use.
  for (const source of sources) {
    if (isDraft(source)) codesOfDrafts[builder.codeAt(draftOf(source))] = 1
    else codesOfRows[previous.codes[source] ?? 0] = 1
  }
  const merged = mergeValues(previous.values, codesOfRows, builder.texts, codesOfDrafts)
  const values = isSameColumn(previous.values, merged) ? previous.values : merged
  const count = values.offsets.length - 1
  if (count === 1) return undefined
  const codes = shared<Codes>(count <= 0x100 ? Uint8Array : count <= 0x10000 ? Uint16Array : Uint32Array, sources.length)
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!
    codes[i] = isDraft(source) ? codesOfDrafts[builder.codeAt(draftOf(source))]! : codesOfRows[previous.codes[source] ?? 0]!
  }
  return { values, codes }
}

/** Merges the values that are in use, and replaces the mark of each (1: in use) by its new code. */
function mergeValues (old: Utf8Column, oldCodes: Uint32Array, texts: readonly string[], newCodes: Uint32Array): Utf8Column {
  const added = new Utf8Builder()
  const addedCodes = texts.map((_, code) => code).filter((code) => code > 0 && newCodes[code] === 1)
    .sort((a, b) => compareUtf8(texts[a]!, texts[b]!))
  for (const code of addedCodes) added.push(texts[code]!)
  const slices: ByteSlice[] = [{ bytes: old.bytes, start: 0, end: 0 }]
  oldCodes[0] = newCodes[0] = 0
  let next = 0
  for (let code = 1; code < oldCodes.length; code++) {
    if (oldCodes[code] === 0) continue
    const slice = sliceAt(old, code)
    let order = -1
    for (; next < added.length; next++) {
      const candidate = sliceAt(added, next)
      order = compareBytes(candidate.bytes, candidate.start, candidate.end, slice.bytes, slice.start, slice.end)
      if (order >= 0) break
      newCodes[addedCodes[next]!] = slices.push(candidate) - 1
    }
    oldCodes[code] = slices.push(slice) - 1
    if (order === 0) newCodes[addedCodes[next++]!] = oldCodes[code]!
  }
  for (; next < added.length; next++) newCodes[addedCodes[next]!] = slices.push(sliceAt(added, next)) - 1
  return takeUtf8(slices.length, (i) => slices[i]!)
}
