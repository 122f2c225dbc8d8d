import { compileSchema } from '../schema/schema.js'
import { ObjectList } from '../store/object-list.js'
import type { ObjectInfo, ReadableStore } from '../store/object-store.js'
import { tableFields } from '../table/table-field.js'
import { quarantineOf, type QuarantineEntry } from './quarantine.js'
import type { SourceRules } from './rules.js'
import { emptyState, nextStateName, type RejectedFile } from './source-state.js'
import { applyChange, type ChangedRecord, type View } from './view-change.js'

// A part of a lake is all objects of some records. A reconcile of a part finds of these records what one of the whole lake would find, except
// how much of the lake cannot be read (`ReconcileOptions.totalFiles`), and whether the lake has too many columns.

/** What is known of some records: themselves, their rejected files, and their entries in the quarantine. */
export interface PartContent {
  readonly records: readonly ChangedRecord[]
  readonly rejected: readonly RejectedFile[]
  readonly entries: readonly QuarantineEntry[]
}

const NOTHING = { counts: { rejects: 0, orphans: 0, ignored: 0 }, ignored: [], origin: '' }

/** A view that has only these records. */
export function partView ({ records, rejected, entries }: PartContent, rules: SourceRules): View {
  const nothing = { state: emptyState(tableFields(compileSchema(rules.schema))), quarantine: quarantineOf([], NOTHING) }
  const orphans = entries.filter(({ code }) => code === 'orphan').length
  const counts = { rejects: entries.length - orphans, orphans, ignored: 0 }
  const change = { records, removed: [], rejected: { set: rejected, removed: [] }, quarantine: { ...NOTHING, counts, set: entries, removed: [] } }
  return applyChange(nothing, change, rules, nextStateName(nothing.state, 0))
}

/** A store in which these objects, in the order of their keys, and no others have keys with the prefix of the lake. */
export function listingOf (store: ReadableStore, lakePrefix: string, objects: readonly ObjectInfo[]): ReadableStore {
  return {
    get usefulDownloads () { return store.usefulDownloads },
    // `downloadListed` lists a single key, to find whether an object that cannot be found is still listed.
    list: (prefix, options) => prefix === lakePrefix ? pageOf(objects) : store.list(prefix, options),
    get: (key, options) => store.get(key, options),
    head: (key) => store.head(key)
  }
}

async function * pageOf (objects: readonly ObjectInfo[]): AsyncGenerator<ObjectList> {
  yield new ObjectList(objects)
}
