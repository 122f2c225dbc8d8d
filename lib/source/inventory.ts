import type { DuplicateRule } from '../base/info-formats.js'
import { memoryLimit } from '../base/memory-limit.js'
import { compileSchema } from '../schema/schema.js'
import { sliceToString, type ExpectedSize, type ObjectList } from '../store/object-list.js'
import { StoreError, type ReadableStore } from '../store/object-store.js'
import type { ByteSlice } from '../table/utf8-column.js'
import type { DuplicateFile } from './duplicate-file.js'
import { IgnoredCounter, type IgnoredObjects } from './ignored-objects.js'
import { objectClassifier } from './object-kinds.js'
import { SkippedCounter, type SkippedFiles } from './skipped-files.js'
import type { SourceState } from './source-state.js'
import { rejection, type Rejection } from './reject.js'
import { MAX_ID_BYTES, type SourceRules } from './rules.js'
import { DOT, idIn, EntityObjects } from './entity-objects.js'

/** An info file that is rejected without being downloaded, because its key has no valid id. */
export interface ListingReject { readonly key: string, readonly etag: string, readonly rejection: Rejection }

/** The result of one complete listing of the lake. */
export interface Inventory {
  /** The info files with valid ids. */
  readonly infoFiles: EntityObjects
  /** For each entity, in the byte order of the ids: the info file that is chosen, as an index in `infoFiles`. */
  readonly entities: Int32Array
  /** The images of each image field, in schema order. */
  readonly images: readonly ListedImages[]
  readonly listingRejects: readonly ListingReject[]
  readonly duplicates: readonly DuplicateFile[]
  /** The number of all objects. */
  readonly listed: number
  /** The number of requests that the listing has taken. */
  readonly requests: number
  readonly ignored: readonly IgnoredObjects[]
  /** What the listing of a folder has skipped. */
  readonly skipped: readonly SkippedFiles[]
}

/** The images of one field. */
export interface ListedImages {
  readonly objects: EntityObjects
  /** The image of each entity, as an index in `objects`; -1 for none. */
  readonly ofEntities: Int32Array
  /** The images without an info file: their indexes in `objects`, in ascending order of the keys. */
  readonly orphans: Int32Array
  /** The number of images that are not served because their entity has a newer one. */
  readonly outdated: number
}

/**
 * The bytes of memory for each info file and image of a listing. A listing takes about a quarter of it, also while its columns grow; records that are served
 * take more. A listing that never ends thus fails before the memory is full, and no lake that could be served is refused.
 */
const BYTES_PER_OBJECT = 400

/** Memory is allocated for somewhat more objects than in the previous listing. */
const HEADROOM = 1.02

function expectedInfoFiles ({ table: { keys, length }, files }: SourceState, { prefix }: SourceRules): ExpectedSize {
  return withHeadroom(length, keys.bytes.length + length * (Buffer.byteLength(prefix) + '.csv'.length), 2 * files.etags.bytes.length)
}

function expectedImages ({ table, images }: SourceState, field: number): ExpectedSize | undefined {
  const keys = table.images[field]
  const { length } = table
  return keys && withHeadroom(length, table.keys.bytes.length + length * (Buffer.byteLength(keys.prefix) + '.jpeg'.length) + keys.bytes.length, 2 * images[field]!.etags.bytes.length)
}

/** The sizes of the previous listing, with headroom. ETags take twice the bytes of packed ones. */
function withHeadroom (rows: number, keyBytes: number, etagBytes: number): ExpectedSize {
  return { rows: Math.ceil(rows * HEADROOM) + 1000, keyBytes: Math.ceil(keyBytes * HEADROOM), etagBytes: Math.ceil(etagBytes * HEADROOM) }
}

/**
 * Lists the lake and decides, from the listing alone, which objects are used.
 *
 * @param onListed receives the numbers of listed objects and of requests after each page
 * @param previous the state of an earlier listing, from which the needed memory is estimated
 * @param memory the bytes of memory of this process or machine
 * @throws StoreError if the listing fails, or has more info files and images than fit into the memory
 */
export async function takeInventory (
  store: Pick<ReadableStore, 'list'>, rules: SourceRules, onListed: (listed: number, requests: number) => void, previous?: SourceState, memory = memoryLimit()
): Promise<Inventory> {
  const infoFiles = new EntityObjects(previous && expectedInfoFiles(previous, rules))
  const images = compileSchema(rules.schema).imageFields.map((_, field) => new EntityObjects(previous && expectedImages(previous, field)))
  const invalid: ListingReject[] = []
  const classify = objectClassifier(rules)
  let listed = 0
  let requests = 0
  const onRequest = () => { requests++ }
  const ignored = new IgnoredCounter()
  const skipped = new SkippedCounter()
  for await (const page of store.list(rules.prefix, { onSkipped: (file) => skipped.add(file), onRequest })) {
    for (let i = 0; i < page.length; i++) {
      const object = classify(page.key(i))
      if (object.kind === 'info') addInfoFile(page, i, object.extension.length, infoFiles, invalid)
      else if (object.kind === 'image') images[object.field]!.add(page, i, object.extension.length)
      else if (object.kind === 'other') ignored.add(page.key(i))
    }
    listed += page.length
    const kept = images.reduce((sum, { length }) => sum + length, infoFiles.length + invalid.length)
    if (kept * BYTES_PER_OBJECT > memory) throw tooMany(kept, memory)
    onListed(listed, requests)
  }
  const { chosen, duplicates } = chooseInfoFiles(infoFiles, rules.duplicates)
  return {
    infoFiles,
    entities: chosen,
    images: images.map((objects) => joinImages(infoFiles, chosen, objects)),
    listingRejects: invalid,
    duplicates,
    listed,
    requests,
    ignored: ignored.list(),
    skipped: skipped.list()
  }
}

function tooMany (kept: number, memory: number): StoreError {
  const message = `the listing has not ended after ${kept} info files and images, the most for ${Math.round(memory / 1024 ** 2)} MiB of memory: either the store repeats itself without end, or this process needs more memory`
  return new StoreError('invalid_listing', message)
}

function addInfoFile (page: ObjectList, i: number, extensionLength: number, infoFiles: EntityObjects, invalid: ListingReject[]): void {
  const id = idIn(page.key(i), extensionLength)
  const problem = checkId(id)
  if (problem === undefined) return infoFiles.add(page, i, extensionLength)
  const { key, etag } = page.at(i)
  invalid.push({ key, etag, rejection: rejection('invalid_id', problem, { excerpt: sliceToString(id) }) })
}

/** What is wrong with an id; `undefined` if it is valid. */
export function checkId ({ bytes, start, end }: ByteSlice): string | undefined {
  if (start === end) return 'The name of the file has no id before its extension'
  if (end - start <= 2 && bytes[start] === DOT && bytes[end - 1] === DOT) return 'An id must not be "." or ".."'
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    // U+0080 to U+009F are C2 80 to C2 9F.
    if (byte < 0x20 || byte === 0x7f || (byte === 0xc2 && bytes[i + 1]! < 0xa0)) return 'An id must not contain control characters'
  }
  if (end - start > MAX_ID_BYTES) return `An id must have at most ${MAX_ID_BYTES} bytes`
  return undefined
}

/** Whether the second of two info files of one entity, the one with the greater key, is chosen in place of the first. */
const REPLACES: Readonly<Record<DuplicateRule, (infoFiles: EntityObjects, second: number, first: number) => boolean>> = {
  shortest: (infoFiles, second, first) => lengthOf(infoFiles.key(second)) < lengthOf(infoFiles.key(first)),
  newest: (infoFiles, second, first) => infoFiles.lastModified(second) >= infoFiles.lastModified(first)
}

function lengthOf ({ start, end }: ByteSlice): number {
  return end - start
}

/** Of several info files of one entity, one is chosen; the others are duplicates. */
function chooseInfoFiles (infoFiles: EntityObjects, rule: DuplicateRule) {
  const chosen: number[] = []
  const losers: { readonly infoFile: number, readonly entity: number }[] = []
  for (const candidate of infoFiles.byId()) {
    const previous = chosen.at(-1)
    if (previous === undefined || infoFiles.compareIds(previous, infoFiles, candidate) !== 0) {
      chosen.push(candidate)
      continue
    }
    // The files of one entity come in the order of their keys.
    const wins = REPLACES[rule](infoFiles, candidate, previous)
    if (wins) chosen[chosen.length - 1] = candidate
    losers.push({ infoFile: wins ? previous : candidate, entity: chosen.length - 1 })
  }
  // Which file is chosen is known only after all files of the entity.
  const duplicates = losers.map(({ infoFile, entity }): DuplicateFile => {
    const { key, etag } = infoFiles.at(infoFile)
    return { id: sliceToString(infoFiles.id(infoFile)), key, etag, chosenKey: sliceToString(infoFiles.key(chosen[entity]!)) }
  })
  return { chosen: Int32Array.from(chosen), duplicates }
}

/** Joins each entity with an image: the newest one; of those, the one with the greatest key. */
function joinImages (infoFiles: EntityObjects, entities: Int32Array, objects: EntityObjects): ListedImages {
  const ofEntities = new Int32Array(entities.length).fill(-1)
  const orphans: number[] = []
  let outdated = 0
  let entity = 0
  for (const image of objects.byId()) {
    let order = -1
    for (; entity < entities.length; entity++) {
      order = infoFiles.compareIds(entities[entity]!, objects, image)
      if (order >= 0) break
    }
    if (order !== 0) {
      orphans.push(image)
      continue
    }
    const other = ofEntities[entity]!
    if (other !== -1) outdated++
    // The images of one entity come in the order of their keys: of two that are equally new, the later one has the greater key.
    if (other === -1 || objects.lastModified(image) >= objects.lastModified(other)) ofEntities[entity] = image
  }
  // A listing is in ascending order of the keys.
  return { objects, ofEntities, orphans: Int32Array.from(orphans).sort(), outdated }
}

/** The inventory after the info files of some entities were found to be deleted: their images are orphans. */
export function withoutEntities (inventory: Inventory, deleted: ReadonlySet<number>): Inventory {
  if (deleted.size === 0) return inventory
  const images = inventory.images.map((listed) => {
    const left = [...deleted].map((entity) => listed.ofEntities[entity]!).filter((image) => image !== -1)
    return { ...listed, orphans: Int32Array.from([...listed.orphans, ...left]).sort() }
  })
  return { ...inventory, images }
}
