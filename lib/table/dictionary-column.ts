import { foldCase } from '../base/fold-case.js'
import { compareUtf8 } from '../base/utf8.js'
import { compareBytes } from '../base/bytes.js'
import { shared } from '../base/shared-memory.js'
import { draftOf, isDraft } from './row-source.js'
import { takeUtf8, NumberBuilder, Utf8Builder, isSameColumn, sliceAt, Utf8Reader, type ByteSlice, type Utf8Column } from './utf8-column.js'

/**
 * A column of text that rows share values of, as Arrow lays out Dictionary: the value of row i is `values[codes[i]]`. The
 * values are in ascending order of their bytes, each of them in use, so codes compare as texts do. Code 0 is `null`.
 */
export interface DictionaryColumn {
  readonly values: Utf8Column
  readonly codes: Codes
}

/** As narrow as the number of values allows. */
export type Codes = Uint8Array | Uint16Array | Uint32Array

/** A column of text while its rows come in. */
export class DictionaryBuilder {
  readonly #codes = new Map<string, number>()
  readonly codes = new NumberBuilder(Uint32Array)
  readonly texts: string[] = ['']

  /** Sets the value of a row; rows come in ascending order, and those left out have none. */
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

/**
 * The values of a column in the order in which case does not matter: their folded texts, ascending, and the code of each.
 * Several values can have one folded text.
 */
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
 * The column of the next table. `sources[i]` is the row of the previous column or the draft that row i comes from, see row-source.ts.
 * Returns `undefined` if no row has a value. If the set of values does not change, `values` is that of the previous column.
 */
export function mergeDictionaries (previous: DictionaryColumn = EMPTY_COLUMN, draft = new DictionaryBuilder(), sources: Int32Array): DictionaryColumn | undefined {
  const codesOfRows = new Uint32Array(previous.values.offsets.length - 1)
  const codesOfDrafts = new Uint32Array(draft.texts.length)
  // At first a mark: 1 if the value is in use.
  for (const source of sources) {
    if (isDraft(source)) codesOfDrafts[draft.codeAt(draftOf(source))] = 1
    else codesOfRows[previous.codes[source] ?? 0] = 1
  }
  const merged = mergeValues(previous.values, codesOfRows, draft.texts, codesOfDrafts)
  const values = isSameColumn(previous.values, merged) ? previous.values : merged
  const count = values.offsets.length - 1
  if (count === 1) return undefined
  const codes = shared<Codes>(count <= 0x100 ? Uint8Array : count <= 0x10000 ? Uint16Array : Uint32Array, sources.length)
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!
    codes[i] = isDraft(source) ? codesOfDrafts[draft.codeAt(draftOf(source))]! : codesOfRows[previous.codes[source] ?? 0]!
  }
  return { values, codes }
}

/** Merges the values that are marked as in use, and writes the new code of each over its mark. */
function mergeValues (old: Utf8Column, oldCodes: Uint32Array, texts: readonly string[], newCodes: Uint32Array): Utf8Column {
  const added = new Utf8Builder()
  const addedCodes = texts.map((_, code) => code).filter((code) => code > 0 && newCodes[code] === 1)
    .sort((a, b) => compareUtf8(texts[a]!, texts[b]!))
  for (const code of addedCodes) added.push(texts[code]!)
  const pieces: ByteSlice[] = [{ bytes: old.bytes, start: 0, end: 0 }]
  oldCodes[0] = newCodes[0] = 0
  let next = 0
  for (let code = 1; code < oldCodes.length; code++) {
    if (oldCodes[code] === 0) continue
    const piece = sliceAt(old, code)
    let order = -1
    for (; next < added.length; next++) {
      const candidate = sliceAt(added, next)
      order = compareBytes(candidate.bytes, candidate.start, candidate.end, piece.bytes, piece.start, piece.end)
      if (order >= 0) break
      newCodes[addedCodes[next]!] = pieces.push(candidate) - 1
    }
    oldCodes[code] = pieces.push(piece) - 1
    if (order === 0) newCodes[addedCodes[next++]!] = oldCodes[code]!
  }
  for (; next < added.length; next++) newCodes[addedCodes[next]!] = pieces.push(sliceAt(added, next)) - 1
  return takeUtf8(pieces.length, (i) => pieces[i]!)
}
