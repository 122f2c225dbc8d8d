import { appendChanges, hasPosition, lastPosition, namesOf, randomPosition, renameLast, toColumn, versionOf, type ChangeLog } from '../source/change-log.js'
import { nextStateName, type SourceState } from '../source/source-state.js'
import type { Step } from './shared-state.js'
import { touchedIds } from '../source/view-change.js'

/** A position of the leader, and the ids of the records that were touched since the one before. */
export interface LogEntry { readonly position: string, readonly ids: readonly string[] }

/** The positions that the leader added with these steps. */
export function logEntriesOf (steps: readonly Step[]): LogEntry[] {
  return steps.flatMap(({ position, change }) => position === null ? [] : [{ position, ids: touchedIds(change) }])
}

/**
 * The state of a follower: with the change log of its last state, to which the positions of the leader have been added. It is the last state if
 * nothing differs.
 *
 * @param state the state of the leader, with any change log
 * @param touched the ids of the records in which the last state and this one may differ although no entry contains them
 * @param writtenAt when the leader has written the state, in milliseconds of the monotonic clock
 * @param random see `randomPosition`
 */
export function continueLog (state: SourceState, last: SourceState, entries: readonly LogEntry[], touched: readonly string[], writtenAt: number, random: () => number): SourceState {
  let changes = last.changes
  for (const entry of entries) changes = append(changes, entry, random)
  const { version } = state.table
  if (touched.length > 0 || versionOf(lastPosition(changes)) !== version) changes = append(changes, { position: randomPosition(version, random, namesOf(changes)), ids: touched }, random)
  const isSame = state.table === last.table && state.files === last.files && state.images === last.images && state.rejected === last.rejected && changes === last.changes
  return isSame ? last : { ...state, changes, name: nextStateName(last, writtenAt) }
}

/** Adds a position to a log. If the log has one of this name already, the new one gets another name. */
function append (log: ChangeLog, { position, ids }: LogEntry, random: () => number): ChangeLog {
  const version = versionOf(position)
  return appendChanges(log, version, toColumn(ids), hasPosition(log, position) ? randomPosition(version, random, namesOf(log)) : position)
}

/**
 * Renames the last position of a state that this replica has found by itself, as other replicas know that position only if they take over the state.
 *
 * @param random see `randomPosition`
 * @param position the position of the leader, if it has the same content
 */
export function withPosition (state: SourceState, previous: SourceState | undefined, random: () => number, position?: string): SourceState {
  const { changes, table } = state
  if (changes === previous?.changes || lastPosition(changes) === position) return state
  const isFree = position !== undefined && !hasPosition(changes, position)
  return { ...state, changes: renameLast(changes, isFree ? position : randomPosition(table.version, random, namesOf(changes).slice(0, -1))) }
}
