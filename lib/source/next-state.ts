import { shared } from '../base/shared-memory.js'
import { reuseTypedArrays } from '../base/typed-arrays.js'
import { compileSchema } from '../schema/schema.js'
import { packEtag } from '../store/packed-etag.js'
import { buildTable } from '../table/build-table.js'
import { hasImageKey, imageKeyPacker, type ImageKeys, type ImageNaming } from '../table/image-keys.js'
import { draftOf, isDraft, NO_ROW } from '../table/row-source.js'
import type { Table } from '../table/table.js'
import { sliceAt, takeUtf8, type ByteSlice } from '../table/utf8-column.js'
import type { ServedRows } from './admit-columns.js'
import { appendChanges, startLog, type ChangeLog } from './change-log.js'
import { findTouchedKeys } from './touched-keys.js'
import { hasUsualKey, type ReconcilePlan } from './reconcile-plan.js'
import { EMPTY_NAME, encodeRejectedFiles, nextStateName, rejectedFilesOf, type FileVersions, type ImageVersions, type RejectedFile, type SourceState } from './source-state.js'
import type { SourceRules } from './rules.js'
import type { EntityObjects } from './entity-objects.js'

const EMPTY_SLICE: ByteSlice = { bytes: new Uint8Array(), start: 0, end: 0 }

/**
 * The state after a plan is carried out. If nothing has changed, it is the previous state; parts that have not changed are those
 * of the previous state. Records with an unchanged version keep their table.
 */
export function nextState (plan: ReconcilePlan, served: ServedRows, listedAt: number): SourceState {
  const { previous, inventory } = plan
  const entities = indexesWhere(served, (source) => source !== NO_ROW)
  const sources = entities.map((entity) => served[entity]!)
  const naming = imageNaming(plan.rules)
  const pack = imageKeyPacker(naming)
  const images = inventory.images.map(({ objects, ofEntities }): RowImages => {
    return { objects, ofRows: entities.map((entity) => ofEntities[entity]!), naming, keyOf: (image) => pack(objects.key(image), objects.id(image)) }
  })
  const hasSameRows = sources.length === previous.table.length && sources.every((source, row) => source === row)
  const sameImages = hasSameRows ? compareImages(previous, images) : 'none'
  const hasSameRejects = areRejectsSame(plan.rejected, rejectedFilesOf(previous))
  if (sameImages === 'versions' && hasSameRejects) return previous
  const records = {
    table: sameImages === 'none' ? nextTable(plan, entities, sources, images) : previous.table,
    images: sameImages === 'versions' ? previous.images : reuseTypedArrays(previous.images, images.map(imageVersions))
  }
  return {
    name: nextStateName(previous, listedAt),
    ...records,
    files: hasSameRows ? previous.files : reuseTypedArrays(previous.files, fileVersions(plan, entities, sources)),
    changes: nextChanges(previous, records, sources),
    rejected: hasSameRejects ? previous.rejected : encodeRejectedFiles(plan.rejected.values())
  }
}

/** The log is empty after the first reconcile without a snapshot, and again whenever too many records change in one reconcile. */
function nextChanges (previous: SourceState, records: Pick<SourceState, 'table' | 'images'>, sources: Int32Array): ChangeLog {
  const { version } = records.table
  const touched = previous.name === EMPTY_NAME ? undefined : findTouchedKeys(previous, records, sources)
  if (touched === undefined) return startLog(version)
  return touched.offsets.length === 1 ? previous.changes : appendChanges(previous.changes, version, touched)
}

/** The usual form of the object keys of images. */
export function imageNaming ({ prefix, schema, imageExtensions }: SourceRules): ImageNaming {
  return { prefix, extensions: [...new Set([...compileSchema(schema).imageFields.flatMap(({ extensions = [] }) => extensions), ...imageExtensions])] }
}

/** The images of one field: the image of each row as an index in `objects`; -1 for none. */
interface RowImages {
  readonly objects: EntityObjects
  readonly ofRows: Int32Array
  readonly naming: ImageNaming
  /** The object key as tables store it. */
  readonly keyOf: (image: number) => ByteSlice
}

/** What the images of the rows have in common with the previous ones: nothing, their keys, or their versions as well. */
function compareImages ({ table, images }: SourceState, next: readonly RowImages[]): 'none' | 'keys' | 'versions' {
  if (table.images.length !== next.length) return 'none' // the state before the first reconcile has no fields
  const found = next.map((ofField, field) => compareImagesOfField(table.images[field]!, images[field]!, ofField))
  return found.includes('none') ? 'none' : found.includes('keys') ? 'keys' : 'versions'
}

function compareImagesOfField (keys: ImageKeys, { etags, sizes, modified }: ImageVersions, { objects, ofRows, keyOf }: RowImages): 'none' | 'keys' | 'versions' {
  let same: 'keys' | 'versions' = 'versions'
  for (let row = 0; row < ofRows.length; row++) {
    const image = ofRows[row]!
    const hadImage = keys.offsets[row] !== keys.offsets[row + 1]
    if (image === -1 ? hadImage : !hasImageKey(keys, row, keyOf(image))) return 'none'
    if (image !== -1 && !(objects.hasEtag(image, etags, row) && objects.size(image) === sizes[row] && objects.lastModified(image) === modified[row])) same = 'keys'
  }
  return same
}

/** Compares by identity: a plan contains the object of the previous state for each reject that has not changed. */
function areRejectsSame (rejected: ReadonlyMap<number, RejectedFile>, previous: ReadonlyMap<string, RejectedFile>): boolean {
  if (rejected.size !== previous.size) return false
  for (const file of rejected.values()) if (previous.get(file.key) !== file) return false
  return true
}

function nextTable ({ previous, builder, inventory: { infoFiles, entities: infoFileOf } }: ReconcilePlan, entities: Int32Array, sources: Int32Array, images: readonly RowImages[]): Table {
  const table = buildTable(previous.table, builder, {
    sources,
    keys: takeUtf8(entities.length, (row) => infoFiles.id(infoFileOf[entities[row]!]!)),
    images: images.map(({ ofRows, naming, keyOf }) => ({ ...naming, ...takeUtf8(ofRows.length, (row) => ofRows[row] === -1 ? EMPTY_SLICE : keyOf(ofRows[row]!)) }))
  })
  // A file was replaced by one with the same content.
  const isSame = table.version === previous.table.version && table.images.length === previous.table.images.length
  return isSame ? previous.table : table
}

function imageVersions ({ objects, ofRows }: RowImages): ImageVersions {
  const versions: ImageVersions = {
    etags: takeUtf8(ofRows.length, (row) => ofRows[row] === -1 ? EMPTY_SLICE : packEtag(objects.etag(ofRows[row]!))),
    sizes: shared(Float64Array, ofRows.length),
    modified: shared(Float64Array, ofRows.length)
  }
  ofRows.forEach((image, row) => {
    if (image === -1) return
    versions.sizes[row] = objects.size(image)
    versions.modified[row] = objects.lastModified(image)
  })
  return versions
}

function fileVersions (plan: ReconcilePlan, entities: Int32Array, sources: Int32Array): FileVersions {
  const { inventory: { infoFiles, entities: infoFileOf }, previous: { files }, builder, rules } = plan
  const prefixLength = Buffer.byteLength(rules.prefix)
  const keyOfDraft = (row: number) => {
    const infoFile = infoFileOf[entities[row]!]!
    return hasUsualKey(infoFiles, infoFile, prefixLength) ? EMPTY_SLICE : infoFiles.key(infoFile)
  }
  const versions: FileVersions = {
    keys: takeUtf8(entities.length, (row) => isDraft(sources[row]!) ? keyOfDraft(row) : sliceAt(files.keys, sources[row]!)),
    etags: takeUtf8(entities.length, (row) => isDraft(sources[row]!) ? sliceAt(builder.etags, draftOf(sources[row]!)) : sliceAt(files.etags, sources[row]!)),
    sizes: shared(Uint32Array, entities.length),
    racy: shared(Uint8Array, entities.length)
  }
  sources.forEach((source, row) => {
    versions.sizes[row] = isDraft(source) ? builder.sizes[draftOf(source)]! : files.sizes[source]!
    versions.racy[row] = isDraft(source) ? builder.racy[draftOf(source)]! : files.racy[source]!
  })
  return versions
}

function indexesWhere (array: Int32Array, predicate: (value: number) => boolean): Int32Array {
  const indexes = new Int32Array(array.length)
  let length = 0
  for (let i = 0; i < array.length; i++) if (predicate(array[i]!)) indexes[length++] = i
  return indexes.subarray(0, length)
}
