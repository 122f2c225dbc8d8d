import { nearest } from '../base/nearest.js'
import type { Warning } from '../base/warning.js'

/** The warning about columns of the output that no record has. */
export function columnWarnings (columns: readonly string[], known: readonly string[]): Warning[] {
  const unknown = columns.filter((column) => !known.includes(column))
  if (unknown.length === 0) return []
  const names = unknown.map((column) => {
    const suggestion = nearest(column, known)
    return JSON.stringify(column) + (suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`)
  })
  return [{ code: 'unknown_output_column', detail: `No record has the output column ${names.join(', ')}: it is empty` }]
}
