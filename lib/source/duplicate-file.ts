import type { DuplicateRule } from '../base/info-formats.js'
import { rejection, type Rejection } from './reject.js'

/** An info file that is rejected without being downloaded, because another file of the same entity is chosen. */
export interface DuplicateFile {
  readonly id: string
  readonly key: string
  readonly etag: string
  /** The key of the file that is chosen. */
  readonly chosenKey: string
}

/** Why the other file is chosen. */
const REASONS: Readonly<Record<DuplicateRule, string>> = {
  shortest: 'its key is shorter, or equally long and first in bytewise order',
  newest: 'it is newer, or equally new and its key is last in bytewise order'
}

/** What to do about a duplicate of a file that is served. */
const HINTS: Readonly<Record<DuplicateRule, string>> = {
  shortest: 'The id is the name of the file, without its folder: if the two files are different records, rename one of them; if they are the same record, delete one of them, or set DUPLICATES=newest, which serves the newer one',
  newest: 'If the two files are the same record, nothing has to be done; this one can be deleted. If they are different records, rename one of them: the id is the name of the file, without its folder'
}

/** Why a duplicate is rejected. @param ofChosen why the chosen file is itself rejected; `undefined` if it is served */
export function rejectDuplicate ({ chosenKey }: DuplicateFile, rule: DuplicateRule, ofChosen: Rejection | undefined): Rejection {
  const reason = REASONS[rule]
  return ofChosen === undefined
    ? rejection('duplicate_id', `${chosenKey} has the same id and is served: ${reason}`, { hint: HINTS[rule] })
    : rejection('duplicate_id', `${chosenKey} has the same id and comes first (${reason}), but is itself rejected (${ofChosen.code})`, {
      hint: `Keep this file: it is served once ${chosenKey} is deleted. Or correct ${chosenKey}, as its own entry says`
    })
}
