import { createHash } from 'node:crypto'
import { memoize } from '../base/memoize.js'
import { shared } from '../base/shared-memory.js'
import { reuseTypedArrays, typedArraysIn } from '../base/typed-arrays.js'
import { compareUtf8 } from '../base/utf8.js'
import type { Value } from '../schema/field-type.js'
import type { RecordFields } from '../schema/record.js'
import { compileSchema } from '../schema/schema.js'
import { imageNaming } from './next-state.js'
import { quarantineOf, type Quarantine, type QuarantineEntry } from './quarantine.js'
import { RowBuilder } from './row-builder.js'
import type { SourceRules } from './rules.js'
import { encodeRejectedFiles, rejectedFilesOf, type FileVersions, type ImageVersions, type RejectedFile, type SourceState } from './source-state.js'
import { packEtag, unpackEtag } from '../store/packed-etag.js'
import { buildTable } from '../table/build-table.js'
import { imageKeyPacker, ImageTexts, type ImageKeys } from '../table/image-keys.js'
import { draftOf, fromDraft, isDraft } from '../table/row-source.js'
import { tableFields } from '../table/table-field.js'
import { TableReader, type Table } from '../table/table.js'
import { isSameValue, sliceAt, takeUtf8, toSlice, Utf8Reader, type ByteSlice, type Utf8Column } from '../table/utf8-column.js'

/** What a replica has found by a listing: the state after it, and the quarantine. */
export interface View {
  readonly state: SourceState
  readonly quarantine: Quarantine
}

/** An image of a record. `modified`: milliseconds since 1970-01-01 UTC. */
interface ImageOfRecord { readonly key: string, readonly etag: string, readonly size: number, readonly modified: number }

/** A record that was added or changed, with the versions of its info file and images. */
export interface ChangedRecord {
  readonly id: string
  readonly values: readonly Value[]
  readonly undeclared: Readonly<Record<string, string>>
  /** The object key is empty if it is the prefix, the id and `.csv`. */
  readonly file: { readonly key: string, readonly etag: string, readonly size: number, readonly racy: boolean }
  /** The image of each image field, in schema order; `null` if the record does not have it. */
  readonly images: readonly (ImageOfRecord | null)[]
}

/** The differences between a view and an earlier one: the later content of everything that differs. Plain data, which the state object contains as JSON. */
export interface ViewChange {
  readonly records: readonly ChangedRecord[]
  /** The ids of removed records. */
  readonly removed: readonly string[]
  readonly rejected: { readonly set: readonly RejectedFile[], readonly removed: readonly string[] }
  /** Entries by object key; `null` if the quarantine is the same. */
  readonly quarantine: Pick<Quarantine, 'counts' | 'ignored' | 'origin'> & { readonly set: readonly QuarantineEntry[], readonly removed: readonly string[] } | null
}

/** Names the content of a view: its records, the versions of their files and images, its rejected files and its quarantine. */
export function fingerprint ({ state: { table, files, images, rejected }, quarantine }: View): string {
  const arrays = typedArraysIn([files, images])
  return createHash('sha256').update(JSON.stringify([table.version, quarantine.name, digestOfRejected(rejected), ...arrays.map(digest)])).digest('base64url').slice(0, 22) // 132 bits
}

const digestOfRejected = memoize((rejected: Utf8Column): string => {
  const texts = [...rejectedFilesOf({ rejected }).values()].sort((a, b) => compareUtf8(a.key, b.key)).map(rejectedText)
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url')
})

/** What views have in common of a rejected file: its backoff refers to the monotonic clock of one process. */
function rejectedText (file: RejectedFile): string {
  return JSON.stringify({ ...file, backoff: undefined })
}

/** Cached because arrays are immutable and successive views share them. */
const digest = memoize((array: NodeJS.TypedArray): string => createHash('sha256').update(array).digest('base64url'))

/** Whether a change contains nothing. */
export function isNoChange ({ records, removed, rejected, quarantine }: ViewChange): boolean {
  return records.length + removed.length + rejected.set.length + rejected.removed.length === 0 && quarantine === null
}

/** The ids of the records that a change adds, replaces or removes. Some of them may have a new info file with the same content. */
export function touchedIds ({ records, removed }: ViewChange): string[] {
  return [...records.map(({ id }) => id), ...removed]
}

/** The differences between two views. */
export function viewChange (previous: View, next: View): ViewChange {
  return {
    ...recordChange(previous.state, next.state),
    rejected: rejectedChange(previous.state, next.state),
    quarantine: quarantineChange(previous.quarantine, next.quarantine)
  }
}

function recordChange (previous: SourceState, next: SourceState): Pick<ViewChange, 'records' | 'removed'> {
  const { rows, removed } = changedRows(previous, next)
  return { records: recordsAt(next, rows), removed }
}

/** The rows of the records of a state that an earlier one does not have, or has with another version of a file or image; and the ids of those that only the earlier one has. */
export function changedRows (previous: SourceState, next: SourceState): { readonly rows: readonly number[], readonly removed: readonly string[] } {
  const rows: number[] = []
  const removed: string[] = []
  if (previous.table === next.table && previous.files === next.files && previous.images === next.images) return { rows, removed }
  const [oldTable, table] = [new TableReader(previous.table), new TableReader(next.table)]
  let old = 0
  for (let row = 0; row < table.length; row++) {
    const { bytes, start, end } = sliceAt(table.keys, row)
    let order = 1
    for (; old < oldTable.length; old++) {
      order = oldTable.keys.compare(old, bytes, start, end)
      if (order >= 0) break
      removed.push(oldTable.keys.at(old))
    }
    if (old === oldTable.length || order > 0) rows.push(row)
    else if (!isSameRecord(previous, oldTable, old++, next, table, row)) rows.push(row)
  }
  for (; old < oldTable.length; old++) removed.push(oldTable.keys.at(old))
  return { rows, removed }
}

function isSameRecord (previous: SourceState, oldTable: TableReader, old: number, next: SourceState, table: TableReader, row: number): boolean {
  const [a, b] = [previous.files, next.files]
  const isRacy = a.racy[old] === 1 || b.racy[row] === 1
  return a.sizes[old] === b.sizes[row] && a.racy[old] === b.racy[row] && isSameValue(a.etags, old, b.etags, row) && isSameValue(a.keys, old, b.keys, row) &&
    previous.images.every((images, field) => images.sizes[old] === next.images[field]!.sizes[row] && images.modified[old] === next.images[field]!.modified[row] &&
      isSameValue(images.etags, old, next.images[field]!.etags, row) && isSameValue(previous.table.images[field]!, old, next.table.images[field]!, row)) &&
    !(isRacy && JSON.stringify(oldTable.row(old)) !== JSON.stringify(table.row(row)))
}

/** The records with these ids that a state has. */
export function recordsOf (state: SourceState, ids: Iterable<string>): ChangedRecord[] {
  const keys = new Utf8Reader(state.table.keys)
  return recordsAt(state, [...ids].map((id) => keys.find(id)).filter((row) => row !== -1))
}

function recordsAt (state: SourceState, rows: readonly number[]): ChangedRecord[] {
  const table = new TableReader(state.table)
  const imageKeys = state.table.images.map((keys) => new ImageTexts(keys, state.table.keys))
  return rows.map((row) => recordAt(state, table, imageKeys, row))
}

function recordAt ({ files, images }: SourceState, table: TableReader, imageKeys: readonly ImageTexts[], row: number): ChangedRecord {
  return {
    id: table.keys.at(row),
    ...table.fields(row),
    file: { key: new Utf8Reader(files.keys).at(row), etag: unpackEtag(files.etags, row), size: files.sizes[row]!, racy: files.racy[row] === 1 },
    images: images.map(({ etags, sizes, modified }, field) => imageKeys[field]!.isEmpty(row)
      ? null
      : { key: imageKeys[field]!.at(row), etag: unpackEtag(etags, row), size: sizes[row]!, modified: modified[row]! })
  }
}

function rejectedChange (previous: SourceState, next: SourceState): ViewChange['rejected'] {
  if (previous.rejected === next.rejected) return { set: [], removed: [] }
  const [old, files] = [rejectedFilesOf(previous), rejectedFilesOf(next)]
  const isKnown = (file: RejectedFile) => {
    const known = old.get(file.key)
    return known !== undefined && rejectedText(file) === rejectedText(known)
  }
  return {
    set: [...files.values()].filter((file) => !isKnown(file)).map(({ backoff, ...file }) => file),
    removed: [...old.keys()].filter((key) => !files.has(key))
  }
}

function quarantineChange (previous: Quarantine, next: Quarantine): ViewChange['quarantine'] {
  if (previous.name === next.name) return null
  const [old, entries] = [textsByKey(previous), textsByKey(next)]
  const { counts, ignored, origin } = next
  return {
    counts,
    ignored,
    origin,
    set: [...entries].filter(([key, text]) => old.get(key) !== text).map(([, text]) => JSON.parse(text) as QuarantineEntry),
    removed: [...old.keys()].filter((key) => !entries.has(key))
  }
}

function textsByKey ({ keys, json }: Quarantine): Map<string, string> {
  const [keyReader, reader] = [new Utf8Reader(keys), new Utf8Reader(json)]
  return new Map(Array.from({ length: reader.length }, (_, i) => [keyReader.at(i), reader.at(i)]))
}

/** One change that does what several consecutive ones do. */
export function combineChanges (changes: readonly ViewChange[]): ViewChange {
  const records = new Map<string, ChangedRecord | undefined>()
  const rejected = new Map<string, RejectedFile | undefined>()
  const entries = new Map<string, QuarantineEntry | undefined>()
  for (const change of changes) {
    for (const record of change.records) records.set(record.id, record)
    for (const id of change.removed) records.set(id, undefined)
    for (const file of change.rejected.set) rejected.set(file.key, file)
    for (const key of change.rejected.removed) rejected.set(key, undefined)
    for (const entry of change.quarantine?.set ?? []) entries.set(entry.key, entry)
    for (const key of change.quarantine?.removed ?? []) entries.set(key, undefined)
  }
  const last = changes.findLast(({ quarantine }) => quarantine !== null)?.quarantine ?? null
  return {
    records: setIn(records),
    removed: removedIn(records),
    rejected: { set: setIn(rejected), removed: removedIn(rejected) },
    quarantine: last && { ...last, set: setIn(entries), removed: removedIn(entries) }
  }
}

/**
 * The change without the content that a later one replaces or removes: of that, only the ids and keys remain, as removed ones, so that both changes together do
 * the same as before. Returns `change` itself if the later one concerns none of its content.
 */
export function withoutReplaced (change: ViewChange, later: ViewChange): ViewChange {
  const { records, removed, rejected, quarantine } = change
  const [kept, files, entries] = [
    withdraw({ set: records, removed }, ({ id }) => id, touchedIds(later)),
    withdraw(rejected, ({ key }) => key, touchedKeys(later.rejected)),
    quarantine && withdraw(quarantine, ({ key }) => key, touchedKeys(later.quarantine))
  ]
  if (kept.set === records && files === rejected && entries === quarantine) return change
  return { records: kept.set, removed: kept.removed, rejected: files, quarantine: quarantine && entries && { ...quarantine, ...entries } }
}

interface SetAndRemoved<T> { readonly set: readonly T[], readonly removed: readonly string[] }

/** Turns the items whose content a later change replaces into removed ones. Returns `items` itself if the later change replaces none of them. */
function withdraw<T> (items: SetAndRemoved<T>, nameOf: (item: T) => string, later: readonly string[]): SetAndRemoved<T> {
  const names = new Set(later)
  const replaced = items.set.filter((item) => names.has(nameOf(item))).map(nameOf)
  return replaced.length === 0 ? items : { set: items.set.filter((item) => !names.has(nameOf(item))), removed: [...items.removed, ...replaced] }
}

function touchedKeys (items: SetAndRemoved<{ readonly key: string }> | null): readonly string[] {
  return items === null ? [] : [...items.set.map(({ key }) => key), ...items.removed]
}

function setIn<T> (items: ReadonlyMap<string, T | undefined>): T[] {
  return [...items.values()].filter((item) => item !== undefined)
}

function removedIn (items: ReadonlyMap<string, unknown>): string[] {
  return [...items].filter(([, item]) => item === undefined).map(([key]) => key)
}

/** The view after a change, except that its change log is the previous one. @param name the name of the new state */
export function applyChange ({ state, quarantine }: View, change: ViewChange, rules: SourceRules, name: string): View {
  return {
    state: { ...state, ...applyRecords(state, change, rules), rejected: applyRejected(state, change), name },
    quarantine: applyQuarantine(quarantine, change)
  }
}

function applyRejected (state: SourceState, { rejected: { set, removed } }: ViewChange): SourceState['rejected'] {
  if (set.length + removed.length === 0) return state.rejected
  const files = new Map(rejectedFilesOf(state))
  for (const key of removed) files.delete(key)
  for (const file of set) files.set(file.key, file)
  return encodeRejectedFiles(files.values())
}

function applyQuarantine (quarantine: Quarantine, { quarantine: change }: ViewChange): Quarantine {
  if (change === null) return quarantine
  const entries = new Map([...textsByKey(quarantine)].map(([key, text]) => [key, JSON.parse(text) as QuarantineEntry]))
  for (const key of change.removed) entries.delete(key)
  for (const entry of change.set) entries.set(entry.key, entry)
  return quarantineOf([...entries.values()], change)
}

function applyRecords (previous: SourceState, { records: unordered, removed }: ViewChange, rules: SourceRules): Pick<SourceState, 'table' | 'files' | 'images'> {
  const { table: oldTable, files: oldFiles, images: oldImages } = previous
  if (unordered.length + removed.length === 0) return previous
  const records = [...unordered].sort((a, b) => compareUtf8(a.id, b.id))
  const ids = records.map(({ id }) => toSlice(id))
  const sources = mergeRows(oldTable, records.map(({ id }) => id), removed)
  const { length } = sources
  const builder = new RowBuilder(tableFields(compileSchema(rules.schema)), rules.timeZone)
  for (const { values, undeclared, file } of records) builder.add({ values, undeclared: toUndeclared(undeclared) }, file)
  /** Builds a column of text whose values come from the previous column, or from the changed records. */
  const take = (column: Parameters<typeof sliceAt>[0], ofRecord: (record: number) => ByteSlice) =>
    takeUtf8(length, (row) => isDraft(sources[row]!) ? ofRecord(draftOf(sources[row]!)) : sliceAt(column, sources[row]!))
  const fill = <T extends Uint8Array | Uint32Array | Float64Array>(values: T, column: ArrayLike<number>, ofRecord: (record: number) => number): T => {
    sources.forEach((source, row) => { values[row] = isDraft(source) ? ofRecord(draftOf(source)) : column[source]! })
    return values
  }
  const naming = imageNaming(rules)
  const pack = imageKeyPacker(naming)
  const imageKeys = oldTable.images.map((column, field): ImageKeys => {
    const packed = records.map(({ id, images }) => packKey(pack, images[field] ?? null, id))
    return { ...naming, ...take(column, (record) => packed[record]!) }
  })
  const files: FileVersions = {
    keys: take(oldFiles.keys, (record) => toSlice(records[record]!.file.key)),
    etags: take(oldFiles.etags, (record) => sliceAt(builder.etags, record)),
    sizes: fill(shared(Uint32Array, length), oldFiles.sizes, (record) => records[record]!.file.size),
    racy: fill(shared(Uint8Array, length), oldFiles.racy, (record) => Number(records[record]!.file.racy))
  }
  const images = oldImages.map(({ etags, sizes, modified }, field): ImageVersions => ({
    etags: take(etags, (record) => packEtag(toSlice(records[record]!.images[field]?.etag ?? ''))),
    sizes: fill(shared(Float64Array, length), sizes, (record) => records[record]!.images[field]?.size ?? 0),
    modified: fill(shared(Float64Array, length), modified, (record) => records[record]!.images[field]?.modified ?? 0)
  }))
  const table = buildTable(oldTable, builder, { sources, keys: take(oldTable.keys, (record) => ids[record]!), images: imageKeys })
  return {
    table: table.version === oldTable.version ? oldTable : table,
    files: reuseTypedArrays(oldFiles, files),
    images: reuseTypedArrays(oldImages, images)
  }
}

/** Where the rows of the next table come from: a row of the previous table, or the draft with the number of a record. */
function mergeRows (previous: Table, ids: readonly string[], removed: readonly string[]): Int32Array {
  const keys = new Utf8Reader(previous.keys)
  const isReplaced = new Uint8Array(keys.length)
  for (const id of [...removed, ...ids]) {
    const row = keys.find(id)
    if (row !== -1) isReplaced[row] = 1
  }
  const sources = new Int32Array(keys.length + ids.length)
  let length = 0
  let row = 0
  const copyUpTo = (end: number) => {
    for (; row < end; row++) if (isReplaced[row] === 0) sources[length++] = row
  }
  ids.forEach((id, record) => {
    copyUpTo(keys.lowerBound(Buffer.from(id), row))
    sources[length++] = fromDraft(record)
  })
  copyUpTo(keys.length)
  return sources.subarray(0, length)
}

/** The object key of an image as tables store it. */
function packKey (pack: ReturnType<typeof imageKeyPacker>, image: ImageOfRecord | null, id: string): ByteSlice {
  if (image === null) return toSlice('')
  const key = toSlice(image.key)
  // The id ends at the dot before the extension, and begins after the last slash.
  const start = key.bytes.lastIndexOf(SLASH) + 1
  return pack(key, { start, end: start + Buffer.byteLength(id) })
}

const SLASH = 0x2f

/** An object without a prototype, so that any name is safe. */
function toUndeclared (columns: Readonly<Record<string, string>>): RecordFields['undeclared'] {
  return Object.assign(Object.create(null), columns)
}
